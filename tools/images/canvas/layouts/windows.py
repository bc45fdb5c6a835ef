"""The scene, as a page shows it: in a window with the direction's own frame, or under a lens."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import math
import random
from collections.abc import Sequence

from ..brush import Mark
from ..color import mix
from ..page import Box
from ..photo import photo_mark
from ..scene import picture
from ..scene import shapes as s
from ..scene.materials import soft_shadow
from .frame import Sheet, place_head, set_head

__all__ = ["head_with_lens", "show_lens", "show_picture"]


def head_with_lens(sheet: Sheet, share: float, largest: float, lines: int = 3) -> Box:
    """Headline across the top with a round vignette at its far side, where there is room; returns what is left below."""
    page, c, u = sheet.page, sheet.content, sheet.page.unit
    side = min(168 * u, c.h * 0.2, c.w * 0.2)
    lens = side > 84 * u and bool(sheet.subject)
    head = set_head(sheet, c.w - (side + 30 * u if lens else 0), c.h * share, largest, lines)
    tall = max(head.height, side if lens else 0.0)
    y = c.y + (tall - head.height) / 2
    place_head(sheet, head, Box(c.x, y, c.w, head.height))
    if lens:
        show_lens(sheet, Box(c.right - side, c.y + (tall - side) / 2, side, side))
    page.rect(
        Box(c.x, c.y + tall + 20 * u, c.w, max(0.8, 1.4 * u)), mix(page.art.palette.paper, page.art.palette.ink, 0.3)
    )
    return c.below(tall + 44 * u)


def show_picture(
    sheet: Sheet,
    window: Box,
    focus: Box | None = None,
    subject: Sequence[Mark] | None = None,
    prefix: str = "p",
    framed: bool = True,
    around: str = "",
    air: bool = False,
    place: str = "",
) -> None:
    """Draws the scene into `window` (page coordinates), with the direction's own frame.

    `around` is the color of what surrounds the window, where that is not the paper; `air` keeps the sky
    clear for a title; `place` is another environment than the page's own."""
    page, art = sheet.page, sheet.page.art
    p, u = art.palette, page.unit
    window = page.flip(window)
    focus = page.flip(focus) if focus else _focus(window)
    if sheet.photo and subject is None:
        page.svg(photo_mark(window, sheet.photo, prefix))
        return
    icons = sheet.subject if subject is None else tuple(subject)
    drawn = picture(window, focus, place or sheet.place, icons, art, sheet.rng, u, prefix, sheet.night, air)
    page.svg(f"<defs>{drawn.defs}</defs>{drawn.body}")
    if not framed:
        return
    full = window.w >= page.w - 1 and window.h >= page.h - 1
    if art.material == "layers" and not full:
        page.svg(_cutout(sheet, window, prefix, around or p.paper))
    elif art.material == "draft":
        page.svg(
            f'<rect x="{window.x:.1f}" y="{window.y:.1f}" width="{window.w:.1f}" height="{window.h:.1f}" fill="none" stroke="{p.ink}" stroke-width="{1.4 * u:.2f}" opacity=".8"/>'
        )


def show_lens(sheet: Sheet, spot: Box, prefix: str = "lens") -> None:
    """The scene in a round window, ringed: a close look at the subject."""
    page, art = sheet.page, sheet.page.art
    p, u = art.palette, page.unit
    spot = page.flip(spot)
    r = min(spot.w, spot.h) / 2
    drawn = picture(
        spot, spot.inset(-spot.w * 0.02), sheet.place, sheet.subject[:1], art, sheet.rng, u, prefix, sheet.night
    )
    ring = {
        "papercut": mix(p.ramp[1], p.ramp[0], 0.2),
        "playful": "#ffffff",
        "darkroom": p.accent,
        "chalkboard": p.accent,
    }.get(art.name, p.ink)
    width = {"papercut": 14, "playful": 14, "swiss": 0, "botanical": 1.4, "blueprint": 1.8, "editorial": 3}.get(
        art.name, 4
    ) * u
    page.svg(
        f'<defs>{drawn.defs}<clipPath id="{prefix}round"><circle cx="{spot.cx:.1f}" cy="{spot.cy:.1f}" r="{r:.1f}"/></clipPath></defs>'
        f'<g clip-path="url(#{prefix}round)">{drawn.body}</g>'
        f'<circle cx="{spot.cx:.1f}" cy="{spot.cy:.1f}" r="{r - width / 2:.1f}" fill="none" stroke="{ring}" stroke-width="{width:.2f}"/>'
    )


def _focus(window: Box) -> Box:
    side = min(window.h * 0.84, window.w * 0.84)
    wide = min(window.w * 0.92, side * 2.4)
    return Box(window.cx - wide / 2, window.y + (window.h - side) * 0.46, wide, side)


def _cutout(sheet: Sheet, window: Box, prefix: str, around: str) -> str:
    """Three sheets of paper with a wavy opening, one upon the other, seen from above."""
    p, u = sheet.page.art.palette, sheet.page.unit
    colors = (mix(p.ramp[1], p.ramp[0], 0.3), mix(p.ramp[0], around, 0.35), around)
    step = min(window.w, window.h) * 0.042
    dark = mix(p.ramp[-1], p.ramp[3], 0.25)
    box = f'x="{window.x - 2:.1f}" y="{window.y - 2:.1f}" width="{window.w + 4:.1f}" height="{window.h + 4:.1f}"'
    out = [f'<defs><clipPath id="{prefix}win"><rect {box}/></clipPath></defs><g clip-path="url(#{prefix}win)">']
    outer = window.inset(-24 * u)
    for i, color in enumerate(colors):
        hole = _wavy(sheet.rng, window.inset(step * (2.4 - i) + 4 * u), step * 0.5)
        ring = s.rect(outer.x, outer.y, outer.w, outer.h) + hole
        out.append(soft_shadow(hole, dark, 20 * u, 0.34))
        out.append(f'<path d="{ring}" fill="{color}" fill-rule="evenodd"/>')
    return "".join([*out, "</g>"])


def _wavy(rng: random.Random, box: Box, amp: float) -> str:
    """A rounded rectangle whose edge swings gently."""
    n, points = 28, []
    phase, lobes = rng.uniform(0, 6.28), rng.choice((5, 6, 7))
    for i in range(n):
        a = math.tau * i / n
        # superellipse: between an oval and a rectangle
        ca, sa = math.cos(a), math.sin(a)
        k = (abs(ca) ** 4.0 + abs(sa) ** 4.0) ** (-1 / 4.0)
        swing = 1 - (amp / max(box.w, box.h)) * (1 + math.sin(lobes * a + phase)) * 1.2
        points.append((box.cx + ca * k * box.w / 2 * swing, box.cy + sa * k * box.h / 2 * swing))
    return s.smooth(points, closed=True)
