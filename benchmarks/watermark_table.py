"""What the watermark benchmark measures of one image under one system, and the tables and plots that it becomes."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from watermark_peers import System

__all__ = ["Cell", "Row", "load", "measure", "plot", "report", "summarize"]

KINDS = {"photo": "photographs", "graphic": "graphics"}


@dataclass(frozen=True)
class Cell:
    """One reading: the share of bits that is right, whether the mark counts as found, and the processor's seconds."""

    bits: float
    is_detected: bool
    seconds: float


@dataclass(frozen=True)
class Row:
    """One image under one system. `color` is CIEDE2000 (mean, what a hundredth of the pixels exceed), `flip` the mean
    of NVIDIA's FLIP (0..1, at 67 pixels a degree); NaN where the library is not installed. Seconds of the processor."""

    system: str
    image: str
    kind: str
    psnr: float
    ssim: float
    color: tuple[float, float]
    flip: float
    seconds: float
    cells: dict[str, Cell]

    @property
    def lost(self) -> list[str]:
        """The attacks after which not all bits are right."""
        return [attack for attack, cell in self.cells.items() if cell.bits < 1]


def measure(
    system: System, name: str, image: Image.Image, number: int, attacks: Mapping[str, Callable[[Image.Image], Any]]
) -> Row:
    """Mark the image, and read it after every attack."""
    started = time.process_time()
    marked, said = system.mark(image, number)
    marking = time.process_time() - started
    cells = {}
    for attack, change in attacks.items():
        seen = change(marked)
        started = time.process_time()
        found = system.read(seen, said)
        cells[attack] = Cell(found.bits, found.is_detected, time.process_time() - started)
    return Row(
        system=system.name,
        image=name,
        kind=name.split(maxsplit=1)[0].strip(","),
        psnr=psnr(image, marked),
        ssim=ssim(image, marked),
        color=color_difference(image, marked),
        flip=flip(image, marked),
        seconds=marking,
        cells=cells,
    )


def load(path: Path) -> Iterator[Row]:
    """The rows that a run left behind, a JSON object a line; the last one may be cut off."""
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            said = json.loads(line)
        except json.JSONDecodeError:
            continue
        cells = {attack: Cell(**cell) for attack, cell in said.pop("cells").items()}
        yield Row(**said | {"color": tuple(said["color"])}, cells=cells)


