"""Where a scene takes place, out of doors: each a display list of shapes, from far to near."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import random
from collections.abc import Callable

from . import shapes as s
from .ground import Ground, Shape
from .interiors import factory, kitchen, lab, stage, study
from .shores import harbor, lake, sea, storm, underwater

__all__ = ["ENVIRONMENTS"]


def hills(rng: random.Random, g: Ground) -> list[Shape]:
    out = [
        Shape(s.cloud(g.x + g.w * rng.uniform(0.08, 0.3), g.y + (g.horizon - g.y) * 0.3, g.reach * 0.2), "cloud", 0.0)
    ]
    out.append(
        Shape(s.cloud(g.x + g.w * rng.uniform(0.72, 0.92), g.y + (g.horizon - g.y) * 0.5, g.reach * 0.15), "cloud", 0.0)
    )
    for i in range(4):
        y = g.horizon + g.below * (-0.10 + 0.26 * i)
        amp = g.below * (0.22 - 0.03 * i)
        out.append(Shape(s.ridge(rng, g.x, g.right, y, amp, g.bottom + 4, 3 + i % 2), "land", 0.1 + 0.28 * i))
        if i in (1, 2):
            for _ in range(4 + i):
                x = g.x + g.w * rng.uniform(0.02, 0.98)
                trunk, crown = s.round_tree(rng, x, y + g.below * 0.13, g.below * (0.22 + 0.07 * i))
                out += [Shape(trunk, "trunk", 0.2 + 0.28 * i), Shape(crown, "plant", 0.2 + 0.28 * i)]
    return out


def mountains(rng: random.Random, g: Ground) -> list[Shape]:
    out: list[Shape] = []
    rise = g.horizon - g.y
    for i, (height, count) in enumerate(((0.62, 3), (0.40, 4))):
        body, caps = s.peaks(
            rng, g.x, g.right, g.horizon + g.below * (0.05 + 0.16 * i), rise * height, g.bottom + 4, count
        )
        out += [Shape(body, "land", 0.1 + 0.3 * i), Shape(caps, "snow", 0.1 + 0.3 * i)]
    out.append(
        Shape(s.ridge(rng, g.x, g.right, g.horizon + g.below * 0.46, g.below * 0.12, g.bottom + 4, 4), "land", 0.66)
    )
    # Two stands of pines, each rising from behind the slope before it, so that no trunk floats.
    tall = min(g.below, 0.62 * g.w)
    for lift, size, depth, count in ((0.60, 0.24, 0.7, 9), (0.84, 0.36, 0.86, 7)):
        base = g.horizon + g.below * lift
        for j in range(count):
            x = g.x + g.w * ((j + rng.uniform(0.1, 0.9)) / count * 1.06 - 0.03)
            out.append(Shape(s.pine(x, base + tall * 0.06, tall * size * rng.uniform(0.75, 1.2)), "plant", depth))
        out.append(Shape(s.ridge(rng, g.x, g.right, base, g.below * 0.03, g.bottom + 4, 3), "land", depth + 0.13))
    return out


def forest(rng: random.Random, g: Ground) -> list[Shape]:
    out: list[Shape] = []
    for i in range(4):
        base = g.horizon + g.below * (0.12 + 0.25 * i)
        count, depth = 15 - 3 * i, 0.12 + 0.27 * i
        for j in range(count):
            x = g.x + g.w * ((j + rng.uniform(0.1, 0.9)) / count * 1.06 - 0.03)
            edge = abs((x - g.x) / g.w - 0.5) * 2
            h = (g.horizon - g.y) * (0.26 + 0.08 * i) * rng.uniform(0.7, 1.1) * (0.45 + 0.75 * edge)
            out.append(Shape(s.pine(x, base + 4, h), "plant", depth))
        out.append(Shape(s.ridge(rng, g.x, g.right, base, g.below * 0.05, g.bottom + 4, 3), "land", depth))
    return out


def sky(rng: random.Random, g: Ground) -> list[Shape]:
    out: list[Shape] = []
    for i in range(6):
        side = rng.uniform(0.0, 0.28) if i % 2 else rng.uniform(0.72, 1.0)
        height = rng.uniform(0.18, 0.62)
        out.append(
            Shape(s.cloud(g.x + g.w * side, g.y + g.h * height, g.reach * rng.uniform(0.14, 0.26)), "cloud", i / 8)
        )
    out.append(
        Shape(s.ridge(rng, g.x, g.right, g.horizon + g.below * 0.28, g.below * 0.12, g.bottom + 4, 3), "land", 0.2)
    )
    for i in range(2):
        y, size = g.horizon + g.below * (0.52 + 0.3 * i), g.reach * 0.11
        count = int(g.w / size) + 3
        puffs = "".join(
            s.circle(g.x + size * (j - 1 + rng.uniform(0.2, 0.8)), y + size * 0.5, size * rng.uniform(0.5, 0.8))
            for j in range(count)
        )
        out.append(Shape(puffs + s.rect(g.x - 4, y + size * 0.5, g.w + 8, g.bottom - y), "cloud", 0.2 + 0.5 * i))
    return out


def space(rng: random.Random, g: Ground) -> list[Shape]:
    stars = "".join(
        s.circle(
            g.x + g.w * rng.random(), g.y + g.h * rng.random() * 0.9, g.reach * rng.choice((0.0012, 0.0018, 0.0032))
        )
        for _ in range(90)
    )
    out = [Shape(stars, "snow", 0.0)]
    px, py, r = g.x + g.w * rng.choice((0.14, 0.86)), g.y + (g.horizon - g.y) * 0.28, g.reach * 0.075
    out.append(Shape(s.circle(px, py, r), "object", 0.3))
    ring = f"M{px - r * 1.9:.1f} {py + r * 0.4:.1f}A{r * 2:.1f} {r * 0.62:.1f} -12 0 0 {px + r * 1.9:.1f} {py - r * 0.4:.1f}A{r * 2:.1f} {r * 0.5:.1f} -12 0 1 {px - r * 1.9:.1f} {py + r * 0.4:.1f}Z"
    out.append(Shape(ring, "light", 0.6))
    out.append(Shape(s.circle(g.x + g.w * rng.uniform(0.3, 0.7), g.y + g.h * 0.1, g.w * 0.02), "cloud", 0.1))
    for i in range(2):
        reach = g.w * (0.95 + 0.3 * i)
        cy = g.horizon + g.below * (0.34 + 0.34 * i) + reach
        out.append(Shape(s.circle(g.x + g.w * (0.42 + 0.16 * i), cy, reach), "land", 0.55 + 0.4 * i))
        for _ in range(5):
            cx = g.x + g.w * rng.uniform(0.08, 0.92)
            out.append(
                Shape(
                    s.circle(
                        cx,
                        g.horizon + g.below * (0.62 + 0.2 * i),
                        g.w * rng.uniform(0.015, 0.04),
                        g.w * rng.uniform(0.006, 0.012),
                    ),
                    "crater",
                    0.55 + 0.4 * i,
                )
            )
    return out


def city(rng: random.Random, g: Ground) -> list[Shape]:
    out: list[Shape] = [Shape(s.cloud(g.x + g.w * 0.16, g.y + (g.horizon - g.y) * 0.25, g.reach * 0.18), "cloud", 0.0)]
    for i in range(3):
        x, base = g.x - g.w * 0.03, g.horizon + g.below * (0.3 + 0.22 * i)
        while x < g.right:
            w = g.reach * rng.uniform(0.055, 0.10) * (1 + 0.2 * i)
            edge = abs((x + w / 2 - g.x) / g.w - 0.5) * 2
            h = (g.horizon - g.y) * (0.66 - 0.16 * i) * rng.uniform(0.5, 1.0) * (0.4 + 0.7 * edge)
            body, windows = s.tower(rng, x, base, w, h + g.below * 0.2)
            out += [Shape(body, "built", 0.15 + 0.3 * i), Shape(windows, "window", 0.15 + 0.3 * i)]
            x += w * rng.uniform(1.0, 1.16)
    out.append(Shape(s.rect(g.x - 4, g.horizon + g.below * 0.72, g.w + 8, g.below * 0.3), "land", 1.0))
    for i in range(9):
        out.append(
            Shape(
                s.rect(g.x + g.w * (0.02 + 0.12 * i), g.horizon + g.below * 0.85, g.w * 0.05, g.below * 0.02),
                "window",
                0.9,
            )
        )
    return out


def village(rng: random.Random, g: Ground) -> list[Shape]:
    out = [shape for shape in hills(rng, g) if shape.role != "trunk" or rng.random() < 2][:]
    for i in range(5):
        x = g.x + g.w * (0.06 + 0.22 * i + rng.uniform(-0.03, 0.03))
        if abs((x - g.x) / g.w - 0.5) < 0.12:
            continue
        walls, roof, openings = s.house(x, g.horizon + g.below * 0.62, g.reach * rng.uniform(0.09, 0.12))
        out += [Shape(walls, "cloud", 0.2), Shape(roof, "object", 0.6), Shape(openings, "built", 0.9)]
    out.append(
        Shape(s.ridge(rng, g.x, g.right, g.horizon + g.below * 0.66, g.below * 0.05, g.bottom + 4, 3), "land", 0.96)
    )
    return out


def desert(rng: random.Random, g: Ground) -> list[Shape]:
    out: list[Shape] = []
    for i in range(4):
        out.append(
            Shape(
                s.ridge(rng, g.x, g.right, g.horizon + g.below * (0.02 + 0.24 * i), g.below * 0.16, g.bottom + 4, 2),
                "land",
                0.12 + 0.28 * i,
            )
        )
    for side in (rng.uniform(0.06, 0.2), rng.uniform(0.8, 0.94)):
        x, base, h = g.x + g.w * side, g.horizon + g.below * 0.62, g.below * rng.uniform(0.5, 0.75)
        w = h * 0.16
        cactus = s.rect(x - w / 2, base - h, w, h, w / 2)
        for sign, at in ((-1, 0.45), (1, 0.6)):
            arm = x + sign * w * 1.5
            cactus += s.rect(min(x, arm) - w * 0.3, base - h * at, abs(arm - x) + w * 0.6, w * 0.7, w * 0.35)
            cactus += s.rect(arm - w * 0.35, base - h * (at + 0.28), w * 0.7, h * 0.3, w * 0.35)
        out.append(Shape(cactus, "plant", 0.85))
    return out


def garden(rng: random.Random, g: Ground) -> list[Shape]:
    out: list[Shape] = []
    for i in range(3):
        out.append(
            Shape(
                s.ridge(rng, g.x, g.right, g.horizon + g.below * (0.02 + 0.28 * i), g.below * 0.10, g.bottom + 4, 3),
                "land",
                0.15 + 0.35 * i,
            )
        )
        for _ in range(9):
            x = g.x + g.w * rng.random()
            if i < 2 and abs((x - g.x) / g.w - 0.5) < 0.16:
                continue
            base, h = g.horizon + g.below * (0.16 + 0.3 * i), g.below * rng.uniform(0.2, 0.4)
            out.append(Shape(f"M{x:.1f} {base:.1f}q{h * 0.08:.1f} {-h * 0.5:.1f} 0 {-h:.1f}", "line", 0.5 + 0.2 * i))
            for side in (-35, 215):
                out.append(Shape(s.leaf(x, base - h * 0.35, h * 0.38, side, 0.3)[0], "plant", 0.4 + 0.25 * i))
            petals, heart = s.flower_head(x, base - h, h * 0.26, rng.choice((5, 6, 8)), rng.uniform(0, 60))
            out += [Shape(petals, rng.choice(("object", "light", "cloud")), 0.5 + 0.2 * i), Shape(heart, "trunk", 0.7)]
    return out


ENVIRONMENTS: dict[str, Callable[[random.Random, Ground], list[Shape]]] = {
    "hills": hills, "mountains": mountains, "forest": forest, "sea": sea, "storm": storm, "lake": lake, "harbor": harbor,
    "underwater": underwater, "sky": sky,
    "space": space, "city": city, "village": village, "desert": desert, "garden": garden, "lab": lab, "study": study,
    "kitchen": kitchen, "factory": factory, "stage": stage,
}  # fmt: skip
