"""Figures in the material of an art direction: recolored to its palette and drawn its way."""

# ruff: noqa: E501 (SVG fragments stay in one piece)
from __future__ import annotations

import math
from functools import lru_cache

from .color import contrast, is_dark, mix, oklab, shade
from .direction import ArtDirection, Palette
from .figures import Figure, Shape
from .page import Box

__all__ = ["figure_mark"]

_BLACK = 0.36  # OKLab lightness below which a shape is a pupil, an outline, a wheel


def figure_mark(figure: Figure, box: Box, art: ArtDirection, on: str = "", scale: float = 1.0) -> str:
    """An SVG fragment of the figure, centered in `box`. `on` is the color that it stands on, where known; `scale` is px
    of a hairline, for materials that draw with a pen."""
    size = min(box.w, box.h)
    k = size / 32
    pen = {"draft": 1.5, "chalk": 2.4, "wash": 1.1}.get(art.material, 1.5) * scale / k
    draw = {
        "draft": _draft,
        "chalk": _chalk,
        "wash": _wash,
        "layers": _layers,
        "bright": _sticker,
        "tiles": _poster,
        "glow": _glow,
    }.get(art.material, _flat)
    body = draw(figure, art, on, pen)
    return f'<g transform="translate({box.cx - size / 2:.2f} {box.cy - size / 2:.2f}) scale({k:.4f})">{body}</g>'


def _path(shape: Shape, attributes: str) -> str:
    rule = ' fill-rule="evenodd"' if shape.evenodd else ""
    return f'<path d="{shape.path}" {attributes}{rule}/>'


def _filled(figure: Figure, art: ArtDirection) -> str:
    return "".join(
        _path(s, f'fill="{tint(s.fill, art)}"' + (f' opacity="{s.opacity:.2f}"' if s.opacity < 1 else ""))
        for s in figure.shapes
    )


@lru_cache(maxsize=4096)
def _tinted(color: str, palette: Palette, material: str) -> str:
    p = palette
    lightness, a, b = oklab(color)
    chroma, hue = math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360
    dark = p.ramp[-1] if is_dark(p.ramp[-1]) else p.ink
    light = mix(p.light, "#ffffff", 0.35)
    if material == "glow":
        return shade(
            mix(p.ramp[0], p.ramp[1], 0.35),
            lightness * 0.92,
            mix(p.ramp[-1], "#000000", 0.2),
            mix(p.light, p.ramp[0], 0.1),
        )
    if chroma < 0.035:
        return shade(mix(dark, light, 0.5), lightness, dark, light)
    # Red and pink, orange to yellow, green, blue to violet: each family of hues takes a color of the palette.
    cool = p.accent2 if material in {"grain", "wash"} else p.ramp[3]
    base = p.pop if hue < 48 or hue >= 335 else p.pop2 if hue < 108 else cool if hue < 290 else p.accent
    if 40 <= hue < 80 and lightness < 0.62:
        base = mix(p.pop, dark, 0.35)  # browns
    kept = {"bright": 0.72, "wash": 0.55, "layers": 0.46, "grain": 0.32}.get(material, 0.4)
    return mix(shade(base, lightness, dark, light), color, kept)


def tint(color: str, art: ArtDirection) -> str:
    """A figure's own color, moved into the palette of the direction: its hue family and lightness stay tellable."""
    return _tinted(color, art.palette, art.material)


def _outline(figure: Figure) -> str:
    """All shapes as one path; each starts anew, since a path may begin with a relative move."""
    return "".join(f"M0 0{shape.path}" if shape.path[0] == "m" else shape.path for shape in figure.shapes)


def _silhouette(figure: Figure, color: str, reach: float) -> str:
    return f'<path d="{_outline(figure)}" fill="{color}" stroke="{color}" stroke-width="{reach:.2f}" stroke-linejoin="round"/>'


def _flat(figure: Figure, art: ArtDirection, on: str, pen: float) -> str:
    del on, pen
    return _filled(figure, art)


def _glow(figure: Figure, art: ArtDirection, on: str, pen: float) -> str:
    del on, pen
    p = art.palette
    rim = _silhouette(figure, mix(p.light, p.ramp[0], 0.2), 0.7)
    return f'<g opacity=".8">{rim}</g>{_filled(figure, art)}'


def _layers(figure: Figure, art: ArtDirection, on: str, pen: float) -> str:
    """Cut paper: a pale sheet beneath, and every shape lifted off the one below by its shadow."""
    del on, pen
    p = art.palette
    dark = mix(p.ramp[-1], "#000000", 0.25)
    whole = _outline(figure)
    under = "".join(
        f'<path d="{whole}" transform="translate(0 {dy})" fill="{dark}" stroke="{dark}" stroke-width="{w}" stroke-linejoin="round" opacity="{o}"/>'
        for dy, w, o in ((0.75, 2.2, 0.08), (0.5, 1.8, 0.10), (0.3, 1.5, 0.12))
    )
    out = [under, _silhouette(figure, mix(p.light, "#ffffff", 0.5), 1.3)]
    for i, shape in enumerate(figure.shapes):
        if i and len(figure.shapes) <= 40:
            out.append(
                f'<g transform="translate(0 .22)" opacity=".20">{_path(shape, f"fill={chr(34)}{dark}{chr(34)} stroke={chr(34)}{dark}{chr(34)} stroke-width={chr(34)}.28{chr(34)}")}</g>'
            )
        out.append(
            _path(
                shape,
                f'fill="{tint(shape.fill, art)}"' + (f' opacity="{shape.opacity:.2f}"' if shape.opacity < 1 else ""),
            )
        )
    return "".join(out)


