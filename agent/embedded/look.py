"""The look that a brief asks for: art direction, colors, tone, aspect. Read from words in any language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from ...tools.images.spec import Direction, Size, StyleSheet
from ..brief import Brief
from .bundled import load
from .words import Lexicon, Words, alternation

__all__ = ["Look", "choose_direction", "choose_size", "palette_of", "read_look", "style_sheet"]

_DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
_RATIO = re.compile(r"(?<![\d:.])(\d{1,2})\s?[:x×/]\s?(\d{1,2})(?![\d:.])")
_PIXELS = re.compile(r"(?<!\d)(\d{3,4})\s?[x×]\s?(\d{3,4})(?!\d)")


@dataclass(frozen=True)
class Look:
    """What a brief says on looks. `terms` are the words that said it, so that they are not taken for the subject."""

    direction: Direction | None = None
    colors: tuple[str, ...] = ()
    tone: str = ""
    size: Size | None = None
    terms: tuple[str, ...] = ()


def read_look(text: str, words: Lexicon) -> Look:
    """Art direction, named colors, tone and size, as far as `text` names them. Never raises."""
    terms: list[str] = []
    tables = _tables()
    direction = next((name for name in _DIRECTIONS if _hit(tables["directions"][name], text, terms)), None)
    tone = next((name for name, pattern in tables["tones"].items() if _hit(pattern, text, terms)), "")
    colors = _colors(text, words, terms)
    size = _size(text, tables, terms)
    return Look(direction, colors, tone, size, tuple(dict.fromkeys(terms)))


def choose_direction(look: Look, *, audience: str, kind: str, family: str, seed: int) -> Direction:
    """The art direction that suits words, audience, kind and theme; the seed varies it among the suitable ones."""
    if look.direction is not None:
        return look.direction
    table = load("styles")["choice"]
    by_kind = table["kinds"].get(kind)
    strong = kind in {"comic", "menu", "card", "quote", "chart"}
    suited = (by_kind if strong else None) or table["families"].get(family) or by_kind or table["default"]
    if by_audience := table["audiences"].get(audience):
        shared = [name for name in by_audience if name in suited]  # whom it is for decides among the suitable
        suited = shared or by_audience
    return suited[seed % len(suited)]  # type: ignore[no-any-return]


def style_sheet(look: Look, direction: Direction, *, motif: str, audience: str, seed: int) -> StyleSheet:
    """The shared style of a set. Colors are set only where the brief names them."""
    return StyleSheet(
        direction=direction, palette=palette_of(look.colors), motif=motif, tone=look.tone, audience=audience, seed=seed
    )


def palette_of(colors: tuple[str, ...]) -> dict[str, str]:
    """Palette roles for named colors: the accents; paper and ink only for black, white and their like."""
    table = load("styles")["colors"]
    palette: dict[str, str] = {}
    for name in colors:
        role = "accent" if "accent" not in palette else "accent2"
        if name in {"white", "cream"}:
            role = "paper"
        elif name == "black" and len(colors) > 1:
            role = "ink"
        if role not in palette:
            palette[role] = table[name]["hex"]
    return palette


def choose_size(brief: Brief, look: Look, kind: str, role: str) -> Size:
    """The size asked for, in the setting or in words; else what suits the kind: posters upright, timelines wide."""
    if brief.size != "auto":
        width, height = (int(side) for side in brief.size.split("x"))
        return Size(width=width, height=height)
    if look.size is not None:
        return look.size
    table = load("styles")["sizes"]
    width, height = table["kinds"].get(kind) or table["roles"].get(role) or table["default"]
    return Size(width=width, height=height)


@cache
def _tables() -> dict[str, Any]:
    raw = load("styles")
    return {
        "directions": {name: Words.of(raw["directions"].get(name, ())) for name in _DIRECTIONS},
        "tones": {name: Words.of(words) for name, words in raw["tones"].items()},
        "colors": {name: Words.of(entry["words"]) for name, entry in raw["colors"].items()},
        "aspects": [(Words.of(entry["words"]), tuple(entry["size"])) for entry in raw["aspects"]],
    }


def _hit(words: Words, text: str, terms: list[str]) -> bool:
    match = words.search(text)
    if match is not None:
        terms.append(match[0])
    return match is not None


def _colors(text: str, words: Lexicon, terms: list[str]) -> tuple[str, ...]:
    """Colors of the set: only where the brief speaks of the look ("in blue", "red palette"), not of red cars."""
    found = []
    for name, color in _tables()["colors"].items():
        for match in color.finditer(text):
            if _speaks_of_color(text, match, words):
                found.append((match.start(), name))
                terms.append(match[0])
    return tuple(dict.fromkeys(name for _, name in sorted(found)))[:4]


def _speaks_of_color(text: str, match: re.Match[str], words: Lexicon) -> bool:
    before, after = text[max(0, match.start() - 24) : match.start()], text[match.end() : match.end() + 24]
    cues = load("styles")["color_cues"]
    if re.search(f"{Words.of(cues['near']).expression}", after, re.IGNORECASE):
        return True
    leads = alternation(cues["before"])
    other = "|".join(color.expression for color in _tables()["colors"].values())
    # "in blue", "in blue and orange": a preposition, then nothing but color words, then the end of the clause.
    lead = re.search(f"{leads}\\s+(?:(?:{other})\\s*(?:,|{alternation(words.also)})?\\s*)*$", before, re.IGNORECASE)
    tail = re.match(
        f"\\s*(?:(?:,|{alternation(words.also)})?\\s*(?:{other})\\s*)*(?:$|[.,;!?\\n])", after, re.IGNORECASE
    )
    return bool(lead and tail) or bool(re.search(f"{Words.of(cues['near']).expression}\\W*$", before, re.IGNORECASE))


def _size(text: str, tables: dict[str, Any], terms: list[str]) -> Size | None:
    if (match := _PIXELS.search(text)) and _usable(int(match[1]), int(match[2])):
        terms.append(match[0])
        return Size(width=int(match[1]), height=int(match[2]))
    for words, (width, height) in tables["aspects"]:
        if _hit(words, text, terms):
            return Size(width=width, height=height)
    for match in _RATIO.finditer(text):
        across, down = int(match[1]), int(match[2])
        if (
            across
            and down
            and match[0].replace(" ", "") in {"16:9", "9:16", "4:3", "3:4", "1:1", "3:2", "2:3", "4:5", "5:4", "21:9"}
        ):
            terms.append(match[0])
            long = 1344
            scale = long / max(across, down) if across != down else 1024 / across
            return Size(width=_even(across * scale), height=_even(down * scale))
    return None


def _usable(width: int, height: int) -> bool:
    return 256 <= width <= 3840 and 256 <= height <= 3840 and 1 / 3 <= width / height <= 3


def _even(side: float) -> int:
    return max(256, round(side / 16) * 16)
