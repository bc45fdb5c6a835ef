"""Where a scene takes place: a display list of shapes, from far to near, chosen from the words of the subject."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from . import shapes as s

__all__ = ["ENVIRONMENTS", "Ground", "Shape", "choose"]


@dataclass(frozen=True)
class Shape:
    """One thing to paint. `depth` 0 is the far distance, 1 the near foreground. Roles: land, water, plant, trunk,
    built, window, cloud, light, snow, object, line. Things of role `line` are stroked, all others filled."""

    path: str
    role: str
    depth: float


@dataclass(frozen=True)
class Ground:
    """The picture's frame: position and size in px, and the height of the horizon as a y coordinate."""

    x: float
    y: float
    w: float
    h: float
    horizon: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def reach(self) -> float:
        """What sizes of things follow: the width, or in a panorama somewhat more than the height."""
        return min(self.w, 1.8 * self.h)

    @property
    def below(self) -> float:
        """Height of what lies below the horizon."""
        return self.bottom - self.horizon


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
    for _ in range(16):
        x, lift = g.x + g.w * rng.uniform(-0.02, 1.02), rng.uniform(0.5, 0.7)
        out.append(Shape(s.pine(x, g.horizon + g.below * lift, g.below * rng.uniform(0.25, 0.42)), "plant", 0.8))
    out.append(
        Shape(s.ridge(rng, g.x, g.right, g.horizon + g.below * 0.78, g.below * 0.08, g.bottom + 4, 4), "land", 1.0)
    )
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
    """A town along the far shore, and the water before it."""
    town = [shape for shape in city(rng, g) if shape.role in {"built", "window", "cloud"} and shape.depth < 0.7]
    return [*town, *(shape for shape in sea(rng, g) if shape.role == "water")]


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


def _shelf(rng: random.Random, x: float, y: float, w: float, h: float, kind: str) -> list[Shape]:
    """A board with things on it: glassware, books or jars."""
    out = [Shape(s.rect(x, y, w, h * 0.07), "built", 0.5)]
    at = x + w * 0.05
    while at < x + w * 0.9:
        if kind == "lab":
            tall, wide = h * rng.uniform(0.4, 0.66), h * 0.2
            if rng.random() < 0.5:
                flask = s.polygon(
                    [
                        (at + wide * 0.35, y - tall),
                        (at + wide * 0.65, y - tall),
                        (at + wide * 0.65, y - tall * 0.6),
                        (at + wide * 1.05, y),
                        (at - wide * 0.05, y),
                        (at + wide * 0.35, y - tall * 0.6),
                    ]
                )
                level = s.polygon(
                    [
                        (at + wide * 0.16, y - tall * 0.3),
                        (at + wide * 0.84, y - tall * 0.3),
                        (at + wide * 1.05, y),
                        (at - wide * 0.05, y),
                    ]
                )
            else:
                flask = s.rect(at, y - tall, wide * 0.6, tall, wide * 0.12)
                level = s.rect(at, y - tall * 0.5, wide * 0.6, tall * 0.5, wide * 0.12)
            out += [Shape(flask, "cloud", 0.1), Shape(level, rng.choice(("object", "light", "plant")), 0.4)]
            at += wide * rng.uniform(1.25, 1.7)
        elif kind == "books":
            wide, tall = h * rng.uniform(0.08, 0.14), h * rng.uniform(0.5, 0.78)
            out.append(
                Shape(
                    s.rect(at, y - tall, wide, tall, wide * 0.08),
                    rng.choice(("object", "plant", "built", "cloud", "light")),
                    rng.uniform(0.2, 0.8),
                )
            )
            at += wide * (1.04 if rng.random() < 0.8 else 2.2)
        else:
            wide, tall = h * 0.28, h * rng.uniform(0.38, 0.56)
            out += [
                Shape(s.rect(at, y - tall, wide, tall, wide * 0.2), rng.choice(("cloud", "object", "plant")), 0.3),
                Shape(s.rect(at + wide * 0.08, y - tall - h * 0.06, wide * 0.84, h * 0.08), "trunk", 0.7),
            ]
            at += wide * rng.uniform(1.15, 1.5)
    return out