def _sticker(figure: Figure, art: ArtDirection, on: str, pen: float) -> str:
    del on, pen
    shade_ = _silhouette(figure, "#0b0b2a", 2.6)
    return f'<g transform="translate(.2 .55)" opacity=".16">{shade_}</g>{_silhouette(figure, "#ffffff", 2.4)}{_filled(figure, art)}'


def _poster(figure: Figure, art: ArtDirection, on: str, pen: float) -> str:
    """Three flat inks by lightness, as a screen print has them; the ground stays the ground."""
    del pen
    p = art.palette
    on = on or p.paper
    inks = sorted({p.ink, p.paper, p.pop2, p.pop, mix(p.paper, p.ink, 0.5)} - {on}, key=lambda c: oklab(c)[0])
    if not is_dark(on):
        inks = [c for c in inks if contrast(c, on) >= 1.5] or inks
    values = [oklab(shape.fill)[0] for shape in figure.shapes]
    low, span = min(values), max(1e-6, max(values) - min(values))
    keep = [inks[0], inks[len(inks) // 2], inks[-1]] if len(inks) > 2 else inks
    out = []
    for shape, value in zip(figure.shapes, values, strict=True):
        color = keep[min(len(keep) - 1, int((value - low) / span * len(keep)))] if span > 1e-3 else keep[-1]
        out.append(_path(shape, f'fill="{color}"'))
    if all(contrast(color, on) >= 1.3 for color in keep):
        return "".join(out)
    rim = keep[-1] if is_dark(on) else keep[0]  # where a shape would melt into its ground
    return _silhouette(figure, rim, 0.5) + "".join(out)


def _draft(figure: Figure, art: ArtDirection, on: str, pen: float) -> str:
    """Drafting: fine outlines; the darker a shape, the fuller its tone."""
    p = art.palette
    ground = on or p.paper
    out = [_silhouette(figure, ground, pen * 2)]
    for shape in figure.shapes:
        lightness, *_ = oklab(shape.fill)
        fill = (
            mix(ground, p.ink, 0.06 + 0.30 * max(0.0, 0.9 - lightness))
            if p.dark
            else mix(ground, p.ink, 0.04 + 0.42 * max(0.0, 0.95 - lightness))
        )
        if lightness < _BLACK:
            fill = p.accent
        out.append(_path(shape, f'fill="{fill}" stroke="{p.ink}" stroke-width="{pen:.3f}" stroke-linejoin="round"'))
    return "".join(out)


def _chalk(figure: Figure, art: ArtDirection, on: str, pen: float) -> str:
    """Chalk: every shape covered, rubbed with its color and outlined twice."""
    p = art.palette
    ground = on or p.paper
    out = [_silhouette(figure, ground, pen)]
    for shape in figure.shapes:
        lightness, a, b = oklab(shape.fill)
        chroma, hue = math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360
        color = (
            p.ink
            if chroma < 0.04
            else p.ramp[4]
            if hue < 55 or hue >= 320
            else p.ramp[3]
            if hue < 108
            else p.ramp[1]
            if hue < 200
            else p.ramp[0]
        )
        if lightness < _BLACK:
            out.append(
                _path(
                    shape,
                    f'fill="{mix(ground, "#000000", 0.35)}" stroke="{p.ink}" stroke-width="{pen * 0.7:.3f}" stroke-linejoin="round"',
                )
            )
            continue
        out.append(
            _path(
                shape,
                f'fill="{mix(ground, color, 0.14 + 0.42 * lightness)}" stroke="{color}" stroke-width="{pen:.3f}" stroke-linejoin="round"',
            )
        )
        out.append(
            f'<g transform="translate({0.35 * pen:.3f} {-0.3 * pen:.3f})" opacity=".4">{_path(shape, f"fill={chr(34)}none{chr(34)} stroke={chr(34)}{color}{chr(34)} stroke-width={chr(34)}{pen * 0.6:.3f}{chr(34)}")}</g>'
        )
    return "".join(out)


def _wash(figure: Figure, art: ArtDirection, on: str, pen: float) -> str:
    """Watercolor that misses the pen line a little."""
    p = art.palette
    ground = on or p.paper
    line = mix(p.ink, p.ramp[-1], 0.3)
    out = [_silhouette(figure, ground, pen * 1.6)]
    for shape in figure.shapes:
        color = tint(shape.fill, art)
        off = f"translate({1.6 * pen:.3f} {1.1 * pen:.3f})"
        out += [
            _path(shape, f'fill="{ground}" opacity=".8"'),
            _path(shape, f'fill="{color}" opacity=".42" transform="{off}"'),
            _path(shape, f'fill="{color}" opacity=".62"'),
            _path(shape, f'fill="none" stroke="{line}" stroke-width="{pen:.3f}" stroke-linejoin="round" opacity=".72"'),
        ]
    return "".join(out)
