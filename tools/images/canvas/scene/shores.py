"""Places by and in the water: sea, storm, lake, harbor, and below the surface."""

# ruff: noqa: E501 (shapes stay in one piece)
from __future__ import annotations

import random

from . import shapes as s
from .ground import Ground, Shape

__all__ = ["harbor", "lake", "sea", "storm", "underwater"]


def sea(rng: random.Random, g: Ground) -> list[Shape]:
    out = [
        Shape(
            s.cloud(g.x + g.w * rng.uniform(0.1, 0.25), g.y + (g.horizon - g.y) * 0.35, g.reach * 0.22), "cloud", 0.0
        ),
        Shape(
            s.cloud(g.x + g.w * rng.uniform(0.75, 0.9), g.y + (g.horizon - g.y) * 0.55, g.reach * 0.16), "cloud", 0.0
        ),
        Shape(s.rect(g.x - 4, g.horizon, g.w + 8, g.below + 4), "water", 0.12),
    ]
    island = g.x + g.w * rng.choice((0.14, 0.86))
    out.append(Shape(s.circle(island, g.horizon + g.below * 0.06, g.reach * 0.13, g.below * 0.16), "land", 0.3))
    trunk, fronds = s.palm(island, g.horizon - g.below * 0.02, g.below * 0.5, rng.choice((-0.15, 0.15)))
    out += [Shape(trunk, "trunk", 0.5), Shape(fronds, "plant", 0.5)]
    for i in range(5):
        y = g.horizon + g.below * (0.14 + 0.18 * i)
        out.append(
            Shape(
                s.waves(rng, g.x, g.right, y, g.below * (0.04 + 0.02 * i), g.reach * (0.10 + 0.035 * i), g.bottom + 4),
                "water",
                0.25 + 0.18 * i,
            )
        )
    return out


def harbor(rng: random.Random, g: Ground) -> list[Shape]:
    """A town along the far shore, its lights in the water before it."""
    out: list[Shape] = []
    shore = g.horizon + g.below * 0.06
    rise = g.horizon - g.y
    for i, (height, across) in enumerate(((0.66, 0.052), (0.42, 0.066))):
        x = g.x - g.w * 0.02
        while x < g.right:
            w = g.reach * across * rng.uniform(0.75, 1.3)
            # Higher toward the picture's sides, so that the light over the water stays free.
            edge = abs((x + w / 2 - g.x) / g.w - 0.5) * 2
            h = rise * height * rng.uniform(0.45, 1.0) * (0.5 + 0.6 * edge)
            body, windows = s.tower(rng, x, shore, w, h)
            out += [Shape(body, "built", 0.22 + 0.34 * i), Shape(windows, "window", 0.22 + 0.34 * i)]
            x += w * rng.uniform(1.0, 1.1)
    out.append(Shape(s.rect(g.x - 4, shore, g.w + 8, g.bottom - shore + 4), "water", 0.42))
    for _ in range(26):  # broken reflections, longer the nearer
        near = rng.random()
        y = shore + (g.bottom - shore) * (0.04 + 0.55 * near)
        w = g.reach * rng.uniform(0.02, 0.05) * (0.6 + near)
        out.append(Shape(s.rect(g.x + g.w * rng.random(), y, w, g.below * 0.012, g.below * 0.006), "window", 0.5))
    for i in range(3):
        y = shore + (g.bottom - shore) * (0.30 + 0.26 * i)
        crest = s.waves(rng, g.x, g.right, y, g.below * 0.03 * (1 + i), g.reach * (0.12 + 0.05 * i), g.bottom + 4)
        out.append(Shape(crest, "water", 0.62 + 0.19 * i))
    return out


def lake(rng: random.Random, g: Ground) -> list[Shape]:
    """Still water between hills."""
    out = [
        Shape(s.cloud(g.x + g.w * rng.uniform(0.12, 0.3), g.y + (g.horizon - g.y) * 0.3, g.reach * 0.2), "cloud", 0.0)
    ]
    for i in range(2):
        y = g.horizon - g.below * (0.10 - 0.08 * i)
        out.append(
            Shape(s.ridge(rng, g.x, g.right, y, g.below * (0.3 - 0.1 * i), g.bottom + 4, 3), "land", 0.15 + 0.2 * i)
        )
    for side in (0.06, 0.14, 0.24, 0.78, 0.88, 0.95):
        h = g.below * rng.uniform(0.3, 0.45)
        out.append(Shape(s.pine(g.x + g.w * side, g.horizon + g.below * 0.08, h), "plant", 0.45))
    out.append(Shape(s.rect(g.x - 4, g.horizon + g.below * 0.06, g.w + 8, g.below + 4), "water", 0.2))
    for i in range(4):
        y = g.horizon + g.below * (0.22 + 0.22 * i)
        crest = s.waves(rng, g.x, g.right, y, g.below * (0.025 + 0.01 * i), g.reach * (0.16 + 0.05 * i), g.bottom + 4)
        out.append(Shape(crest, "water", 0.3 + 0.22 * i))
    return out


