"""Labeled prompts as the training script reads them, and the folds they are held out in."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadFile
from ..moderators.normalize import forms

__all__ = ["FOLDS", "POLICIES", "Row", "fold_of", "folds", "is_graders", "read_rows", "reading", "targets"]

FOLDS = 5
POLICIES = (
    "injection", "sexual_minors", "sexual", "violence_graphic", "self_harm", "hate", "extremism", "harassment",
    "illicit_weapons", "bio_chem", "illegal_acts", "deception_deepfake", "privacy", "ip_style", "shocking",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One labeled prompt. `policies` is empty where it is safe; rows with a common `cluster` (or `group`, of a
    rewriting pair) say the same thing and must never be split; `weight` says how much the label is trusted."""

    prompt: str
    policies: tuple[str, ...]
    source: str
    cluster: str
    group: str = ""
    form: str = ""
    lang: str = "en"
    near: str = ""
    tier: str = "core"
    weight: float = 1.0
    held_out: bool = True

    @property
    def unsafe(self) -> bool:
        return bool(self.policies)


def read_rows(files: Iterable[Path], *, seeds: Path | None = None, pairs: int = 2) -> list[Row]:
    """All rows, in order; of the rewriting pairs of one group, which say much the same, the first `pairs`.

    A line is a labeled prompt (`prompt`, `label`, `category`, …) or a rewriting pair (`unsafe`, `safe`, `category`,
    `group`): pairs and seeds are trained on, never evaluated on.

    Raises:
        BadFile: a line is neither; the message names it.
    """
    rows: list[Row] = []
    taken: Counter[str] = Counter()
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            try:
                entry = json.loads(line)
                if "unsafe" in entry:
                    taken[entry["group"]] += 1
                    if taken[entry["group"]] > pairs:
                        continue
                rows += _parse(entry)
            except (ValueError, KeyError, TypeError) as error:
                raise BadFile(f"{file}:{number} is neither a labeled prompt nor a pair ({error!r})") from error
    known = {row.prompt for row in rows if row.held_out}
    rows = [row for row in rows if row.held_out or row.prompt not in known]
    if seeds is not None:
        for line in seeds.read_text(encoding="utf-8").splitlines():
            rows += [_seed(json.loads(line))]
    return list({(row.prompt, row.unsafe): row for row in rows}.values())


def _parse(entry: dict[str, Any]) -> list[Row]:
    if "unsafe" in entry:
        common = {"source": entry["source"], "cluster": "", "group": entry["group"], "weight": 0.5, "held_out": False}
        near = entry["category"]
        return [
            Row(entry["unsafe"], (near,), form="t2i", **common),
            Row(entry["safe"], (), form="t2i", near=near, **common),
        ]
    unsafe = entry["label"] == "unsafe"
    return [
        Row(
            prompt=entry["prompt"],
            policies=(entry["category"],) if unsafe else (),
            source=entry["source"],
            cluster=entry["cluster"],
            group=entry.get("group", ""),
            form=entry.get("form", ""),
            lang=entry.get("lang", "en"),
            near=entry.get("near", ""),
            tier=entry.get("tier", "core"),
            weight=1.0 if entry.get("tier", "core") == "core" else 0.7,
        )
    ]


def _seed(entry: dict[str, Any]) -> Row:
    policies = tuple(entry.get("policies", ()))
    near = entry.get("near", "")
    return Row(entry["prompt"], policies, "seeds", "seeds", lang=entry.get("lang", "en"), near=near, held_out=False)


@cache
def reading(text: str) -> str:
    """The form of a prompt that is trained on: with all that hides it undone."""
    return max(forms(text), key=lambda form: len(form.steps)).text


def targets(rows: Sequence[Row]) -> NDArray[np.float32]:
    """(n, 1 + policies): any policy at all, then each."""
    each = [[float(name in row.policies) for name in POLICIES] for row in rows]
    return np.array([[float(row.unsafe), *flags] for row, flags in zip(rows, each, strict=True)], np.float32)


def is_graders(cluster: str) -> bool:
    """Whether the evaluations' embedded grader (`evals.training`) may have been fitted to what this cluster says."""
    return bool(hashlib.sha256(f"panel:{cluster}".encode()).digest()[0] % 2)


def fold_of(cluster: str) -> int:
    """The fold, 0 to `FOLDS` - 1, that a cluster is held out in; each holds out a fifth.

    Fold 0 takes none of the grader's clusters: what it holds out was seen by neither, and a table can be made on it.
    """
    draw = zlib.crc32(cluster.encode())
    if not is_graders(cluster) and draw % 5 < 2:
        return 0
    return 1 + draw // 5 % (FOLDS - 1)


def folds(rows: Sequence[Row]) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """(training, held out) masks: clusters stay whole, and a pair's group goes where any prompt of it went."""
    of = np.array([fold_of(row.cluster) for row in rows])
    touching: dict[str, set[int]] = defaultdict(set)
    for row, fold in zip(rows, of, strict=True):
        if row.held_out and row.group:
            touching[row.group].add(int(fold))
    out = []
    for fold in range(FOLDS):
        held = np.array([row.held_out and own == fold for row, own in zip(rows, of, strict=True)])
        tainted = np.array([not row.held_out and fold in touching.get(row.group, ()) for row in rows])
        out.append((~held & ~tainted, held))
    return out
