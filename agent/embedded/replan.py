"""Edits of images that we drew: the spec is found again, changed as asked, and drawn anew."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ...tools.images.canvas.instruction import read_instruction
from ...tools.images.spec import ImageSpec, Item, Role, StyleSheet
from ..brief import Brief
from .icons import icons_in
from .language import requested
from .look import choose_size, palette_of, read_look
from .reading import Reading
from .translating import translated
from .writing import tidy

__all__ = ["Earlier", "Recall", "Replanned", "replan"]

_ROLES: dict[str, Role] = {
    "timeline": "timeline", "comparison": "comparison", "diagram": "diagram", "checklist": "list", "menu": "list",
    "cover": "cover", "scene": "scene",
}  # fmt: skip
# Steps that a new drawing serves better than the old pixels do; any other step is done on the pixels.
_REDRAWN = frozenset({"title", "caption", "tint", "resize"})
_DROPPED = {
    "subtitle": re.compile(r"\b(?:without|no|remove|drop|delete)\b[^.;]*\bsubtitle", re.I),
    "caption": re.compile(r"\b(?:without|no|remove|drop|delete)\b[^.;]*\bcaption", re.I),
    "items": re.compile(r"\b(?:without|no|remove|drop|delete)\b[^.;]*\b(?:list|entries|items|steps)", re.I),
}
_FIELD = {
    "subtitle": re.compile(r"\b(?:subtitle|second line)\b|\bunterzeile|\bsous-titre|\bsubtítulo", re.I),
    "caption": re.compile(r"\b(?:caption|footer|credit|at the bottom|below)\b|\bbildunterschrift|\blégende", re.I),
}
_INSTEAD = re.compile(r"\binstead of\b|\breplace\b|\brather than\b|\bstatt\b|\bà la place\b|\ben lugar\b", re.I)
_CUT = re.compile(r"\b(?:crop|trim|cut|zoom)", re.I)
_AGAIN = re.compile(r"\b(?:another|other|different|new|fresh)\s+(?:version|variation|variant|scene|take)\b", re.I)


@dataclass(frozen=True)
class Earlier:
    """An image of ours: what it was drawn from."""

    spec: ImageSpec
    style: StyleSheet


Recall = Callable[[str, str], Awaitable[Earlier | None]]
"""Blob reference and account to what that image was drawn from; None where it is not ours, or not that account's."""


@dataclass(frozen=True)
class Replanned:
    """The spec and the style of the image to draw instead, and what could not be changed as asked."""

    spec: ImageSpec
    style: StyleSheet
    notes: tuple[str, ...] = ()


def replan(brief: Brief, reading: Reading, earlier: Earlier, target: str) -> Replanned | None:
    """The image to draw instead; None where the edit is one of pixels, or none that rules
    understand."""
    instruction = tidy(brief.prompt)[:4000]
    steps, _ = read_instruction(instruction)
    look = read_look(brief.prompt, reading.lexicon)
    # Another format is laid out anew, unless it is to be cut out of the picture.
    served = _REDRAWN if _CUT.search(instruction) or look.size is None else _REDRAWN | {"crop", "extend"}
    if any(item.kind == "mask" for item in brief.attachments) or any(step.kind not in served for step in steps):
        return None
    spec, style = earlier.spec, earlier.style
    left: tuple[str, ...] = ()
    if (language := requested(brief.prompt, spec.language)) != spec.language:
        told = translated(spec, language)
        if told[0].title == spec.title and told[0].items == spec.items:
            return None  # not a word of it is known in that language
        spec, left = told
    texts = _texts(spec, reading.texts, instruction)
    changes: dict[str, Any] = {**texts, **_dropped(instruction), **_subject(instruction)}
    if (role := _ROLES.get(reading.kind)) and re.search(r"\b(?:as|into|als|en)\b", instruction):
        changes["role"] = role
    if brief.size != "auto" or look.size is not None:
        changes["size"] = choose_size(brief, look, reading.kind, spec.role)
    restyled: dict[str, Any] = {}
    if wanted := brief.style or look.direction:
        restyled = {"direction": wanted} if wanted != style.direction else {}
    if look.colors:
        restyled["palette"] = {**style.palette, **palette_of(look.colors)}
    if _AGAIN.search(instruction):
        restyled["seed"] = style.seed + 1
    if not changes and not restyled and spec is earlier.spec:
        return None
    changed = spec.model_copy(
        update={
            **changes, "index": 0, "of": 1, "edit_of": target, "redraw": True, "references": (), "mask": None,
            "instruction": instruction, "prompt": f"{spec.prompt} Changed as asked: {instruction}",
        }
    )  # fmt: skip
    return Replanned(changed, style.model_copy(update=restyled), _untranslated(left, language))


def _untranslated(left: tuple[str, ...], language: str) -> tuple[str, ...]:
    if not left:
        return ()
    some = "; ".join(f"“{text[:60]}”" for text in left[:4]) + (" …" if len(left) > 4 else "")
    why = "without a language model only texts that were written in advance are known in"
    return (f"Left as it was, since {why} “{language}”: {some}",)


def _texts(spec: ImageSpec, given: tuple[str, ...], instruction: str) -> dict[str, Any]:
    """Quoted texts into their places: “old” to “new” wherever the old one stands, else the field that is named."""
    if len(given) >= 2 and (swapped := _swapped(spec, given[0], given[1])):
        return swapped
    if not given:
        return {}
    field = next((name for name, pattern in _FIELD.items() if pattern.search(instruction)), "title")
    return {field: given[-1]}


def _swapped(spec: ImageSpec, old: str, new: str) -> dict[str, Any]:
    def change(text: str) -> str:
        return re.sub(re.escape(old), lambda _: new, text, flags=re.IGNORECASE)

    fields = {name: change(getattr(spec, name)) for name in ("title", "subtitle", "caption", "quote", "alt")}
    items = tuple(
        Item(
            label=change(item.label),
            detail=change(item.detail),
            icon=item.icon,
            value=change(item.value),
            source=item.source,
        )
        for item in spec.items
    )
    changed = {name: text for name, text in fields.items() if text != getattr(spec, name)}
    return {**changed, "items": items} if items != spec.items else changed


def _dropped(instruction: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"subtitle": "", "caption": "", "items": ()}
    return {name: empty[name] for name, pattern in _DROPPED.items() if pattern.search(instruction)}


def _subject(instruction: str) -> dict[str, Any]:
    """ "A cat instead of the dog", "replace the dog with a cat": the noun that is wanted."""
    if not _INSTEAD.search(instruction):
        return {}
    nouns = icons_in(instruction)
    if len(nouns) < 2:
        return {}
    wanted = nouns[-1] if re.search(r"\breplace\b", instruction, re.I) else nouns[0]
    return {"subject": wanted, "icons": (wanted,)}
