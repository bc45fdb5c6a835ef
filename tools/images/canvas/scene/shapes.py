"""Path data for the things that scenes are made of. All lengths in px, y downward; every function returns an SVG path."""

# ruff: noqa: E501 (SVG fragments and text blocks stay in one piece)
from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

__all__ = [
    "blob", "circle", "cloud", "flower_head", "house", "leaf", "palm", "peaks", "pine", "polygon", "rect", "ridge",
    "round_tree", "smooth", "tower", "waves",
]  # fmt: skip

Point = tuple[float, float]


def polygon(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"


def rect(x: float, y: float, w: float, h: float, r: float = 0.0) -> str:
    if r <= 0:
        return f"M{x:.1f} {y:.1f}h{w:.1f}v{h:.1f}h{-w:.1f}Z"
    r = min(r, w / 2, h / 2)
    return (
        f"M{x + r:.1f} {y:.1f}h{w - 2 * r:.1f}a{r:.1f} {r:.1f} 0 0 1 {r:.1f} {r:.1f}v{h - 2 * r:.1f}"
        f"a{r:.1f} {r:.1f} 0 0 1 {-r:.1f} {r:.1f}h{2 * r - w:.1f}a{r:.1f} {r:.1f} 0 0 1 {-r:.1f} {-r:.1f}"
        f"v{2 * r - h:.1f}a{r:.1f} {r:.1f} 0 0 1 {r:.1f} {-r:.1f}Z"
    )


def circle(cx: float, cy: float, r: float, ry: float | None = None) -> str:
    ry = r if ry is None else ry
    return f"M{cx - r:.1f} {cy:.1f}a{r:.1f} {ry:.1f} 0 1 0 {2 * r:.1f} 0a{r:.1f} {ry:.1f} 0 1 0 {-2 * r:.1f} 0Z"


def smooth(points: Sequence[Point], closed: bool = False) -> str:
    """A Catmull-Rom spline through the points, as cubic Béziers."""
    n = len(points)

    def at(i: int) -> Point:
        return points[i % n] if closed else points[min(max(i, 0), n - 1)]

    out = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for i in range(n if closed else n - 1):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = at(i - 1), at(i), at(i + 1), at(i + 2)
        out.append(
            f"C{x1 + (x2 - x0) / 6:.1f} {y1 + (y2 - y0) / 6:.1f} {x2 - (x3 - x1) / 6:.1f} {y2 - (y3 - y1) / 6:.1f} "
            f"{x2:.1f} {y2:.1f}"
        )
    return "".join(out) + ("Z" if closed else "")


def ridge(rng: random.Random, x0: float, x1: float, y: float, amp: float, bottom: float, bumps: int = 5) -> str:
    """A rolling horizon around `y`, filled down to `bottom`."""
    phase, phase2 = rng.uniform(0, math.tau), rng.uniform(0, math.tau)
    n = bumps * 4
    points = []
    for i in range(-1, n + 2):
        t = i / n
        wave = math.sin(t * bumps * 1.4 + phase) * 0.7 + math.sin(t * bumps * 3.1 + phase2) * 0.3
        points.append((x0 + (x1 - x0) * t, y - wave * amp))
    return smooth(points) + f"L{points[-1][0]:.1f} {bottom:.1f}L{points[0][0]:.1f} {bottom:.1f}Z"


def peaks(rng: random.Random, x0: float, x1: float, y: float, amp: float, bottom: float, count: int = 4) -> list[str]:
    """A jagged range filled down to `bottom`, then the lit caps of its peaks."""
    xs = [x0 + (x1 - x0) * (i + rng.uniform(-0.22, 0.22)) / count for i in range(-1, count + 2)]
    points: list[Point] = []
    caps: list[str] = []
    for a, b in itertools.pairwise(xs):
        top = y - amp * rng.uniform(0.55, 1.0)
        mid = (a + b) / 2 + (b - a) * rng.uniform(-0.12, 0.12)
        points += [(a, y - amp * rng.uniform(0.0, 0.18)), (mid, top)]
        drop, left, right = (y - top) * 0.34, mid - a, b - mid
        caps.append(polygon([
            (mid, top), (mid + right * 0.30, top + drop * 0.92), (mid + right * 0.12, top + drop * 0.74),
            (mid + right * 0.02, top + drop * 1.05), (mid - left * 0.12, top + drop * 0.78), (mid - left * 0.30, top + drop * 0.92),
        ]))  # fmt: skip
    points.append((xs[-1], y))
    return [polygon([*points, (xs[-1], bottom), (xs[0], bottom)]), " ".join(caps)]


def cloud(cx: float, cy: float, w: float) -> str:
    """A flat-bottomed cloud of width `w`, centered on its base."""
    h = w * 0.28
    return (
        f"M{cx - w / 2 + h * 0.5:.1f} {cy:.1f}a{h * 0.5:.1f} {h * 0.5:.1f} 0 0 1 {h * 0.1:.1f} {-h * 0.98:.1f}"
        f"a{h * 0.8:.1f} {h * 0.8:.1f} 0 0 1 {h * 1.35:.1f} {-h * 0.42:.1f}"
        f"a{h * 0.62:.1f} {h * 0.62:.1f} 0 0 1 {h * 0.92:.1f} {h * 0.5:.1f}"
        f"a{h * 0.46:.1f} {h * 0.46:.1f} 0 0 1 {h * 0.2:.1f} {h * 0.9:.1f}Z"
    )


def waves(rng: random.Random, x0: float, x1: float, y: float, amp: float, length: float, bottom: float) -> str:
    """A scalloped crest line, filled down to `bottom`."""
    x = x0 - length * rng.uniform(0.2, 1.0)
    out = [f"M{x:.1f} {y:.1f}"]
    while x < x1 + length:
        out.append(
            f"q{length * 0.28:.1f} {amp:.1f} {length * 0.5:.1f} 0q{length * 0.22:.1f} {-amp:.1f} {length * 0.5:.1f} 0"
        )
        x += length
    return "".join(out) + f"L{x:.1f} {bottom:.1f}L{x0 - length:.1f} {bottom:.1f}Z"


def pine(x: float, base: float, h: float) -> str:
    w = h * 0.42
    out = rect(x - h * 0.025, base - h * 0.14, h * 0.05, h * 0.15)
    for i, (low, high, spread) in enumerate(((0.10, 0.52, 1.0), (0.34, 0.76, 0.76), (0.58, 1.0, 0.5))):
        del i
        out += polygon(
            [(x - w / 2 * spread, base - h * low), (x, base - h * high), (x + w / 2 * spread, base - h * low)]
        )
    return out


def round_tree(rng: random.Random, x: float, base: float, h: float) -> list[str]:
    """Trunk, then crown."""
    r = h * 0.27
    crown = circle(x, base - h * 0.68, r, r * 1.12)
    for _ in range(3):
        crown += circle(
            x + rng.uniform(-0.55, 0.55) * r, base - h * 0.66 + rng.uniform(-0.6, 0.5) * r, r * rng.uniform(0.6, 0.8)
        )
    trunk = polygon(
        [(x - h * 0.03, base), (x - h * 0.018, base - h * 0.5), (x + h * 0.018, base - h * 0.5), (x + h * 0.03, base)]
    )
    return [trunk, crown]


def palm(x: float, base: float, h: float, lean: float = 0.15) -> list[str]:
    """Trunk, then fronds."""
    tx, ty = x + h * lean, base - h
    trunk = (
        f"M{x - h * 0.03:.1f} {base:.1f}Q{x + h * lean * 0.2:.1f} {base - h * 0.6:.1f} {tx - h * 0.015:.1f} {ty:.1f}"
        f"L{tx + h * 0.015:.1f} {ty:.1f}Q{x + h * lean * 0.2 + h * 0.05:.1f} {base - h * 0.6:.1f} {x + h * 0.03:.1f} {base:.1f}Z"
    )
    fronds = ""
    for angle in (-165, -135, -100, -70, -35, -5):
        a = math.radians(angle)
        ex, ey = tx + math.cos(a) * h * 0.42, ty + math.sin(a) * h * 0.26 + h * 0.10
        mx, my = tx + math.cos(a) * h * 0.24, ty + math.sin(a) * h * 0.34 - h * 0.03
        fronds += (
            f"M{tx:.1f} {ty:.1f}Q{mx:.1f} {my:.1f} {ex:.1f} {ey:.1f}Q{mx:.1f} {my + h * 0.11:.1f} {tx:.1f} {ty:.1f}Z"
        )
    return [trunk, fronds]


def house(x: float, base: float, w: float) -> list[str]:
    """Walls, roof, then openings."""
    h = w * 0.62
    walls = rect(x - w / 2, base - h, w, h)
    roof = polygon([(x - w * 0.6, base - h), (x, base - h - w * 0.46), (x + w * 0.6, base - h)])
    openings = rect(x - w * 0.1, base - h * 0.58, w * 0.2, h * 0.58)
    openings += rect(x - w * 0.38, base - h * 0.72, w * 0.17, w * 0.17) + rect(
        x + w * 0.21, base - h * 0.72, w * 0.17, w * 0.17
    )
    return [walls, roof, openings]


def tower(rng: random.Random, x: float, base: float, w: float, h: float) -> list[str]:
    """A building, then its lit windows."""
    top = rng.choice(("flat", "step", "slant", "mast"))
    body = rect(x, base - h, w, h)
    if top == "step":
        body += rect(x + w * 0.2, base - h - w * 0.3, w * 0.6, w * 0.32)
    elif top == "slant":
        body += polygon([(x, base - h + 1), (x, base - h - w * 0.4), (x + w, base - h + 1)])
    elif top == "mast":
        body += rect(x + w * 0.47, base - h - w * 0.7, w * 0.06, w * 0.72)
    columns, cell = max(2, int(w / max(6.0, w * 0.24))), w * 0.24
    windows = ""
    for row in range(int((h - cell * 0.8) / (cell * 1.15))):
        for column in range(columns):
            if rng.random() < 0.42:
                windows += rect(
                    x + w * 0.1 + column * (w * 0.86 / columns),
                    base - h + cell * 0.6 + row * cell * 1.15,
                    cell * 0.44,
                    cell * 0.5,
                )
    return [body, windows]


def blob(rng: random.Random, cx: float, cy: float, rx: float, ry: float, wobble: float = 0.16, points: int = 9) -> str:
    """A soft irregular disc."""
    ring = []
    for i in range(points):
        a = math.tau * i / points
        k = 1 + rng.uniform(-wobble, wobble)
        ring.append((cx + math.cos(a) * rx * k, cy + math.sin(a) * ry * k))
    return smooth(ring, closed=True)


def leaf(x: float, y: float, length: float, angle: float, width: float = 0.36) -> list[str]:
    """A leaf from its stalk at (x, y) toward `angle` (degrees), then its midrib."""
    a = math.radians(angle)
    ux, uy, px, py = math.cos(a), math.sin(a), -math.sin(a), math.cos(a)
    tip = (x + ux * length, y + uy * length)
    w = length * width
    c1 = (x + ux * length * 0.38 + px * w, y + uy * length * 0.38 + py * w)
    c2 = (x + ux * length * 0.38 - px * w, y + uy * length * 0.38 - py * w)
    body = (
        f"M{x:.1f} {y:.1f}Q{c1[0]:.1f} {c1[1]:.1f} {tip[0]:.1f} {tip[1]:.1f}Q{c2[0]:.1f} {c2[1]:.1f} {x:.1f} {y:.1f}Z"
    )
    return [body, f"M{x:.1f} {y:.1f}L{x + ux * length * 0.86:.1f} {y + uy * length * 0.86:.1f}"]


def flower_head(cx: float, cy: float, r: float, petals: int, turn: float = 0.0) -> list[str]:
    """Petals, then the heart."""
    body = "".join(leaf(cx, cy, r, turn + 360 * i / petals, 0.42)[0] for i in range(petals))
    return [body, circle(cx, cy, r * 0.24)]
