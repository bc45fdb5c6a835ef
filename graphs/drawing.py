"""Pictures of a graph with its guards in it, drawn here: nothing is sent anywhere.

Drawn from the `Topology` that was proved, so that what is seen is what was proved. Full lines are always taken, dashed
ones on a condition, dotted red ones when a step fails; a bar waits for all of its lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .layout import Layout, Placed, Point, lay_out
from .topology import topology_of
from .verify import END, START, Topology

__all__ = ["draw_mermaid", "draw_png", "draw_svg"]

_FONT = "Noto Sans"
_SIZE = 14.0
# Width of a character in ems, by group; the rest counts as 0.58.
_ADVANCE = {**dict.fromkeys("iljt.,:;'|!f/()[]- r", 0.34), **dict.fromkeys("mwMW@%→", 0.88), "_": 0.5}
_STYLE = {
    "plain": ("#ffffff", "#b9b5ab", "#22252b"),
    "check": ("#e4eefb", "#4578b0", "#1f4166"),
    "review": ("#e3f3e8", "#3b8a5d", "#1c4b31"),
    "effect": ("#b5371f", "#8c2412", "#ffffff"),
    "deliver": ("#fff4d9", "#bd8412", "#5c3f05"),
    "terminal": ("#22252b", "#22252b", "#ffffff"),
    "join": ("#22252b", "#22252b", "#ffffff"),
    "anywhere": ("#fdeceb", "#c0392b", "#8c2412"),
}
_LEGEND = (("check", "check"), ("effect", "effect"), ("review", "review"), ("deliver", "delivery"))


@dataclass(frozen=True)
class _Line:
    source: str
    target: str
    kind: str  # always, maybe, failure


@dataclass(frozen=True)
class _Picture:
    """What is drawn: boxes by id with (kind, label), triples that stand as one block, and lines between boxes."""

    boxes: dict[str, tuple[str, str]]
    blocks: dict[str, tuple[str, str, str]]
    lines: tuple[_Line, ...]


def draw_mermaid(graph: Any) -> str:
    """The graph as Mermaid text: checks and reviews as hexagons, effects as boxes inside a frame with their guards.

    `graph` is a `GuardedGraph`, a compiled one, or a `Topology`.
    """
    picture = _picture(_topology(graph))
    ids = {name: f"n{number}" for number, name in enumerate(picture.boxes)}
    framed = {part for parts in picture.blocks.values() for part in parts}
    out = ["flowchart TD"]
    for parts in picture.blocks.values():
        out.append(f'  subgraph {ids[parts[1]]}_guarded[" "]')
        out += [f"    {ids[part]}{_mermaid_shape(*picture.boxes[part])}" for part in parts]
        out.append("  end")
    out += [f"  {ids[name]}{_mermaid_shape(*box)}" for name, box in picture.boxes.items() if name not in framed]
    for check, effect, review in picture.blocks.values():
        out += [f"  {ids[check]} --> {ids[effect]}", f"  {ids[effect]} --> {ids[review]}"]
    arrow = {"always": "-->", "maybe": "-.->", "failure": "-. fails .->"}
    out += [f"  {ids[line.source]} {arrow[line.kind]} {ids[line.target]}" for line in picture.lines]
    for kind, (fill, stroke, ink) in _STYLE.items():
        out.append(f"  classDef {kind} fill:{fill},stroke:{stroke},color:{ink}")
    return "\n".join(out) + "\n"


def draw_svg(graph: Any) -> str:
    """The graph as an SVG document; its size is in its `width` and `height`, in pixels."""
    topology = _topology(graph)
    picture = _picture(topology)
    inside = {part: name for name, parts in picture.blocks.items() for part in parts}
    sizes = {name: _box_size(*box) for name, box in picture.boxes.items() if name not in inside}
    for name, parts in picture.blocks.items():
        inner = [_box_size(*picture.boxes[part]) for part in parts]
        sizes[name] = (max(width for width, _ in inner) + 24, sum(height for _, height in inner) + 2 * 16 + 20)
    ends = [(inside.get(line.source, line.source), inside.get(line.target, line.target)) for line in picture.lines]
    edges = [(source, target) for source, target in ends if source != target]
    order = {START: sizes.pop(START), **sizes}
    layout = lay_out(order, edges, first=START, last=END)
    body: list[str] = []
    for line, edge in zip(picture.lines, ends, strict=True):
        body.append(_drawn_line(layout, line, edge))
    for name, placed in layout.boxes.items():
        if name in picture.blocks:
            body += _drawn_block(picture, name, placed)
        else:
            body.append(_drawn_box(*picture.boxes[name], placed))
    return _document(layout, body)


def draw_png(graph: Any, path: Path | str, *, scale: float = 2.0) -> Path:
    """Draw the graph into a PNG file, at `scale` pixels a unit; returns the path.

    Raises:
        ConfigError: the renderer or its font is not installed.
    """
    try:
        resvg_py: Any = import_module("resvg_py")
        fontpkg: Any = import_module("fontpkg")
    except ImportError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'safelight[embedded]'") from error
    fonts = [str(file.path) for file in fontpkg.family("noto-sans").files]
    rendered = resvg_py.svg_to_bytes(
        svg_string=draw_svg(graph), zoom=scale, skip_system_fonts=True, font_files=fonts, font_family=_FONT
    )
    path = Path(path)
    path.write_bytes(bytes(rendered))
    return path


def _topology(graph: Any) -> Topology:
    if isinstance(graph, Topology):
        return graph
    found = getattr(graph, "topology", None)
    return found if isinstance(found, Topology) else topology_of(graph)


def _picture(topology: Topology) -> _Picture:
    blocks = {
        f"\1{effect}": (f"{effect}.check", effect, f"{effect}.review")
        for effect in sorted(topology.effects - topology.exposed)
    }
    guards = {name: "check" for groups in topology.checks.values() for group in groups for name in group}
    guards |= {name: "review" for groups in topology.reviews.values() for group in groups for name in group}
    roles = {**guards, **dict.fromkeys(topology.effects, "effect"), **dict.fromkeys(topology.deliveries, "deliver")}
    boxes: dict[str, tuple[str, str]] = {START: ("terminal", "START"), END: ("terminal", "END")}
    boxes |= {name: (roles.get(name, "plain"), name) for name in sorted(topology.nodes)}
    within = {pair for parts in blocks.values() for pair in pairwise(parts)}
    lines = []
    for source, target in sorted(topology.edges - within):
        alone = target == END and len(topology.onward[source]) == 1
        kind = "always" if (source, target) in topology.certain or alone else "maybe"
        lines.append(_Line(source, target, kind))
    lines += [_Line(source, target, "failure") for source, target in sorted(topology.failures)]
    for number, (sources, target) in enumerate(sorted(topology.joins, key=lambda join: (join[1], sorted(join[0])))):
        bar = f"\1join{number}"
        boxes[bar] = ("join", "")
        lines += [_Line(source, bar, "always") for source in sorted(sources)] + [_Line(bar, target, "always")]
    for source in sorted(topology.anywhere):
        boxes["\1anywhere"] = ("anywhere", "anywhere")
        lines.append(_Line(source, "\1anywhere", "maybe"))
    return _Picture(boxes, blocks, tuple(lines))


def _mermaid_shape(kind: str, label: str) -> str:
    text = '"' + escape(label, quote=True).replace("&#x27;", "'") + '"'
    shape = {
        "check": "{{%s}}",
        "review": "{{%s}}",
        "effect": "[%s]",
        "deliver": "[[%s]]",
        "terminal": "([%s])",
        "join": "[%s]",
        "anywhere": "(((%s)))",
    }.get(kind, "(%s)")
    return shape % (text if label else '" "') + f":::{kind}"


def _text_width(text: str) -> float:
    return sum(_ADVANCE.get(letter, 0.58) for letter in text) * _SIZE


def _box_size(kind: str, label: str) -> tuple[float, float]:
    if kind == "join":
        return 56.0, 6.0
    if kind == "terminal":
        return _text_width(label) + 34, 28.0
    return max(_text_width(label) + (44 if kind in {"check", "review"} else 34), 84.0), 34.0


def _drawn_block(picture: _Picture, name: str, placed: Placed) -> list[str]:
    """An effect in a frame between its guards."""
    left, top = placed.x - placed.width / 2, placed.y - placed.height / 2
    out = [
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{placed.width:.1f}" height="{placed.height:.1f}" rx="12" '
        'fill="#f3ece4" stroke="#d8c9b8"/>'
    ]
    y = top + 10
    parts = picture.blocks[name]
    width = placed.width - 24
    for index, part in enumerate(parts):
        height = _box_size(*picture.boxes[part])[1]
        out.append(_drawn_box(*picture.boxes[part], Placed(placed.x, y + height / 2, width, height)))
        y += height
        if index < len(parts) - 1:
            out.append(f'<path d="M{placed.x:.1f},{y:.1f}v10" class="always" marker-end="url(#always)"/>')
            y += 16
    return out


def _drawn_box(kind: str, label: str, at: Placed) -> str:
    fill, stroke, ink = _STYLE[kind]
    left, top, w, h = at.x - at.width / 2, at.y - at.height / 2, at.width, at.height
    paint = f'fill="{fill}" stroke="{stroke}" stroke-width="1.4"'
    if kind in {"check", "review"}:
        shape = (
            f'<path d="M{left + 12:.1f},{top:.1f}h{w - 24:.1f}l12,{h / 2:.1f}l-12,{h / 2:.1f}h{24 - w:.1f}'
            f'l-12,{-h / 2:.1f}z" {paint} stroke-linejoin="round"/>'
        )
    else:
        radius = {"terminal": h / 2, "effect": 4, "join": 3}.get(kind, 9)
        shape = f'<rect x="{left:.1f}" y="{top:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{radius}" {paint}/>'
    if kind == "deliver":
        shape += (
            f'<rect x="{left + 4:.1f}" y="{top + 4:.1f}" width="{w - 8:.1f}" height="{h - 8:.1f}" rx="6" fill="none" '
            f'stroke="{stroke}"/>'
        )
    weight = "600" if kind in {"effect", "terminal"} else "400"
    text = f'<text x="{at.x:.1f}" y="{at.y + 4.8:.1f}" fill="{ink}" font-weight="{weight}">{escape(label)}</text>'
    return shape + (text if label else "")


def _drawn_line(layout: Layout, line: _Line, edge: tuple[str, str]) -> str:
    source, target = layout.boxes[edge[0]], layout.boxes[edge[1]]
    if edge[0] == edge[1]:  # back to the same box: a loop on its right side
        path = f"M{source.x + source.width / 2:.1f},{source.y + 9:.1f}c26,10 26,-28 2,-18"
    elif edge in layout.upward:
        path = _upward(source, target, layout.bends[edge], _freer_side(layout, source, target))
    else:
        start = (source.x, source.y + source.height / 2)
        end = (target.x, target.y - target.height / 2 - 5)
        path = _downward((start, *layout.bends[edge], end))
    # A bar needs no arrowhead.
    marker = "" if line.target.startswith("\1join") else f' marker-end="url(#{line.kind})"'
    return f'<path d="{path}" class="{line.kind}"{marker}/>'


def _downward(points: Sequence[Point]) -> str:
    """A smooth line through the points that is vertical at each of them."""
    out = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (xa, ya), (xb, yb) in pairwise(points):
        bend = (yb - ya) * 0.5
        out += f"L{xb:.1f},{yb:.1f}" if abs(xa - xb) < 0.05 else _cubic((xa, ya + bend), (xb, yb - bend), (xb, yb))
    return out


def _freer_side(layout: Layout, source: Placed, target: Placed) -> int:
    """1 where fewer boxes and lines are in the way to the right of two boxes, -1 for the left."""
    wide = max(source.width, target.width) / 2
    near = [(box.x, box.y) for box in layout.boxes.values()] + [each for line in layout.bends.values() for each in line]
    level = [x - target.x for x, y in near if target.y - target.height / 2 <= y <= source.y + source.height / 2]
    crowd = {side: sum(wide / 2 < x * side < wide + 60 for x in level) for side in (1, -1)}
    return 1 if crowd[1] <= crowd[-1] else -1


def _upward(source: Placed, target: Placed, bends: Sequence[Point], side: int) -> str:
    """A line from the side of one box up to the side of another, near its top, where it is entered."""
    leave, arrive = side, side
    if bends:
        leave, arrive = (1 if bends[0][0] >= source.x else -1), (1 if bends[-1][0] >= target.x else -1)
    x0 = source.x + source.width / 2 * leave
    x1 = target.x + (target.width / 2 + 5) * arrive
    y0, y1 = source.y, target.y - target.height / 2 + min(27.0, target.height / 2)
    out = f"M{x0:.1f},{y0:.1f}"
    if not bends:
        bulge = (max(x0, x1) if side == 1 else min(x0, x1)) + 44 * side
        return out + _cubic((bulge, y0), (bulge, y1), (x1, y1))
    (first, below), (last, above) = bends[0], bends[-1]
    out += _cubic((first, y0), (first, y0), (first, below))
    for (xa, ya), (xb, yb) in pairwise(bends):
        bend = (yb - ya) * 0.5
        out += _cubic((xa, ya + bend), (xb, yb - bend), (xb, yb))
    return out + _cubic((last, y1), (last, y1), (x1, y1)) if above != y1 else out


def _cubic(*points: Point) -> str:
    return "C" + " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _document(layout: Layout, body: Iterable[str]) -> str:
    legend, legend_width = _legend(layout.height)
    width, height = max(layout.width, legend_width), layout.height + 48
    shift = (width - layout.width) / 2
    heads = "".join(
        f'<marker id="{kind}" viewBox="0 0 8 8" refX="3" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0,0.6L7,4L0,7.4z" fill="{color}"/></marker>'
        for kind, color in (("always", "#55524b"), ("maybe", "#55524b"), ("failure", "#c0392b"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}">'
        f"<style>path.always,path.maybe,path.failure{{fill:none;stroke:#55524b;stroke-width:1.5}}"
        "path.maybe{stroke-dasharray:5 4}path.failure{stroke:#c0392b;stroke-dasharray:1.5 3.5}"
        f"text{{font:{_SIZE:.0f}px '{_FONT}',sans-serif;text-anchor:middle}}</style>"
        f"<defs>{heads}</defs><rect width='100%' height='100%' fill='#faf8f4'/>"
        f'<g transform="translate({shift:.1f},0)">{"".join(body)}</g>{legend}</svg>'
    )


def _legend(top: float) -> tuple[str, float]:
    """The key under the picture, and its width."""
    out, x, y = [], 28.0, top + 16
    for kind, label in _LEGEND:
        width = _box_size(kind, label)[0]
        out.append(_drawn_box(kind, label, Placed(x + width / 2, y, width, 26)))
        x += width + 14
    for kind, label in (("always", "always"), ("maybe", "on a condition"), ("failure", "on failure")):
        out.append(f'<path d="M{x:.1f},{y:.1f}h26" class="{kind}" marker-end="url(#{kind})"/>')
        width = _text_width(label)
        out.append(f'<text x="{x + 38 + width / 2:.1f}" y="{y + 4.8:.1f}" fill="#55524b">{label}</text>')
        x += 38 + width + 18
    return "".join(out), x + 10
