"""Reads an instruction on an image as steps that can be carried out on its pixels."""

# ruff: noqa: E501 (regular expressions stay in one piece)
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["EditOp", "Kind", "read_instruction"]

Kind = Literal[
    "crop", "extend", "resize", "grayscale", "sepia", "duotone", "warm", "cool", "brighter", "darker", "contrast", "vivid",
    "muted", "invert", "tint", "blur", "pixelate", "redact", "sharpen", "flip", "rotate", "title", "caption", "border", "vignette",
]  # fmt: skip


_COLORS = {
    "red": "#d7263d", "orange": "#f2762e", "yellow": "#f7c843", "green": "#2f9e63", "teal": "#1f8a8a", "blue": "#2566c8",
    "navy": "#12264a", "purple": "#7148b8", "violet": "#7148b8", "pink": "#e85d93", "brown": "#7a4f2e", "black": "#000000",
    "white": "#ffffff", "gray": "#808080", "grey": "#808080", "gold": "#d4a72c", "cyan": "#22b8cf", "magenta": "#c2258f",
}  # fmt: skip


@dataclass(frozen=True)
class EditOp:
    """One step. `amount` is a strength (1 is usual) or degrees; `aspect` width over height; `text` what to set;
    `color` a hex color; `where` a side or corner; `masked` limits the step to the mask."""

    kind: Kind
    amount: float = 1.0
    aspect: float | None = None
    text: str = ""
    color: str = ""
    where: str = ""
    masked: bool = False


_QUOTED = re.compile(r"[\"“”«»„‟]([^\"“”«»„‟]{1,400})[\"“”«»„‟]|(?<![\w])['‘]([^'’]{1,400})['’](?!\w)")


_RATIO = re.compile(r"\b(\d{1,4}(?:\.\d+)?)\s*(?::|x|×|/| by | to )\s*(\d{1,4}(?:\.\d+)?)\b")


_ASPECTS = {
    "square": 1.0,
    "widescreen": 16 / 9,
    "panorama": 3.0,
    "portrait": 4 / 5,
    "landscape": 3 / 2,
    "story": 9 / 16,
    "wallpaper": 9 / 16,
    "banner": 3.0,
    "vertical": 9 / 16,
    "horizontal": 16 / 9,
}


_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("grayscale", r"black[ -]?(?:and|&|n)[ -]?white|\bb\s?[&/]\s?w\b|gr[ae]y[ -]?scale|monochrom|desaturat|no colou?r|remove (?:the |all )?colou?rs?"),
    ("sepia", r"sepia|vintage|old photo|antique|nostalgi"),
    ("duotone", r"duotone|two[ -]tone|two colou?rs"),
    ("warm", r"warm(?:er|th|ing)?\b|sunnier|golden hour"),
    ("cool", r"\bcool(?:er)?\b|colder"),
    ("brighter", r"bright(?:er|en)|lighter\b|lighten|more light|increase (?:the )?(?:brightness|exposure)"),
    ("darker", r"dark(?:er|en)\b|dimmer|decrease (?:the )?(?:brightness|exposure)"),
    ("contrast", r"(?:more|higher|increase|boost|add)\b[^.,;]{0,16}\bcontrast|punchier"),
    ("vivid", r"vivid|vibran|more colou?rful|saturat(?!ion down)|more saturat"),
    ("muted", r"\bmuted\b|pastel|less (?:saturat|colou?rful)|faded?\b|softer colou?rs"),
    ("invert", r"\binvert|negative\b"),
    ("pixelate", r"pixel(?:ate|ize|ise|ated)|mosaic|censor"),
    ("redact", r"redact|black out|blackout|cover up|hide (?:the )?(?:name|number|text|plate|part|region|area)"),
    ("blur", r"\bblur"),
    ("sharpen", r"sharp(?:en|er)"),
    ("flip", r"\bflip|\bmirror"),
    ("rotate", r"rotat|\bturn (?:it |the (?:image|picture|photo) )?(?:by )?(?:-?\d+|left|right|upside)"),
    ("vignette", r"vignette"),
    ("border", r"\bborder|\bframe\b"),
    ("extend", r"extend|outpaint|expand|widen|uncrop|add (?:more )?(?:space|room|margin)|zoom out"),
    ("crop", r"\bcrop|\btrim|cut (?:it )?(?:to|down)|zoom in|make (?:it|this|the (?:image|picture|photo)) (?:a )?square|square\b"),
)  # fmt: skip


