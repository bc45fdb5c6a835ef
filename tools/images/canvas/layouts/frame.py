"""What every page of a set shares: margins, running head, caption, headline, and the picture with its frame."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import random
import re
from dataclasses import dataclass

from ...spec import ImageSpec, StyleSheet
from ..brush import Mark
from ..color import mix
from ..figures import Figure, figure, find_figure
from ..page import Box, Page
from ..scene import shapes as s
from ..scene.cast import ABOARD, stands_up
from ..scene.places import choose
from ..typeset import Fit, Text
from .marks import cast

__all__ = [
    "Head",
    "Sheet",
    "open_page",
    "ornament",
    "place_head",
    "set_head",
    "start",
]


@dataclass
class Sheet:
    """One page being laid out: the spec (texts already cleaned), the page, what is left of its area, and its chance."""

    spec: ImageSpec
    style: StyleSheet
    page: Page
    content: Box
    rng: random.Random
    subject: tuple[Mark, ...]
    place: str
    night: bool
    photo: str = ""

    @property
    def wide(self) -> bool:
        return self.spec.size.aspect >= 1.32

    @property
    def tall(self) -> bool:
        return self.spec.size.aspect < 0.62


_WATERS = frozenset({"sea", "storm", "lake", "harbor"})


def _is_ashore(figure: Figure) -> bool:
    return stands_up(figure) and figure.name not in ABOARD


@dataclass(frozen=True)
class Head:
    """A fitted title and subtitle and the height that both take, gap included."""

    title: Fit | None
    subtitle: Fit | None
    gap: float
    height: float


def start(spec: ImageSpec, style: StyleSheet, page: Page, rng: random.Random) -> Sheet:
    """Opens a page: paper, border and motif, running head with the place in the series, caption at the foot."""
    p, _u = page.art.palette, page.unit
    margin = max(0.055 * min(page.w, page.h), 0.032 * max(page.w, page.h), 10.0)
    page.rect(page.box, p.paper)
    words = " ".join(
        [spec.subject, " ".join(spec.icons), spec.title if spec.language == "en" else "", spec.prompt[:300]]
    )
    subject = cast(spec)
    shared = " ".join(style.subjects.values())
    seen = " ".join([spec.subject, " ".join(spec.icons)])
    # One set, one place: what all its images are about decides, then what this one shows; a card of one thing has its own.
    own = choose(spec.title, "") if spec.language == "en" and find_figure(spec.title) else ""
    place = (
        own
        or choose(shared, "")
        or choose(seen, "")
        or choose(words, "")
        or choose(style.motif, "hills" if spec.role == "scene" or not subject else "stage")
    )
    if place == "city" and any(mark.name in ABOARD | {"water-wave"} for mark in subject):
        place = "harbor"
    if place in _WATERS and subject and isinstance(subject[0], Figure) and _is_ashore(subject[0]):
        place = choose(subject[0].name.replace("-", " "), "hills")  # a pot of soup does not stand on the sea
    content = page.box.inset(margin)
    if page.art.motif == "sprig":
        content = content.inset(margin * 0.45)
    if place in _WATERS:  # which have waves of their own
        subject = tuple(figure("sailboat") if mark.name == "water-wave" else mark for mark in subject)
    night = place in {"space", "storm"} or bool(
        re.search(
            r"\b(?:night|midnight|moonlit|moonlight|nocturnal|starry|stars|fireworks?|lanterns|evening)\b",
            f"{words} {style.tone}".lower(),
        )
    )
    sheet = Sheet(spec, style, page, content, rng, subject, place, night)
    _border(sheet, margin)
    foot = _footnotes(sheet)
    sheet.content = Box(content.x, content.y, content.w, content.h - foot)
    foot += _caption(sheet)
    sheet.content = content
    head = _running_head(sheet)
    sheet.content = Box(content.x, content.y + head, content.w, content.h - head - foot)
    page.reserved = []
    return sheet


def _running_head(sheet: Sheet) -> float:
    """Sets the title of the series and "2/4" where the image is one of a set; returns the height taken."""
    spec, page, c = sheet.spec, sheet.page, sheet.content
    if spec.of < 2:
        return 0.0
    size = max(page.smallest("body"), 22 * page.unit)
    style = page.style("kicker")
    place = f"{spec.index + 1}/{spec.of}"
    wanted = [Text("kicker", place, style, c.w * 0.3, size * 2, size * 0.7, size, "kicker")]
    if _heads_the_page(spec):
        wanted.append(Text("series", spec.caption, style, c.w * 0.7, size * 1.6, size * 0.7, size, "kicker", lines=1))
    fits = page.fit(wanted)
    if not fits:
        return 0.0
    p = page.art.palette
    height = max(fit.height for fit in fits.values())
    for name, align, color in (("series", "start", p.muted), ("kicker", "end", p.accent)):
        page.text(fits.get(name), Box(c.x, c.y, c.w, height), color, align, on=p.paper)
    return height + 20 * page.unit


def _heads_the_page(spec: ImageSpec) -> bool:
    """Whether the caption is short enough to run along the head of every page of a set."""
    return spec.of > 1 and bool(spec.caption) and len(spec.caption) <= 64


def _caption(sheet: Sheet) -> float:
    spec, page = sheet.spec, sheet.page
    if not spec.caption or _heads_the_page(spec):
        return 0.0
    c, u = sheet.content, page.unit
    text = Text(
        "caption",
        spec.caption,
        page.style("body"),
        c.w,
        min(c.h * 0.14, 70 * u + 14),
        page.smallest("body") * 0.92,
        (16.5 if spec.title else 22) * u,
        lines=4,
    )
    fit = page.fit([text]).get("caption")
    if fit is None:
        return 0.0
    area = Box(c.x, c.bottom - fit.height, c.w, fit.height)
    placed = page.text(
        fit,
        area,
        page.art.palette.muted,
        "center" if page.art.name == "botanical" else "start",
        on=page.art.palette.paper,
    )
    page.reserved.append(placed)
    return fit.height + 18 * u


def _footnotes(sheet: Sheet) -> float:
    """Sets what the raised numbers stand for at the very foot, in one block of small print; returns the height taken."""
    spec, page, c = sheet.spec, sheet.page, sheet.content
    if not spec.footnotes:
        return 0.0
    size = max(page.smallest("body") * 0.92, 14 * page.unit)
    note = Text(
        "notes",
        " \u2003".join(spec.footnotes),
        page.style("body"),
        c.w,
        size * 6,
        size * 0.8,
        size,
        lines=3,
        balance=False,
    )
    fit = page.fit([note]).get("notes")
    if fit is None:
        return 0.0
    area = Box(c.x, c.bottom - fit.height, c.w, fit.height)
    align = "center" if page.art.name == "botanical" else "start"
    page.reserved.append(page.text(fit, area, page.art.palette.muted, align, on=page.art.palette.paper))
    return fit.height + 14 * page.unit


def _border(sheet: Sheet, margin: float) -> None:
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    art = page.art.name
    if art == "botanical":
        page.rect(page.box.inset(margin * 0.42), "", 0, p.ink, 2.2 * u, 0.8)
        page.rect(page.box.inset(margin * 0.42 + 6 * u), "", 0, p.ink, 0.9 * u, 0.7)
    elif art == "blueprint":
        step = 24 * u
        lines = []
        for k, o in ((1, 0.10), (5, 0.18)):
            d = "".join(f"M{x * step * k:.1f} 0V{page.h}" for x in range(int(page.w / step / k) + 1))
            d += "".join(f"M0 {y * step * k:.1f}H{page.w}" for y in range(int(page.h / step / k) + 1))
            lines.append(f'<path d="{d}" stroke="{p.accent2}" stroke-width="{0.8 * u:.2f}" opacity="{o}"/>')
        page.svg("".join(lines))
        frame = page.box.inset(margin * 0.5)
        page.rect(frame, "", 0, p.ink, 1.6 * u, 0.85)
        tick = margin * 0.22
        for x in (0.25, 0.5, 0.75):
            for y in (frame.y, frame.bottom):
                page.line([(page.w * x, y - tick), (page.w * x, y + tick)], p.ink, 1.2 * u, opacity=0.8)
    elif art == "chalkboard":
        page.rect(page.box.inset(margin * 0.30), "", 14 * u, mix(p.paper, p.ink, 0.35), 2.4 * u, 0.7)


def ornament(sheet: Sheet, x: float, y: float, w: float, align: str = "start") -> None:
    """The direction's small mark between a headline and what follows."""
    page, p, u = sheet.page, sheet.page.art.palette, sheet.page.unit
    x0 = x if align == "start" else x - w / 2
    motif = page.art.motif
    if motif == "rule":
        page.rect(Box(x0, y - 2.5 * u, min(w, 64 * u), 7 * u), p.accent)
    elif motif == "ornament":
        page.rect(Box(x0, y, w, max(1.0, 1.3 * u)), p.accent)
    elif motif == "film":
        page.rect(Box(x0, y - u, min(w, 70 * u), 3.4 * u), p.accent)
    elif motif == "dimension":
        page.line([(x0, y), (x0 + w, y)], p.accent, 1.2 * u)
        for end in (x0, x0 + w):
            page.line([(end, y - 6 * u), (end, y + 6 * u)], p.accent, 1.2 * u)
    elif motif == "squiggle":
        n = max(3, int(min(w, 240 * u) / (14 * u)))
        points = [(x0 + i * 14 * u, y + (3.2 * u if i % 2 else -3.2 * u)) for i in range(n + 1)]
        page.svg(
            f'<path d="{s.smooth(points)}" fill="none" stroke="{p.accent}" stroke-width="{3 * u:.2f}" stroke-linecap="round"/>',
            mirrored=True,
        )
    elif motif == "sprig":
        cx = x0 + w / 2 if align == "center" else x0 + 60 * u
        page.line([(cx - 58 * u, y), (cx - 14 * u, y)], p.accent, 1.1 * u)
        page.line([(cx + 14 * u, y), (cx + 58 * u, y)], p.accent, 1.1 * u)
        leaves = (
            s.leaf(cx, y + 2 * u, 17 * u, -150, 0.42)[0]
            + s.leaf(cx, y + 2 * u, 17 * u, -30, 0.42)[0]
            + s.leaf(cx, y + 3 * u, 18 * u, -90, 0.4)[0]
        )
        page.svg(f'<path d="{leaves}" fill="{p.accent}" opacity=".85"/>', mirrored=True)
    elif motif == "scallop":
        x0 = x0 if align == "start" else x - 41 * u
        for i in range(5):
            page.circle(x0 + (7 + 17 * i) * u, y, 5 * u, (p.accent, p.pop2, p.ramp[2])[i % 3])
    elif motif == "confetti":
        x0 = x0 if align == "start" else x - 58 * u
        for i in range(6):
            page.circle(
                x0 + (8 + 20 * i) * u,
                y + (4 * u if i % 2 else -3 * u),
                (6.5 if i % 2 else 4.5) * u,
                (p.accent, p.pop2, p.pop, p.ramp[3])[i % 4],
            )


