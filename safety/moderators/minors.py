"""One-way evidence for the minors stack: words about age and young faces tighten what is sexual; nothing loosens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .rules import Rules

if TYPE_CHECKING:
    from .classifier import Passage

__all__ = ["MINORS", "TIGHT", "TIGHT_IN_WORDS", "minor_score", "speaks_of_minors", "tightened"]

MINORS = "sexual_minors"
TIGHT = 0.12  # sexual score of a picture under which even a minor in it changes nothing (benign pictures reach 0.1)
TIGHT_IN_WORDS = (
    0.22  # the same where a minor is only spoken of: photographs of clothed people reach 0.2, drawings 0.15
)
_GAIN = 2.5  # by which a sexual score counts for more where a minor is spoken of, or a face looks young


def speaks_of_minors(text: str, rules: Rules) -> bool:
    """The text names a child, a teenager or an age under 18, in one of about 20 languages."""
    return rules.terms["minor"].search(text) is not None


def tightened(sexual: float) -> float:
    """What a sexual score is worth as evidence under the minors policy, where a minor may be shown."""
    return min(1.0, max(0.0, sexual * _GAIN))


def minor_score(passage: Passage, rules: Rules) -> float:
    """The minors policy's score of a passage: its own probability, never a share of another's, or the sexual one
    tightened where the passage speaks of minors."""
    own = passage.own.get(MINORS, 0.0)
    if not speaks_of_minors(passage.text, rules) or rules.terms["protective"].search(passage.text):
        return own
    return max(own, tightened(passage.own.get("sexual", 0.0)) if passage.any >= 0.3 else 0.0)