def _room(rng: random.Random, g: Ground, kind: str) -> list[Shape]:
    wall = g.horizon + g.below * 0.30
    out: list[Shape] = []
    h = (wall - g.y) * 0.26
    rows = 2 if g.w < 1.9 * g.h else 1
    h = h if rows == 2 else (wall - g.y) * 0.42
    for side, w in ((0.03, 0.25), (0.72, 0.25)):
        for row in range(rows):
            y = g.y + (wall - g.y) * ((0.44 + 0.36 * row) if rows == 2 else 0.66) - (0 if side < 0.5 else h * 0.25)
            out += _shelf(rng, g.x + g.w * side, y, g.w * w, h, kind)
    out.append(Shape(s.rect(g.x - 4, wall, g.w + 8, g.below * 0.10), "built", 0.55))
    out.append(Shape(s.rect(g.x - 4, wall + g.below * 0.10, g.w + 8, g.bottom - wall), "built", 0.85))
    for i in range(1, 5):
        out.append(Shape(f"M{g.x + g.w * i / 5:.1f} {wall + g.below * 0.10:.1f}V{g.bottom + 4:.1f}", "line", 0.9))
    return out


def lab(rng: random.Random, g: Ground) -> list[Shape]:
    return _room(rng, g, "lab")


def study(rng: random.Random, g: Ground) -> list[Shape]:
    return _room(rng, g, "books")


def kitchen(rng: random.Random, g: Ground) -> list[Shape]:
    return _room(rng, g, "jars")


def factory(rng: random.Random, g: Ground) -> list[Shape]:
    out: list[Shape] = []
    for i in range(2):
        base = g.horizon + g.below * (0.34 + 0.24 * i)
        for side in (0.0, 0.66):
            x, w, h = g.x + g.w * (side - 0.04 + 0.05 * i), g.w * 0.40, (g.horizon - g.y) * (0.36 - 0.08 * i)
            saw = [(x, base)]
            for j in range(4):
                saw += [
                    (x + w * j / 4, base - h * 0.7),
                    (x + w * (j + 1) / 4, base - h * 1.0),
                    (x + w * (j + 1) / 4, base - h * 0.7),
                ]
            out.append(Shape(s.polygon([*saw, (x + w, base)]), "built", 0.25 + 0.35 * i))
            for j in range(2):
                cx = x + w * (0.2 + 0.45 * j)
                out.append(
                    Shape(
                        s.polygon(
                            [
                                (cx, base),
                                (cx + w * 0.015, base - h * 1.75),
                                (cx + w * 0.085, base - h * 1.75),
                                (cx + w * 0.10, base),
                            ]
                        ),
                        "built",
                        0.3 + 0.35 * i,
                    )
                )
                out.append(
                    Shape(
                        "".join(
                            s.circle(cx + w * (0.05 + 0.07 * k), base - h * (1.86 + 0.13 * k), w * (0.035 + 0.018 * k))
                            for k in range(4)
                        ),
                        "cloud",
                        0.1,
                    )
                )
            out.append(
                Shape(
                    "".join(s.rect(x + w * (0.08 + 0.15 * k), base - h * 0.45, w * 0.08, h * 0.2) for k in range(6)),
                    "window",
                    0.3 + 0.3 * i,
                )
            )
    out.append(Shape(s.rect(g.x - 4, g.horizon + g.below * 0.56, g.w + 8, g.below), "land", 1.0))
    return out