def set_head(
    sheet: Sheet, width: float, height: float, largest: float, lines: int = 4, sub: float = 0.42, sub_most: float = 30
) -> Head:
    """Fits title and subtitle into `width` x `height`: the title at most `largest` units, the subtitle `sub` of it."""
    page, spec, u = sheet.page, sheet.spec, sheet.page.unit
    top = largest * u
    room = height * (0.70 if spec.subtitle else 1.0)
    # A long title is set smaller from the start: it is a sentence then, not a poster word.
    length = len(spec.title) * (1.9 if spec.language in {"zh", "ja", "ko"} else 1.0)
    top *= min(1.0, max(0.5, 1.12 - length / 190))
    title = Text(
        "title",
        spec.title,
        page.style("title"),
        width,
        room,
        page.smallest("title") * 0.75,
        top,
        balance=True,
        lines=lines,
    )
    fits = page.fit([title])
    head = fits.get("title")
    gap = max(0.30 * (head.size if head else 0) * 0.62, 6 * u)
    left = height - (head.height + gap if head else 0)
    size = max(page.smallest("body"), min((head.size if head else top) * sub, sub_most * u))
    subtitle = Text(
        "subtitle",
        spec.subtitle,
        page.style("subtitle"),
        min(width, size * 34),
        max(left, size * 1.4),
        page.smallest("body"),
        size,
        balance=True,
        lines=5,
    )
    low = page.fit([subtitle]).get("subtitle")
    total = (head.height if head else 0) + (gap + low.height if low and head else low.height if low else 0)
    return Head(head, low, gap, total)


