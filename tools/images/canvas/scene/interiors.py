"""Places that people made: rooms with shelves, a factory, a stage."""

from __future__ import annotations

import math
import random

from . import shapes as s
from .ground import Ground, Shape

__all__ = ["factory", "kitchen", "lab", "stage", "study"]


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
