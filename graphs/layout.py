"""A layered layout for small directed graphs.

Sugiyama's method: cycles broken depth first, layers by longest path, long edges through bend points, crossings reduced
by barycenters (Sugiyama, Tagawa & Toda 1981), coordinates by least squares under minimal distances (pool adjacent
violators). Deterministic: the same graph gives the same picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Layout", "Placed", "lay_out"]

Edge = tuple[str, str]
Point = tuple[float, float]

_SWEEPS = 24
_SMOOTHINGS = 120
_FAR = 1e9
_BEND_WIDTH = 14.0


@dataclass(frozen=True)
class Placed:
    """A box: its center and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Where everything is, in pixels, y downwards.

    `bends` are the points that an edge must pass between its boxes, from its source on; empty for neighboring rows.
    `upward` holds the edges that run against the direction of the rest.
    """

    width: float
    height: float
    boxes: Mapping[str, Placed]
    bends: Mapping[Edge, tuple[Point, ...]]
    upward: frozenset[Edge]


def lay_out(
    sizes: Mapping[str, tuple[float, float]],
    edges: Sequence[Edge],
    *,
    first: str,
    last: str,
    gap: tuple[float, float] = (34.0, 46.0),
    margin: float = 28.0,
) -> Layout:
    """Place boxes of these sizes (width, height) so that edges run downwards, from `first` on top to `last`.

    `gap` is the least distance between boxes (across, down). Edges that close a cycle run upwards.
    """
    forward, turned = _without_cycles(list(sizes), edges, first)
    layer = _layers(list(sizes), forward, last)
    chains, bends = _chains(forward, layer)
    widths = {name: width for name, (width, _) in sizes.items()} | dict.fromkeys(bends, _BEND_WIDTH)
    links = [link for chain in chains.values() for link in pairwise(chain)]
    rows = _ordered(layer | bends, links)
    x = _across(rows, links, widths, gap[0])
    _straighten(x, chains.values(), rows, widths, gap[0])
    left = min(x[name] - widths[name] / 2 for name in x) - margin
    x = {name: value - left for name, value in x.items()}
    bands, height = _down(rows, sizes, gap[1], margin)
    boxes = {name: Placed(x[name], sum(bands[layer[name]]) / 2, *size) for name, size in sizes.items()}
    passed: dict[Edge, tuple[Point, ...]] = {}
    for edge in dict.fromkeys(edges):
        inner = chains[(edge[1], edge[0]) if edge in turned else edge][1:-1]
        points = [(x[name], y) for name in inner for y in bands[bends[name]]]
        passed[edge] = tuple(reversed(points)) if edge in turned else tuple(points)
    width = max(x[name] + widths[name] / 2 for name in x) + margin
    return Layout(width, height, boxes, passed, frozenset(turned))


def _without_cycles(nodes: list[str], edges: Sequence[Edge], first: str) -> tuple[list[Edge], set[Edge]]:
    """The edges with those that close a cycle turned round, and the set of those. An edge to itself is left out."""
    out: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in dict.fromkeys(edges):
        out[source].append(target)
    state: dict[str, int] = {}
    turned: set[Edge] = set()
    for root in (first, *nodes):
        stack = [(root, iter(out[root]))] if root not in state else []
        state.setdefault(root, 1)
        while stack:
            node, targets = stack[-1]
            target = next(targets, "")
            if not target:
                state[node] = 2
                stack.pop()
            elif state.get(target) == 1:
                turned.add((node, target))
            elif target not in state:
                state[target] = 1
                stack.append((target, iter(out[target])))
    forward = [(b, a) if (a, b) in turned else (a, b) for a, b in dict.fromkeys(edges)]
    return list(dict.fromkeys(forward)), turned


def _layers(nodes: list[str], edges: list[Edge], last: str) -> dict[str, int]:
    """Longest path from the sources; then everything as far down as its successors allow stays, `last` is lowest."""
    into: dict[str, list[str]] = {node: [] for node in nodes}
    out: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in edges:
        into[target].append(source)
        out[source].append(target)
    layer = dict.fromkeys(nodes, 0)
    waiting = {node: len(into[node]) for node in nodes}
    queue = [node for node in nodes if not waiting[node]]
    for node in queue:
        for target in out[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                queue.append(target)
    for node in reversed(queue):  # sources that are needed late come late: shorter lines
        if out[node] and not into[node] and node != queue[0]:
            layer[node] = min(layer[target] for target in out[node]) - 1
    layer[last] = max(layer[last], *(layer[node] + (node != last) for node in nodes))
    return layer


def _chains(edges: list[Edge], layer: dict[str, int]) -> tuple[dict[Edge, list[str]], dict[str, int]]:
    """Each edge as a chain of boxes and bend points, one a layer; and the layers of the bend points."""
    chains: dict[Edge, list[str]] = {}
    bends: dict[str, int] = {}
    for source, target in edges:
        between = [f"\0{source}\0{target}\0{number}" for number in range(layer[source] + 1, layer[target])]
        bends |= {name: layer[source] + 1 + step for step, name in enumerate(between)}
        chains[source, target] = [source, *between, target]
    return chains, bends


def _ordered(layer: Mapping[str, int], links: list[Edge]) -> list[list[str]]:
    """Rows, each ordered so that few lines cross."""
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for name in layer:
        rows[layer[name]].append(name)
    above: dict[str, list[str]] = {name: [] for name in layer}
    below: dict[str, list[str]] = {name: [] for name in layer}
    for source, target in links:
        above[target].append(source)
        below[source].append(target)
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            near = above if downwards else below
            place = {name: index for other in rows for index, name in enumerate(other)}
            row.sort(key=lambda name: _mean([place[each] for each in near[name]], place[name]))
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _crossings(rows: list[list[str]], below: Mapping[str, list[str]]) -> int:
    count = 0
    for upper, lower in pairwise(rows):
        place = {name: index for index, name in enumerate(lower)}
        ends = [sorted(place[target] for target in below[name]) for name in upper]
        flat = [end for each in ends for end in each]
        count += sum(a > b for index, a in enumerate(flat) for b in flat[index + 1 :])
    return count


def _across(rows: list[list[str]], links: list[Edge], widths: Mapping[str, float], gap: float) -> dict[str, float]:
    """Centers along x: as near to the mean of the neighbors as the least distances allow."""
    near: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for source, target in links:
        # Bend points pull hard on each other, so that long lines run straight.
        weight = 4 if source.startswith("\0") and target.startswith("\0") else 1
        near[source] += [target] * weight
        near[target] += [source] * weight
    x: dict[str, float] = {}
    for row in rows:
        for index, name in enumerate(row):
            x[name] = 0.0 if index == 0 else x[row[index - 1]] + _apart(row[index - 1], name, widths, gap)
        middle = (x[row[0]] + x[row[-1]]) / 2 if row else 0.0
        x |= {name: x[name] - middle for name in row}
    for sweep in range(_SMOOTHINGS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [_mean([x[each] for each in near[name]], x[name]) for name in row]
            x |= dict(zip(row, _spread(row, wanted, widths, gap), strict=True))
    return x


def _straighten(
    x: dict[str, float], chains: Iterable[list[str]], rows: list[list[str]], widths: Mapping[str, float], gap: float
) -> None:
    """Move the bend points of each long line onto as few verticals as their neighbors leave room for."""
    beside = {name: (row, index) for row in rows for index, name in enumerate(row)}

    def room(name: str) -> tuple[float, float]:
        row, index = beside[name]
        low = x[row[index - 1]] + _apart(row[index - 1], name, widths, gap) if index else -_FAR
        high = x[row[index + 1]] - _apart(name, row[index + 1], widths, gap) if index + 1 < len(row) else _FAR
        return low, high

    for chain in sorted(chains, key=len, reverse=True):
        run: list[str] = []
        low, high = -_FAR, _FAR
        for name in [*chain[1:-1], None]:
            lower, higher = room(name) if name is not None else (_FAR, -_FAR)
            if max(low, lower) <= min(high, higher):
                run.append(name or "")
                low, high = max(low, lower), min(high, higher)
                continue
            if run:
                middle = sum(x[each] for each in run) / len(run)
                x |= dict.fromkeys(run, min(max(middle, low), high))
            run, low, high = [name or ""], lower, higher


def _spread(row: list[str], wanted: list[float], widths: Mapping[str, float], gap: float) -> list[float]:
    """The positions nearest to those wanted (least squares) at which neighbors keep their distance."""
    offset = [0.0]
    for before, name in pairwise(row):
        offset.append(offset[-1] + _apart(before, name, widths, gap))
    blocks: list[tuple[float, int]] = []  # mean of the block, number of members
    for target, shift in zip(wanted, offset, strict=True):
        mean, count = target - shift, 1
        while blocks and blocks[-1][0] > mean:
            other, members = blocks.pop()
            mean, count = (mean * count + other * members) / (count + members), count + members
        blocks.append((mean, count))
    flat = [mean for mean, count in blocks for _ in range(count)]
    return [mean + shift for mean, shift in zip(flat, offset, strict=True)]


def _apart(left: str, right: str, widths: Mapping[str, float], gap: float) -> float:
    between = gap / 2 if left.startswith("\0") or right.startswith("\0") else gap
    return (widths[left] + widths[right]) / 2 + between


def _down(
    rows: list[list[str]], sizes: Mapping[str, tuple[float, float]], gap: float, margin: float
) -> tuple[list[tuple[float, float]], float]:
    """Top and bottom of each row, and the height of the whole."""
    bands = []
    top = margin
    for row in rows:
        tallest = max((sizes[name][1] for name in row if name in sizes), default=0.0)
        bands.append((top, top + tallest))
        top += tallest + gap
    return bands, top - gap + margin


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