def storm(rng: random.Random, g: Ground) -> list[Shape]:
    """High waves under heavy clouds, slanting rain, and a bolt."""
    out: list[Shape] = []
    for i in range(14):
        x, y = g.x + g.w * (i + rng.random()) / 14, g.y + (g.horizon - g.y) * rng.uniform(0.08, 0.36)
        out.append(Shape(s.cloud(x, y, g.reach * rng.uniform(0.22, 0.42)), "built", rng.uniform(0.1, 0.45)))
    bx, by, h = g.x + g.w * rng.choice((0.2, 0.8)), g.y + (g.horizon - g.y) * 0.26, (g.horizon - g.y) * 0.5
    out.append(
        Shape(
            s.polygon(
                [
                    (bx, by), (bx - h * 0.2, by + h * 0.52), (bx - h * 0.03, by + h * 0.48), (bx - h * 0.16, by + h),
                    (bx + h * 0.17, by + h * 0.36), (bx + h * 0.02, by + h * 0.4), (bx + h * 0.12, by),
                ]
            ),
            "light",
            0.9,
        )
    )  # fmt: skip
    for _ in range(46):
        x, y, n = g.x + g.w * rng.uniform(-0.05, 1.1), g.y + (g.bottom - g.y) * rng.uniform(0.15, 0.8), g.below * 0.16
        out.append(Shape(f"M{x:.1f} {y:.1f}l{-n * 0.35:.1f} {n:.1f}", "line", 0.4))
    out.append(Shape(s.rect(g.x - 4, g.horizon, g.w + 8, g.below + 4), "water", 0.3))
    for i in range(5):
        y = g.horizon + g.below * (0.04 + 0.19 * i)
        crest = s.waves(rng, g.x, g.right, y, -g.below * (0.14 + 0.05 * i), g.reach * (0.16 + 0.06 * i), g.bottom + 4)
        out.append(Shape(crest, "water", 0.35 + 0.16 * i))
    return out


def underwater(rng: random.Random, g: Ground) -> list[Shape]:
    out: list[Shape] = []
    for i in range(3):
        x = g.x + g.w * (0.18 + 0.3 * i) + rng.uniform(-0.05, 0.05) * g.w
        out.append(
            Shape(
                s.polygon(
                    [(x, g.y - 4), (x + g.w * 0.10, g.y - 4), (x + g.w * 0.02, g.bottom), (x - g.w * 0.22, g.bottom)]
                ),
                "ray",
                0.0,
            )
        )
    for i in range(3):
        y = g.horizon + g.below * (0.10 + 0.3 * i)
        out.append(Shape(s.ridge(rng, g.x, g.right, y, g.below * 0.16, g.bottom + 4, 4), "land", 0.25 + 0.35 * i))
        for _ in range(5):
            x = g.x + g.w * rng.choice((rng.uniform(0.0, 0.26), rng.uniform(0.74, 1.0)))
            h, sway = g.below * rng.uniform(0.6, 1.1), g.w * 0.03
            base = y + g.below * 0.12
            out.append(Shape(
                f"M{x - sway * 0.35:.1f} {base:.1f}C{x - sway:.1f} {base - h * 0.4:.1f} {x + sway:.1f} {base - h * 0.6:.1f} {x:.1f} {base - h:.1f}"
                f"C{x + sway * 1.7:.1f} {base - h * 0.6:.1f} {x - sway * 0.3:.1f} {base - h * 0.4:.1f} {x + sway * 0.4:.1f} {base:.1f}Z",
                "plant", 0.4 + 0.3 * i,
            ))  # fmt: skip
    for _ in range(14):
        out.append(
            Shape(
                s.circle(g.x + g.w * rng.random(), g.y + g.h * rng.uniform(0.08, 0.8), g.w * rng.uniform(0.004, 0.013)),
                "snow",
                0.2,
            )
        )
    return out