def place_head(
    sheet: Sheet, head: Head, box: Box, align: str = "start", color: str = "", on: str = "", muted: str = ""
) -> None:
    """Sets a fitted headline at the top of `box`."""
    p = sheet.page.art.palette
    on = on or p.paper
    y = box.y
    if head.title:
        sheet.page.text(head.title, Box(box.x, y, box.w, head.title.height), color or p.ink, align, on=on)
        y += head.title.height + head.gap
    if head.subtitle:
        sheet.page.text(head.subtitle, Box(box.x, y, box.w, head.subtitle.height), muted or p.muted, align, on=on)


def open_page(sheet: Sheet, share: float = 0.22, largest: float = 64) -> Box:
    """Sets the headline across the top and returns what is left below it."""
    page, c, u = sheet.page, sheet.content, sheet.page.unit
    align = "center" if page.art.name in {"botanical", "playful"} and not sheet.wide else "start"
    head = set_head(sheet, c.w, c.h * share, largest, 3)
    if not head.height:
        return c
    place_head(sheet, head, Box(c.x, c.y, c.w, head.height), align)
    width = head.title.width if head.title else c.w
    ornament(sheet, page.w / 2 if align == "center" else c.x, c.y + head.height + 22 * u, min(200 * u, width), align)
    return c.below(head.height + 48 * u)
