"""Prompts that neither the classifier nor the grader was fitted to: what an honest table is made on.

    python -m safelight.safety.training DATA.jsonl … --without-fold 0 --out measured.npz
    python -m safelight.evals.held_out DATA.jsonl --fold 0 --out held-out.jsonl
    safelight eval table --input held-out.jsonl --weights measured.npz --out evaluation

The shipped weights saw every cluster; weights made `--without-fold` saw none of that fold, and the embedded grader was
fitted on the other half of the clusters (`evals.training.halves`).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import BadFile
from ..safety.training.rows import FOLDS, fold_of
from .training import is_fitted

__all__ = ["held_out", "main"]

_SKIPPED = ("doc", "text")  # pages and messages: nobody asks for a picture with them


def held_out(rows: Sequence[dict[str, Any]], fold: int) -> Iterator[dict[str, Any]]:
    """The cases, in an order of their own, so that the first so many are a fair sample."""
    for row in rows:
        cluster = str(row["cluster"])
        if fold_of(cluster) != fold or is_fitted(cluster) or row.get("form") in _SKIPPED:
            continue
        unsafe = row["label"] == "unsafe"
        yield {
            "id": row["id"], "prompt": row["prompt"], "label": row["label"], "lang": row.get("lang", "en"),
            "category": row["category"] if unsafe else "benign", "near": "" if unsafe else row.get("near") or "",
        }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="python -m safelight.evals.held_out", description="Prompts that nobody saw.")
    parser.add_argument("data", type=Path, nargs="+", help="labeled prompts with clusters, JSON lines")
    parser.add_argument("--fold", type=int, choices=range(FOLDS), default=0)
    parser.add_argument("--out", type=Path, default=Path("held-out.jsonl"))
    given = parser.parse_args(arguments)
    try:
        rows = [
            json.loads(line) for file in given.data for line in file.read_text(encoding="utf-8").splitlines() if line
        ]
        cases = list(held_out(rows, given.fold))
    except (ValueError, KeyError, TypeError) as error:
        raise BadFile(f"{', '.join(map(str, given.data))}: not labeled prompts with clusters ({error!r}).") from error
    random.Random(given.fold).shuffle(cases)  # noqa: S311 (reproducible, and no secret)
    given.out.write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases), encoding="utf-8")
    print(f"{len(cases)} prompts, {sum(case['label'] == 'unsafe' for case in cases)} unsafe, in {given.out}")


if __name__ == "__main__":
    main()