_CAPTION = re.compile(r"\b(?:caption|subtitle|footer|credit|below|under|at the bottom|watermark)\b", re.I)


_BEYOND = re.compile(
    r"\b(?:remove|delete|erase|replace|swap|insert|change)\b(?! (?:the |all )?colou?rs?\b)[^.;]*|\b(?:add|put|give|draw)\b (?:a|an|some|more|him|her|it|them) [^.;\"“]*|\bmake (?:him|her|them|the (?:man|woman|person|dog|cat|car|sky|face|people))\b[^.;]*",
    re.I,
)


def _strength(clause: str) -> float:
    if re.search(r"slight|a (?:little|bit|touch)|subtl|gentl|somewhat", clause):
        return 0.5
    return 1.6 if re.search(r"very|much|strong|heav|a lot|extreme|really|complete", clause) else 1.0


def _aspect(clause: str) -> float | None:
    if match := _RATIO.search(clause):
        w, h = float(match[1]), float(match[2])
        if w > 0 and h > 0:
            return min(3.0, max(1 / 3, w / h))
    return next((aspect for word, aspect in _ASPECTS.items() if word in clause), None)


def _color(clause: str) -> str:
    if match := re.search(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b", clause):
        return match[0]
    return next((color for word, color in _COLORS.items() if re.search(rf"\b{word}(?:ish)?\b", clause)), "")


def read_instruction(instruction: str, has_mask: bool = False) -> tuple[tuple[EditOp, ...], tuple[str, ...]]:
    """The steps that an English instruction asks for, in its order, and notes on what it asks that is not served."""
    texts = [a or b for a, b in _QUOTED.findall(instruction)]
    plain = _QUOTED.sub(" \x00 ", instruction)
    ops: list[EditOp] = []
    notes: list[str] = []
    for clause in re.split(
        r"[.;\n]|,(?! ?\d)|\b(?:and then|then)\b|\band\b(?= (?:crop|blur|add|make|extend|rotate|flip|put|write|set|turn|sharpen|redact|pixelate|remove|tint))",
        plain,
    ):
        low = clause.lower().strip()
        if not low:
            continue
        found = _clause(low, texts, has_mask)
        ops += found
        if not found or (
            _BEYOND.search(low)
            and all(op.kind not in {"title", "caption", "border", "redact"} for op in found)
            and "\x00" not in low
        ):
            asked = _BEYOND.search(low)
            if (asked or not found) and not re.fullmatch(r"(?:please|thanks|thank you|and|also|with|to|it|this)?", low):
                notes.append(
                    f"not served without an image model: {(asked[0] if asked else low).strip().replace(chr(0), '…')[:80]!r}"
                )
    return tuple(ops), tuple(dict.fromkeys(notes))


def _clause(low: str, texts: list[str], has_mask: bool) -> list[EditOp]:
    ops: list[EditOp] = []
    masked = has_mask
    for kind, pattern in _PATTERNS:
        if not re.search(pattern, low):
            continue
        if kind == "crop" and any(op.kind == "extend" for op in ops):
            continue
        if kind == "border" and not re.search(r"add|put|with|give|white|black|colou?r", low):
            continue
        amount = _strength(low)
        if kind == "rotate":
            degrees = re.search(r"(-?\d+)\s*(?:°|deg)?", low)
            amount = (
                float(degrees[1])
                if degrees
                else 180.0
                if "upside" in low
                else -90.0
                if "left" in low or "counter" in low
                else 90.0
            )
        where = next(
            (
                w
                for w in ("top", "bottom", "left", "right", "center", "centre", "background", "vertical")
                if re.search(rf"\b{w}\b", low)
            ),
            "",
        )
        color = _color(low) if kind in {"duotone", "border", "redact"} else ""
        ops.append(EditOp(kind, amount, _aspect(low) if kind in {"crop", "extend"} else None, "", color, where, masked))
    if (
        not any(op.kind in {"grayscale", "duotone", "border", "redact"} for op in ops)
        and re.search(
            r"\btint|colou?r(?:ize|ise)?\b|more |recolou?r|palette|hue|make (?:it|everything|the (?:colou?rs|image|picture|photo))",
            low,
        )
        and (color := _color(low))
    ):
        ops.append(EditOp("tint", _strength(low), color=color, masked=masked))
    while "\x00" in low and texts:
        low = low.replace("\x00", "", 1)
        text = texts.pop(0)
        ops.append(
            EditOp(
                "caption" if _CAPTION.search(low) and not re.search(r"\btitle|headline|heading", low) else "title",
                text=text,
            )
        )
    return ops