def stage(rng: random.Random, g: Ground) -> list[Shape]:
    """A quiet backdrop for abstract subjects: rays, rings and a floor."""
    cx, cy = g.x + g.w / 2, g.horizon - (g.horizon - g.y) * 0.34
    reach = math.hypot(g.w, g.h)
    out = []
    turn = rng.uniform(0, 30)
    for i in range(12):
        a, b = math.radians(turn + i * 30), math.radians(turn + i * 30 + 13)
        out.append(
            Shape(
                s.polygon(
                    [
                        (cx, cy),
                        (cx + math.cos(a) * reach, cy + math.sin(a) * reach),
                        (cx + math.cos(b) * reach, cy + math.sin(b) * reach),
                    ]
                ),
                "ray",
                0.0,
            )
        )
    for i in range(2):
        out.append(
            Shape(
                s.ridge(rng, g.x, g.right, g.horizon + g.below * (0.42 + 0.3 * i), g.below * 0.07, g.bottom + 4, 2),
                "land",
                0.5 + 0.45 * i,
            )
        )
    return out


ENVIRONMENTS: dict[str, Callable[[random.Random, Ground], list[Shape]]] = {
    "hills": hills, "mountains": mountains, "forest": forest, "sea": sea, "harbor": harbor, "underwater": underwater, "sky": sky,
    "space": space, "city": city, "village": village, "desert": desert, "garden": garden, "lab": lab, "study": study,
    "kitchen": kitchen, "factory": factory, "stage": stage,
}  # fmt: skip

_WORDS = {
    "lab": "vaccine vaccines syringe virus medicine medical lab laboratory chemistry chemical science scientist microscope cell cells dna gene clinic doctor nurse pill drug bacteria immune antibody trial research experiment vial flask biology molecule health hospital",
    "space": "space planet planets star stars moon rocket galaxy universe astronaut cosmos orbit satellite mars jupiter saturn solar-system comet telescope astronomy eclipse",
    "underwater": "coral reef fish whale dolphin shark diving submarine octopus underwater jellyfish turtle aquarium seabed deep-sea",
    "harbor": "harbor harbour port waterfront quay marina",
    "sea": "sea ocean beach island ship boat sail sailing sailboat wave waves coast lighthouse surf marine tide water cycle bridge river lake dam canal",
    "forest": "forest woods tree trees woodland wolf bear deer fox owl fairy mushroom jungle rainforest pine christmas",
    "mountains": "mountain mountains alps hike hiking climb climbing peak summit ski snow winter glacier volcano camping adventure trail",
    "desert": "desert sahara cactus camel pyramid egypt sand dune drought heat",
    "garden": "garden sprout flower flowers bee bees butterfly plant plants herb herbs spring tea vegetable vegetables seed seeds compost pollen pollination honey botany rose leaf photosynthesis",
    "kitchen": "recipe recipes cook cooking kitchen food bread bake baking cake soup coffee restaurant menu meal pizza chef breakfast lunch dinner pasta sushi ramen tea-house cafe spice",
    "study": "book books read reading library school study student history museum literature writing author teacher lesson education learn learning desk homework exam poem poetry law",
    "city": "city urban town street traffic car cars bus train metro subway skyline architecture building buildings business office commute startup marketing bicycle bike cycling transport market jazz concert night fireworks festival",
    "factory": "factory manufacturing industry industrial production machine machines engine steel robot robots energy power electricity pollution carbon emissions",
    "village": "house home village family neighborhood neighbourhood community farm farming barn rural moving rent",
    "hills": "climate weather sun sunny summer wind nature landscape park animal animals dog cat horse cow rain rainbow picnic environment recycle recycling sustainable earth field agriculture tractor balloon bird birds dinosaur running marathon run walk",
    "sky": "sky cloud clouds plane airplane flight fly flying airport air dream dreams sleep angel kite peace",
}


def choose(text: str, fallback: str = "stage") -> str:
    """The environment whose words occur most in an English text, earlier words counting more."""
    words = re.findall(r"[a-z]+", text.lower())
    scores = dict.fromkeys(_WORDS, 0.0)
    for position, word in enumerate(words):
        for name, vocabulary in _WORDS.items():
            known = vocabulary.split()
            if word in known or word.removesuffix("s") in known:
                scores[name] += 1 / (1 + position * 0.15)
    scores["harbor"] *= 3  # a harbor has city and sea words about it, and is neither
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0 else fallback