def save(path: Path, row: Row) -> None:
    """Add the row, so that it is there after a crash."""
    with path.open("a") as file:
        file.write(json.dumps(asdict(row)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def psnr(before: Image.Image, after: Image.Image) -> float:
    error = np.mean((np.asarray(before, np.float64) - np.asarray(after, np.float64)) ** 2)
    return 99.0 if error == 0 else float(10 * math.log10(255**2 / error))


def ssim(before: Image.Image, after: Image.Image) -> float:
    """Of luma."""
    try:
        from skimage.metrics import structural_similarity
    except ImportError:
        return float("nan")
    one, other = (np.asarray(each.convert("L"), np.float64) for each in (before, after))
    return float(structural_similarity(one, other, data_range=255))


def color_difference(before: Image.Image, after: Image.Image) -> tuple[float, float]:
    """CIEDE2000: the mean, and what a hundredth of the pixels exceed."""
    try:
        from skimage.color import deltaE_ciede2000, rgb2lab
    except ImportError:
        return float("nan"), float("nan")
    difference = deltaE_ciede2000(*(rgb2lab(np.asarray(each)) for each in (before, after)))
    return float(difference.mean()), float(np.quantile(difference, 0.99))


def flip(before: Image.Image, after: Image.Image) -> float:
    """Andersson et al., "FLIP: a difference evaluator for alternating images" (2020): how much is seen when the two are
    flipped back and forth, which a network that was trained on patches (LPIPS) does not ask."""
    try:
        import flip_evaluator
    except ImportError:
        return float("nan")
    one, other = (np.asarray(each.convert("RGB"), np.float32) / 255 for each in (before, after))
    return float(flip_evaluator.evaluate(one, other, "LDR", applyMagma=False)[1])


def summarize(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The means of each system and kind of image."""
    found = []
    for system, kind, of in _groups(rows):
        cells = [cell for row in of for cell in row.cells.values()]
        found.append(
            {
                "system": system,
                "kind": kind,
                "images": len(of),
                "psnr": float(np.mean([row.psnr for row in of])),
                "psnr, lowest": min(row.psnr for row in of),
                "ssim": float(np.mean([row.ssim for row in of])),
                "CIEDE2000": float(np.mean([row.color[0] for row in of])),
                "CIEDE2000, 99 %": float(np.mean([row.color[1] for row in of])),
                "FLIP": float(np.mean([row.flip for row in of])),
                "cells": len(cells),
                "read": sum(cell.bits == 1 for cell in cells),
                "detected": float(np.mean([cell.is_detected for cell in cells])),
                "bits": float(np.mean([cell.bits for cell in cells])),
                "mark, ms": float(np.median([row.seconds for row in of]) * 1e3),
                "read, ms": float(np.median([cell.seconds for cell in cells]) * 1e3),
                "read, ms, 95 %": float(np.percentile([cell.seconds for cell in cells], 95) * 1e3),
                "attacks": {attack: _of_attack(of, attack) for attack in of[0].cells},
            }
        )
    return found


def report(rows: Iterable[Row]) -> str:
    """Two Markdown tables: the means, and the attacks one by one."""
    groups = summarize(rows)
    lines = [
        "| system | kind | images | PSNR (lowest) | SSIM | CIEDE2000 (99 %) | FLIP | read | detected | bits "
        "| mark, CPU ms | read (95 %) |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each['system']} | {each['kind']} | {each['images']} | {each['psnr']:.1f} ({each['psnr, lowest']:.1f}) "
        f"| {each['ssim']:.4f} | {each['CIEDE2000']:.1f} ({each['CIEDE2000, 99 %']:.1f}) | {each['FLIP']:.3f} "
        f"| {each['read']}/{each['cells']} ({each['read'] / each['cells']:.1%}) | {each['detected']:.1%} "
        f"| {each['bits']:.3f} | {each['mark, ms']:.0f} | {each['read, ms']:.0f} ({each['read, ms, 95 %']:.0f}) |"
        for each in groups
    ]
    lines += [
        "",
        "Bits right / detected:",
        "",
        "| attack | " + " | ".join(f"{each['system']}: {each['kind']}" for each in groups) + " |",
        "|---|" + "---|" * len(groups),
    ]
    for attack in dict.fromkeys(attack for each in groups for attack in each["attacks"]):
        of = [each["attacks"].get(attack) for each in groups]
        said = [f"{found['bits']:.2f} / {found['detected']:.0%}" if found else "" for found in of]
        lines.append(f"| {attack} | {' | '.join(said)} |")
    return "\n".join(lines)


def plot(rows: Iterable[Row], path: Path) -> None:
    """How often each system's mark is found after each attack, photographs over graphics."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "safelight"  # the same picture, the same file
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text
    mpl.rcParams["figure.facecolor"] = "white"
    from matplotlib import pyplot

    groups = summarize(rows)
    attacks = list(dict.fromkeys(attack for each in groups for attack in each["attacks"]))
    systems = list(dict.fromkeys(each["system"] for each in groups))
    shares = np.full((len(systems) * len(KINDS), len(attacks)), np.nan)
    labels = [f"{system}: {named}" for named in KINDS.values() for system in systems]
    for each in groups:
        place = list(KINDS).index(each["kind"]) * len(systems) + systems.index(each["system"])
        labels[place] = f"{each['system']}: {each['images']} {KINDS[each['kind']]}".replace(": 1 ", ": 1 of the ")
        for attack, found in each["attacks"].items():
            shares[place, attacks.index(attack)] = found["detected"]
    figure, axes = pyplot.subplots(figsize=(4 + 0.28 * len(attacks), 2.4 + 0.3 * len(shares)))
    axes.pcolormesh(shares[::-1], cmap="Blues", vmin=0, vmax=1, edgecolors="#bbbbbb", linewidth=0.8)
    axes.set_yticks(np.arange(len(shares)) + 0.5, labels[::-1], fontsize=9)
    axes.set_xticks(np.arange(len(attacks)) + 0.5, attacks, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    axes.tick_params(length=0)
    axes.set_frame_on(False)
    for row, of in enumerate(shares[::-1]):
        for column, share in enumerate(of):
            if 0 < share < 1:
                axes.text(
                    column + 0.5,
                    row + 0.5,
                    f"{share:.0%}"[:-1],
                    ha="center",
                    va="center",
                    fontsize=6.5,
                    color="white" if share > 0.6 else "black",
                )
    axes.set_title(
        "Marks found after each attack, at one false alarm in a million: dark all, white none, else %", fontsize=10
    )
    figure.tight_layout()
    figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)


def _groups(rows: Iterable[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    every = list(rows)
    for system in dict.fromkeys(row.system for row in every):  # in the order in which they were given
        for kind in KINDS:
            if of := [row for row in every if (row.system, row.kind) == (system, kind)]:
                yield system, kind, of


def _of_attack(rows: list[Row], attack: str) -> dict[str, float]:
    cells = [row.cells[attack] for row in rows]
    return {
        "bits": float(np.mean([cell.bits for cell in cells])),
        "detected": float(np.mean([cell.is_detected for cell in cells])),
    }
