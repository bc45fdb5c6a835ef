"""What the categories of other services' safety systems are called here."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["OPENAI_CATEGORIES", "policies_for"]

# The thirteen categories of OpenAI's moderation models, as of omni-moderation-2024-09-26.
OPENAI_CATEGORIES = {
    "harassment": "harassment",
    "harassment/threatening": "harassment",
    "hate": "hate",
    "hate/threatening": "hate",
    "illicit": "illegal_acts",
    "illicit/violent": "illicit_weapons",
    "self-harm": "self_harm",
    "self-harm/intent": "self_harm",
    "self-harm/instructions": "self_harm",
    "sexual": "sexual",
    "sexual/minors": "sexual_minors",
    "violence": "violence_graphic",
    "violence/graphic": "violence_graphic",
}

# Words that image services give for a block, beside those; a word that is not listed names no policy.
_OTHERS = {
    "minors": "sexual_minors",
    "child_safety": "sexual_minors",
    "csam": "sexual_minors",
    "sexual_minors": "sexual_minors",
    "self_harm": "self_harm",
    "selfharm": "self_harm",
    "extremism": "extremism",
    "terrorism": "extremism",
    "weapons": "illicit_weapons",
    "illicit_behavior": "illegal_acts",
    "bio": "bio_chem",
    "bio_policy": "bio_chem",
    "copyright": "ip_style",
    "ip": "ip_style",
    "likeness": "deception_deepfake",
    "public_figure": "deception_deepfake",
    "privacy": "privacy",
    "shocking": "shocking",
}


def policies_for(categories: Iterable[str]) -> tuple[str, ...]:
    """The ids of our policies that these words stand for, each once, in order; nothing for unknown words."""
    known = OPENAI_CATEGORIES | _OTHERS
    found = (known.get(word.casefold()) for word in categories)
    return tuple(dict.fromkeys(policy for policy in found if policy))
