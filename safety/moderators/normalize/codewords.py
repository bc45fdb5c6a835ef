"""Code words and emoji that stand for something else, spelled out in clinical words.

A reviewed list, kept short: what is common in messages that were written to slip past a filter. A hit is no verdict:
it is one more reading for the classifier, which sees an aubergine in a recipe as well as in a come-on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["uncover"]

_EMOJI = {
    "🔫": "gun", "💣": "bomb", "🧨": "explosives", "🔪": "knife", "🗡": "dagger", "🪓": "axe", "🩸": "blood",
    "💀": "dead", "☠": "death", "⚰": "coffin", "🪦": "grave", "💉": "injection", "💊": "pills", "🧪": "chemical",
    "☣": "biohazard", "☢": "radioactive", "🦠": "pathogen", "🔞": "pornographic", "🧒": "child", "👧": "girl child",
    "👦": "boy child", "👶": "baby", "🪢": "noose", "💥": "explosion", "卐": "swastika", "⚡⚡": "SS runes",
    "🌽⭐": "porn star",
}  # fmt: skip
# Harmless one by one; two of them together, or one beside the sign for adults only, are a come-on.
_SEXUAL = {
    "🍆": "penis",
    "🍑": "buttocks",
    "💦": "ejaculation",
    "👅": "oral sex",
    "🥵": "aroused",
    "🔞": "pornographic",
}
_PHRASES = {
    "unalive": "kill", "unaliving": "killing", "unalived": "killed", "sewer slide": "suicide", "sewerslide": "suicide",
    "self delete": "suicide", "kys": "kill yourself", "seggs": "sex",
    "secks": "sex", "shmex": "sex", "nekkid": "naked", "cornstar": "porn star",
    "le dollar bean": "lesbian", "spicy accountant": "sex worker", "pdfile": "pedophile",
    "minor attracted": "pedophile",
    "yt supremacy": "white supremacy", "pew pew": "gun", "pewpew": "gun", "boom boom device": "bomb",
    "devil's lettuce": "cannabis", "nose candy": "cocaine", "no-no square": "genitals", "fetti": "fentanyl",
    "m30s": "fentanyl pills", "thinspo": "pro-anorexia inspiration", "bonespo": "pro-anorexia inspiration",
    "pro-ana": "pro-anorexia", "proana": "pro-anorexia", "barcode wrists": "self-harm cuts",
    "red syrup": "blood", "88 heil": "heil hitler",
}  # fmt: skip
_WORD = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(_PHRASES, key=len, reverse=True))) + r")\b", re.IGNORECASE)


_EMOJI_RUN = re.compile("|".join(map(re.escape, sorted(_EMOJI, key=len, reverse=True))))
_SEXUAL_RUN = re.compile("|".join(_SEXUAL))


def uncover(text: str) -> Iterator[tuple[str, str]]:
    """(step, text) with emoji or code words spelled out, where there are any."""
    spelled = text
    if len(set(_SEXUAL_RUN.findall(text))) >= 2:
        spelled = _SEXUAL_RUN.sub(lambda match: f" {_SEXUAL[match[0]]} ", spelled)
    spelled = _EMOJI_RUN.sub(lambda match: f" {_EMOJI[match[0]]} ", spelled)
    if spelled != text:
        yield "emoji", re.sub(" {2,}", " ", spelled).strip()
    plain = _WORD.sub(lambda match: _PHRASES[match[0].lower()], text)
    if plain != text:
        yield "code words", plain
