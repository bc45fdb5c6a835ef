"""Icons as marks: each art direction has its own treatment of the same outlines."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

from .direction import ArtDirection
from .figure_mark import figure_mark
from .figures import Figure
from .icons import Icon
from .page import Box

__all__ = ["Mark", "icon_mark"]

Mark = Icon | Figure


def _paths(icon: Icon, attributes: str, *, closed: bool = False, opened: bool = False) -> str:
    picked = [
        d
        for i, d in enumerate(icon.paths)
        if not (closed and i not in icon.closed) and not (opened and i in icon.closed)
    ]
    return f'<path d="{" ".join(picked)}" {attributes}/>' if picked else ""


def icon_mark(
    icon: Mark, box: Box, art: ArtDirection, ink: str, fill: str, ground: str, treatment: str = "", weight: float = 0.0
) -> str:
    """An SVG fragment of the mark, centered in `box`. `ink` draws lines, `fill` closed shapes, `ground` lies beneath; a
    figure brings its own colors, moved into the palette, and needs the ground alone.

    Treatments: line, duotone, rim, cut, chalk, wash, sticker (default: the direction's own)."""
    if isinstance(icon, Figure):
        return figure_mark(icon, box, art, ground)
    treatment = treatment or art.icon
    size = min(box.w, box.h)
    k = size / 24
    x, y = box.cx - size / 2, box.cy - size / 2
    w = weight or art.icon_weight
    base = 'fill="none" stroke-linecap="round" stroke-linejoin="round"'
    stroke = f'{base} stroke="{ink}" stroke-width="{w:.2f}"'
    parts: list[str] = []
    if treatment == "line":
        if art.name == "swiss":
            base = 'fill="none" stroke-linecap="butt" stroke-linejoin="miter"'
            stroke = f'{base} stroke="{ink}" stroke-width="{w:.2f}"'
        parts = [_paths(icon, stroke)]
    elif treatment == "duotone":
        parts = [
            f'<g transform="translate(.55 .55)">{_paths(icon, f"fill={chr(34)}{fill}{chr(34)}", closed=True)}</g>',
            _paths(icon, stroke),
        ]
    elif treatment == "rim":
        halo = f'{base} stroke="{fill}" stroke-width="{w * 2.6:.2f}" opacity=".22"'
        parts = [_paths(icon, halo), _paths(icon, f'fill="{ground}"', closed=True), _paths(icon, stroke)]
    elif treatment == "cut":
        back = (
            f'fill="{fill}" stroke="{fill}" stroke-width="{w + 2.6:.2f}" stroke-linecap="round" stroke-linejoin="round"'
        )
        front = f'{base} stroke="{ink}" stroke-width="{w:.2f}"'
        silhouette = _paths(icon, back, closed=True) + _paths(
            icon, back.replace(f'fill="{fill}" ', 'fill="none" ', 1), opened=True
        )
        shadow = silhouette.replace(fill, "#000000")
        parts = [
            f'<g transform="translate(.28 .42)" opacity=".10">{shadow}</g>',
            f'<g transform="translate(.14 .22)" opacity=".13">{shadow}</g>',
            silhouette,
            _paths(icon, front),
        ]
    elif treatment == "chalk":
        parts = [
            _paths(icon, f'fill="{fill}" opacity=".16"', closed=True),
            f'<g transform="translate(.12 -.1) rotate(.6 12 12)" opacity=".55">{_paths(icon, stroke)}</g>',
            _paths(icon, stroke),
        ]
    elif treatment == "wash":
        wash = f'fill="{fill}"'
        parts = [
            f'<g opacity=".5" transform="translate(.5 .35)">{_paths(icon, wash, closed=True)}</g>',
            f'<g opacity=".38" transform="translate(-.15 .1)">{_paths(icon, wash, closed=True)}</g>',
            f'<g opacity=".25">{_paths(icon, f"{base} stroke={chr(34)}{fill}{chr(34)} stroke-width={chr(34)}2.6{chr(34)}")}</g>',
            _paths(icon, stroke),
        ]
    elif treatment == "sticker":
        white = f'fill="#ffffff" stroke="#ffffff" stroke-width="{w + 3.4:.2f}" stroke-linecap="round" stroke-linejoin="round"'
        open_white = white.replace('fill="#ffffff"', 'fill="none"')
        silhouette = _paths(icon, white, closed=True) + _paths(icon, open_white, opened=True)
        shade = silhouette.replace("#ffffff", "#0b0b2a")
        parts = [
            f'<g transform="translate(.25 .5)" opacity=".16">{shade}</g>',
            silhouette,
            _paths(icon, f'fill="{fill}"', closed=True),
            _paths(icon, stroke),
        ]
    return f'<g transform="translate({x:.2f} {y:.2f}) scale({k:.4f})">{"".join(parts)}</g>'
