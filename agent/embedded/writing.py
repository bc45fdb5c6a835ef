"""Turns the frames of a storyboard into image specs: exactly which text is set, and what the image shows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...tools.images.spec import Chart, ImageSpec, Item, Role, Size
from .icons import icon_about, icon_of
from .language import is_cased
from .part import Entry, Part
from .storyboard import Frame

__all__ = ["Scene", "as_title", "tidy", "write_spec"]

_MOST_TITLE = 72
_KIND_WORDS = {
    "guide": "explanatory guide page",
    "poster": "poster",
    "infographic": "infographic",
    "comparison": "comparison graphic",
    "timeline": "timeline graphic",
    "chart": "chart",
    "menu": "menu",
    "comic": "comic page",
    "card": "card",
    "cover": "cover",
    "map": "map-like diagram",
    "diagram": "labeled diagram",
    "checklist": "checklist",
    "quote": "quote poster",
    "banner": "banner",
    "scene": "illustration",
}


@dataclass(frozen=True)
class Scene:
    """What all specs of a set share."""

    subject: str
    title: str
    kind: str
    language: str
    audience: str
    family_icons: tuple[str, ...]
    of: int
    verbatim: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


def as_title(text: str, language: str = "") -> str:
    """`text` as a heading: first letter large, no full stop at the end, cut at a word where it is too long.

    With `language` it is taken for the subject of a brief, which loses a leading "a" or "our" where that is English.
    """
    text = tidy(text).rstrip(".。,;:—–-")
    if len(text) > _MOST_TITLE:
        cut = text[:_MOST_TITLE]
        shorter = re.split(r"[,;:(–—]\s", cut)[0] if re.search(r"[,;:(–—]\s", cut[20:]) else cut.rsplit(" ", 1)[0]
        text = shorter.rstrip(" ,;:–—-")
    if language == "en":
        text = re.sub(r"^(?:our|my)\s+(?=\S)", "", text, flags=re.IGNORECASE)
        text = re.sub(r"^(?:a|an)\s+(?=\S+)", "", text, flags=re.IGNORECASE) if " who " not in text else text
    return text[:1].upper() + text[1:] if is_cased(text[:1]) else text


def tidy(text: str) -> str:
    """`text` on one line, without control characters and doubled spaces."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def write_spec(frame: Frame, index: int, scene: Scene, size: Size) -> ImageSpec:
    """The spec of one frame. Distinct frames give distinct titles, prompts and alt texts."""
    part = frame.part
    items = tuple(_item(entry, scene) for entry in part.entries)
    own = (part.icon, icon_of(part.title), icon_about(scene.subject, scene.language))
    if part.origin == "questions":  # what is asked about is the subject, however the question is put
        own = (own[2], own[0], own[1])
    family = scene.family_icons[index % len(scene.family_icons)] if scene.family_icons else ""
    icon = next(filter(None, own), family)
    icons = tuple(dict.fromkeys(filter(None, (icon, *part.icons, *(item.icon for item in items)))))[:8]
    title = part.title if part.title in scene.verbatim else as_title(part.title)
    if (
        len(icons) < 3 and part.title and scene.family_icons
    ):  # a picture without text shows what the brief names, and nothing else
        icons = tuple(dict.fromkeys((*icons, *_rotated(scene.family_icons, index))))[:4]
    caption = scene.title if not frame.cover and title and title != scene.title and part.role != "scene" else ""
    role: Role = part.role
    return ImageSpec(
        index=index,
        of=scene.of,
        role=role,
        prompt=_prompt(part, role, title, index, scene, icons),
        title=title,
        subtitle=tidy(part.line) if title else "",
        items=items,
        caption=caption,
        chart=part.chart,
        subject=icon,
        icons=icons,
        alt=_alt(part, role, title, index, scene),
        language=scene.language,
        size=size,
        sources=part.sources,
        references=scene.references,
    )


def _item(entry: Entry, scene: Scene) -> Item:
    icon = entry.icon or icon_of(entry.label) or icon_of(entry.detail)
    label = as_title(entry.label) if len(entry.label) <= _MOST_TITLE else tidy(entry.label).rstrip(".。")
    label = entry.label if entry.label in scene.verbatim else label
    return Item(
        label=label,
        detail=tidy(entry.detail).removesuffix(".").removesuffix("。"),
        icon=icon,
        value=tidy(entry.value),
        source=entry.source,
    )


def _rotated(icons: tuple[str, ...], by: int) -> tuple[str, ...]:
    by %= len(icons)
    return icons[by:] + icons[:by]


def _prompt(part: Part, role: str, title: str, index: int, scene: Scene, icons: tuple[str, ...]) -> str:
    what = _KIND_WORDS.get(scene.kind, "illustration")
    about = f"about {scene.subject}" if scene.subject else ""
    place = f", image {index + 1} of {scene.of} in one series" if scene.of > 1 else ""
    lines = [f"A {role.replace('_', '-')} image for a {what} {about}".strip() + place + "."]
    if part.line and not title:
        lines.append(f"View: {tidy(part.line)}.")
    elif title:
        lines.append(f"It is headed “{title}”.")
    if part.chart is not None:
        lines.append(f"A {part.chart.kind} chart of exactly the given values.")
    if icons:
        lines.append(f"Motifs: {', '.join(icon.replace('-', ' ') for icon in icons)}.")
    if scene.audience:
        lines.append(f"For {scene.audience}.")
    return " ".join(lines)


def _alt(part: Part, role: str, title: str, index: int, scene: Scene) -> str:
    number = f" ({index + 1}/{scene.of})" if scene.of > 1 else ""
    head = title or scene.title or scene.subject
    names = [entry.label for entry in part.entries][: _names_limit(role)]
    chart = chart_alt(part.chart) if part.chart is not None else ""
    body = "; ".join(tidy(name) for name in names) or chart or tidy(part.line)
    return tidy(f"{head}{number}" + (f": {body}" if body and body != head else ""))[:420]


def _names_limit(role: str) -> int:
    return 12 if role in {"list", "summary", "timeline"} else 6


def chart_alt(chart: Chart) -> str:
    """The values of a chart in words, for those who cannot see it; the first series only where there are several."""
    name, values = next(iter(chart.series.items()))
    pairs = ", ".join(f"{label} {value:g}" for label, value in zip(chart.categories, values, strict=False))
    return f"{name}: {pairs}" if name else pairs
