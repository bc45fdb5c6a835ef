"""Pages that are mostly picture: cover, scene and quote."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

from ..color import mix
from ..figures import Figure
from ..page import Box
from ..typeset import Text
from .frame import Head, Sheet, ornament, place_head, set_head
from .windows import show_picture

__all__ = ["cover", "quote", "scene"]

_SKY = frozenset("sun full-moon crescent-moon moon cloud star glowing-star".split())
_SCENERY = {
    "mountains": _SKY | frozenset("mountain snow-capped-mountain mount-fuji evergreen-tree".split()),
    "forest": _SKY | frozenset("evergreen-tree deciduous-tree herb".split()),
    "city": _SKY | frozenset("office-building house building houses".split()),
    "harbor": _SKY | frozenset("office-building building water-wave".split()),
    "sea": _SKY | frozenset("water-wave palm-tree desert-island".split()),
    "desert": _SKY | frozenset("cactus desert".split()),
    "sky": _SKY,
    "garden": _SKY,
}
_BLEED = frozenset({"darkroom", "playful"})


def cover(sheet: Sheet) -> None:
    """One strong image and the title: beside each other on wide pages, above each other on the rest."""
    page, c, u = sheet.page, sheet.content, sheet.page.unit
    centered = page.art.name in {"botanical", "playful"} and not sheet.wide
    align = "center" if centered else "start"
    if sheet.wide:
        column = c.w * 0.44
        head = set_head(sheet, column, c.h * 0.86, 104, 6, sub_most=40)
        if page.art.name in _BLEED:
            _bleed(sheet, Box(c.x + column + 30 * u, c.y + c.h * 0.06, c.w - column - 30 * u, c.h * 0.9))
            _shade(sheet, "left", column + c.x + 40 * u)
        else:
            window = (
                Box(c.x + column + 40 * u, 0, page.w - c.x - column - 40 * u, page.h)
                if page.art.name in {"swiss", "editorial"}
                else Box(c.x + column + 30 * u, c.y, c.w - column - 30 * u, c.h)
            )
            show_picture(sheet, window)
        y = c.y + (c.h - head.height) * (0.5 if page.art.headline == "top" else 0.6)
        ornament(sheet, c.x, y - 26 * u, min(column, 200 * u))
        place_head(sheet, head, Box(c.x, y, column, head.height), on=_ground(sheet))
        return
    head = set_head(
        sheet, c.w * (0.92 if centered else 1.0), c.h * (0.36 if not sheet.tall else 0.30), 116, 5, sub_most=42
    )
    if page.art.headline == "top":
        _title_above(sheet, head, align)
    else:
        _title_below(sheet, head, align)


def _ground(sheet: Sheet) -> str:
    return "" if sheet.page.art.name in _BLEED else sheet.page.art.palette.paper


def _bleed(sheet: Sheet, focus: Box, air: bool = False) -> None:
    side = min(focus.w, focus.h)
    wide = min(focus.w, side * 1.8)
    show_picture(sheet, sheet.page.box, Box(focus.cx - wide / 2, focus.cy - side / 2, wide, side), air=air)


def _shade(sheet: Sheet, where: str, reach: float) -> None:
    """A soft veil of paper color, so that type on a picture keeps its contrast."""
    page, p = sheet.page, sheet.page.art.palette
    if sheet.night and page.art.material == "bright":
        return  # that sky is dark enough, and its moon stays whole
    color = (
        p.paper
        if page.art.name == "darkroom"
        else mix(p.ramp[-1], "#0a1030", 0.6)
        if sheet.night
        else mix(p.ramp[0], "#ffffff", 0.55)
    )
    strong = 0.82 if page.art.name == "darkroom" else 0.88
    x2, y2, x1, y1 = {"left": (1, 0, 0, 0), "bottom": (0, 0, 0, 1), "top": (0, 1, 0, 0)}[where]
    box = {
        "left": Box(0, 0, reach * 1.06, page.h),
        "bottom": Box(0, page.h - reach * 1.35, page.w, reach * 1.35),
        "top": Box(0, 0, page.w, reach * 1.3),
    }[where]
    flip = page.setting.rtl and where == "left"
    if flip:
        x1, x2 = x2, x1
    page.svg(
        f'<defs><linearGradient id="veil" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"><stop offset="0" stop-color="{color}" stop-opacity="{strong}"/>'
        f'<stop offset=".66" stop-color="{color}" stop-opacity="{strong * 0.86:.2f}"/><stop offset="1" stop-color="{color}" stop-opacity="0"/></linearGradient></defs>'
    )
    page.rect(box, "url(#veil)")


def _title_above(sheet: Sheet, head: Head, align: str) -> None:
    page, c, u = sheet.page, sheet.content, sheet.page.unit
    below = c.y + head.height + 52 * u
    name = page.art.name
    if name in _BLEED:
        _bleed(sheet, Box(c.x, below - 10 * u, c.w, c.bottom - below), air=True)
        _shade(sheet, "top", below)
    elif name == "swiss":
        show_picture(sheet, Box(c.x, below, page.w - c.x, (page.h if not sheet.spec.caption else c.bottom) - below))
    elif name in {"papercut", "chalkboard"}:
        full = Box(0, below - 14 * u, page.w, page.h - below + 14 * u)
        show_picture(
            sheet,
            full
            if name == "papercut" and not sheet.spec.caption
            else Box(c.x, below - 6 * u, c.w, c.bottom - below + 6 * u),
        )
    else:
        show_picture(sheet, Box(c.x, below, c.w, c.bottom - below))
    width = head.title.width if head.title else c.w
    ornament(sheet, page.w / 2 if align == "center" else c.x, c.y + head.height + 24 * u, min(width, 220 * u), align)
    place_head(sheet, head, Box(c.x, c.y, c.w, head.height), align, on=_ground(sheet))


def _title_below(sheet: Sheet, head: Head, align: str) -> None:
    page, c, u = sheet.page, sheet.content, sheet.page.unit
    y = c.bottom - head.height
    name = page.art.name
    if name in _BLEED:
        _bleed(sheet, Box(c.x, c.y, c.w, y - c.y - 66 * u))
        _shade(sheet, "bottom", page.h - y + 20 * u)
    elif name == "editorial":
        show_picture(sheet, Box(0, 0, page.w, y - 50 * u))
    else:
        show_picture(sheet, Box(c.x, c.y, c.w, y - 46 * u - c.y))
    ornament(
        sheet, page.w / 2 if align == "center" else c.x, y - 24 * u, c.w if name == "editorial" else 220 * u, align
    )
    place_head(sheet, head, Box(c.x, y, c.w, head.height), align, on=_ground(sheet))


def scene(sheet: Sheet) -> None:
    """The picture first: one subject in its place, the title small."""
    if any(not isinstance(mark, Figure) for mark in sheet.subject):
        sheet.subject = sheet.subject[:1]
    if not sheet.spec.title:  # a view of a place needs no sign that says so
        sheet.subject = tuple(mark for mark in sheet.subject if mark.name not in _SCENERY.get(sheet.place, _SKY))
    page, c, _u = sheet.page, sheet.content, sheet.page.unit
    if not sheet.spec.title and not sheet.spec.subtitle:
        show_picture(sheet, page.box if not sheet.spec.caption else Box(0, 0, page.w, c.bottom), framed=False)
        return
    if sheet.wide:
        cover(sheet)
        return
    head = set_head(sheet, c.w, c.h * 0.24, 84, 3)
    name = page.art.name
    centered = name in {"botanical", "playful"}
    if name in _BLEED or page.art.headline == "bottom":
        _title_below(sheet, head, "center" if centered else "start")
    else:
        _title_above(sheet, head, "center" if centered else "start")


def quote(sheet: Sheet) -> None:
    """The words themselves, large, with a quotation mark as ornament; who said it below."""
    page, c, u, spec = sheet.page, sheet.content, sheet.page.unit, sheet.spec
    p = page.art.palette
    words = spec.quote or spec.title
    rest = spec.title if spec.quote else ""
    by = " ".join(part for part in (rest, spec.subtitle) if part)
    if sheet.wide:
        side = c.w * 0.34
        show_picture(sheet, Box(c.right - side, c.y, side, c.h), subject=sheet.subject[:1])
        c = Box(c.x, c.y, c.w - side - 46 * u, c.h)
    mark = min(c.h * 0.14, 104 * u)
    room = c.h - mark - 22 * u
    text = page.fit(
        [
            Text(
                "quote",
                words,
                page.style("title"),
                c.w,
                room * (0.62 if by else 0.76),
                page.smallest("body"),
                80 * u,
                balance=True,
            )
        ]
    ).get("quote")
    used = mark + 22 * u + (text.height if text else 0)
    low = page.fit(
        [
            Text(
                "by",
                by,
                page.style("subtitle"),
                c.w,
                max(20.0, c.h - used - 26 * u),
                page.smallest("body"),
                28 * u,
                lines=3,
            )
        ]
    ).get("by")
    used += low.height + 26 * u if low else 0
    free = c.h - used - 40 * u
    if free > 170 * u and not sheet.wide:
        show_picture(sheet, c.top(free))
        c = c.below(free + 40 * u)
    else:
        c = c.below(max(0.0, (c.h - used) / 2))
    page.svg(_mark(page.flip(Box(c.x, c.y, mark * 1.2, mark)), p.accent))
    y = c.y + mark + 22 * u
    if text:
        page.text(text, Box(c.x, y, c.w, text.height), p.ink, on=p.paper)
        y += text.height + 26 * u
    page.text(low, Box(c.x, y, c.w, low.height if low else 0), p.accent, on=p.paper)


def _mark(box: Box, color: str) -> str:
    """A pair of opening quotation marks, drawn rather than set, so that no font decides their look."""
    r = box.h * 0.27
    out = []
    for i in range(2):
        x = box.x + r + i * r * 2.5
        y = box.y + box.h - r
        out.append(
            f'<path d="M{x - r:.1f} {y:.1f}C{x - r:.1f} {y - r * 1.6:.1f} {x - r * 0.3:.1f} {y - r * 2.3:.1f} {x + r * 0.8:.1f} {y - r * 2.7:.1f}L{x + r * 0.95:.1f} {y - r * 2.2:.1f}C{x + r * 0.35:.1f} {y - r * 1.85:.1f} {x:.1f} {y - r * 1.4:.1f} {x - r * 0.05:.1f} {y - r:.1f}A{r:.1f} {r:.1f} 0 1 1 {x - r:.1f} {y:.1f}Z" fill="{color}"/>'
        )
    return "".join(out)
