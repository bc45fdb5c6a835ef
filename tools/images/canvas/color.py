"""Color arithmetic: sRGB hex strings, WCAG contrast, mixing in OKLab."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = [
    "contrast",
    "distance",
    "is_dark",
    "luminance",
    "mix",
    "oklab",
    "parse",
    "ramp",
    "readable",
    "shade",
    "to_hex",
]

RGB = tuple[float, float, float]


def parse(color: str) -> RGB:
    """`#rgb` or `#rrggbb` to three floats 0..1; raises `ValueError` on anything else."""
    digits = color.strip().removeprefix("#")
    if len(digits) == 3:
        digits = "".join(c * 2 for c in digits)
    if len(digits) != 6:
        raise ValueError(f"not a color: {color!r} (expected #rrggbb)")
    return tuple(int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))  # type: ignore[return-value]


def to_hex(rgb: Sequence[float]) -> str:
    return "#" + "".join(f"{round(min(1.0, max(0.0, c)) * 255):02x}" for c in rgb)


def _linear(c: float) -> float:
    return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4


def _gamma(c: float) -> float:
    c = max(0.0, c)
    return c * 12.92 if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055


def luminance(color: str) -> float:
    """Relative luminance 0..1 (WCAG 2.2)."""
    r, g, b = (_linear(c) for c in parse(color))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    """Contrast ratio 1..21 (WCAG 2.2)."""
    hi, lo = sorted((luminance(a), luminance(b)), reverse=True)
    return (hi + 0.05) / (lo + 0.05)


def is_dark(color: str) -> bool:
    return luminance(color) < 0.18


def oklab(color: str) -> RGB:
    """Lightness 0..1 and the two opponent axes. Ottosson 2020, "A perceptual color space for image processing"."""
    r, g, b = (_linear(c) for c in parse(color))
    l_ = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    m_ = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    s_ = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * l_ + 0.7936177850 * m_ - 0.0040720468 * s_,
        1.9779984951 * l_ - 2.4285922050 * m_ + 0.4505937099 * s_,
        0.0259040371 * l_ + 0.7827717662 * m_ - 0.8086757660 * s_,
    )


def _from_oklab(lab: RGB) -> str:
    lightness, a, b = lab
    l_ = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m_ = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s_ = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return to_hex(
        (
            _gamma(4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_),
            _gamma(-1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_),
            _gamma(-0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_),
        )
    )


def distance(a: str, b: str) -> float:
    """How different two colors look: Euclidean distance in OKLab, 0 for equal, 1 between black and white."""
    return math.dist(oklab(a), oklab(b))


def mix(a: str, b: str, t: float) -> str:
    """The color a fraction `t` (0..1) of the way from `a` to `b`, in OKLab, so that ramps look even."""
    if t <= 0:
        return a
    if t >= 1:
        return b
    x, y = oklab(a), oklab(b)
    return _from_oklab((x[0] + (y[0] - x[0]) * t, x[1] + (y[1] - x[1]) * t, x[2] + (y[2] - x[2]) * t))


def shade(base: str, lightness: float, dark: str, light: str) -> str:
    """`base` brought to about that OKLab lightness (0..1), darkened toward `dark` or lightened toward `light`."""
    own = oklab(base)[0]
    if lightness <= own:
        return mix(dark, base, max(0.0, lightness) / max(own, 1e-6))
    return mix(base, light, (lightness - own) / max(1 - own, 1e-6))


def ramp(colors: Sequence[str], t: float) -> str:
    """The color at position `t` (0..1) along evenly spaced `colors`."""
    t = min(1.0, max(0.0, t)) * (len(colors) - 1)
    i = min(len(colors) - 2, int(t))
    return mix(colors[i], colors[i + 1], t - i)


def readable(color: str, on: str, ratio: float = 4.6) -> str:
    """`color`, moved toward black or white only as far as text of it on `on` needs to reach `ratio`."""
    if contrast(color, on) >= ratio:
        return color
    candidates = ("#000000", "#ffffff") if luminance(on) > 0.18 else ("#ffffff", "#000000")
    for end in candidates:
        for step in range(1, 21):
            moved = mix(color, end, step / 20)
            if contrast(moved, on) >= ratio:
                return moved
    return max(candidates, key=lambda end: contrast(end, on))
