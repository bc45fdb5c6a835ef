"""Prompts that neither the classifier nor the grader was fitted to: what an honest table is made on.

    python -m safelight.safety.training evaluate DATA.jsonl … --measured measured.npz
    python -m safelight.evals.held_out DATA.jsonl --out held-out.jsonl
    safelight eval table --input held-out.jsonl --weights measured.npz --out evaluation

The shipped weights saw every cluster; the measured ones saw nothing of one fold, which holds none of the half of the
clusters that the embedded grader was fitted on (`safety.training.rows.fold_of`).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import BadFile
from ..safety.training.fit import MEASURED_FOLD
from ..safety.training.rows import fold_of
from ..safety.training.thresholds import PLAIN

__all__ = ["held_out", "main"]

_SKIPPED = ("doc", "text")  # pages and messages: nobody asks for a picture with them


def held_out(rows: Sequence[dict[str, Any]], *, everyday: bool = False) -> Iterator[dict[str, Any]]:
    """The rows of the measured fold, to which the grader was not fitted either, as cases; with `everyday`, of safe
    prompts that are no near misses only those that people asked an image model for, and captions."""
    for row in rows:
        cluster = str(row["cluster"])
        if fold_of(cluster) != MEASURED_FOLD or row.get("form") in _SKIPPED:
            continue
        unsafe = row["label"] == "unsafe"
        if everyday and not (unsafe or row.get("near") or (row["source"] in PLAIN and row.get("tier") == "core")):
            continue
        yield {
            "id": row["id"], "prompt": row["prompt"], "label": row["label"], "lang": row.get("lang", "en"),
            "category": row["category"] if unsafe else "benign", "near": "" if unsafe else row.get("near") or "",
        }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="python -m safelight.evals.held_out", description="Prompts that nobody saw.")
    parser.add_argument("data", type=Path, nargs="+", help="labeled prompts with clusters, JSON lines")
    parser.add_argument("--everyday", action="store_true", help="of plain safe prompts only requests and captions")
    parser.add_argument("--near", type=int, default=None, help="at most so many near misses")
    parser.add_argument("--out", type=Path, default=Path("held-out.jsonl"))
    given = parser.parse_args(arguments)
    try:
        rows = [
            json.loads(line) for file in given.data for line in file.read_text(encoding="utf-8").splitlines() if line
        ]
        cases = list(held_out(rows, everyday=given.everyday))
    except (ValueError, KeyError, TypeError) as error:
        raise BadFile(f"{', '.join(map(str, given.data))}: not labeled prompts with clusters ({error!r}).") from error
    random.Random(MEASURED_FOLD).shuffle(cases)  # noqa: S311 (reproducible, and no secret)
    near = set([case["id"] for case in cases if case["near"]][: given.near])
    cases = [case for case in cases if not case["near"] or case["id"] in near]
    given.out.write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases), encoding="utf-8")
    print(f"{len(cases)} prompts, {sum(case['label'] == 'unsafe' for case in cases)} unsafe, in {given.out}")


if __name__ == "__main__":
    main()
