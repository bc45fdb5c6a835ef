"""Prompts that neither the classifier nor the grader was fitted to: what an honest table is made on.

    python -m safelight.safety.training evaluate DATA.jsonl … --measured measured.npz
    python -m safelight.evals.held_out DATA.jsonl --out held-out.jsonl
    safelight eval table --input held-out.jsonl --weights measured.npz --out evaluation

The shipped weights saw every cluster; the measured ones saw nothing of one fold, and the embedded grader was fitted on
the other half of the clusters (`evals.training.halves`).
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
from .training import is_fitted

__all__ = ["held_out", "main"]

_SKIPPED = ("doc", "text")  # pages and messages: nobody asks for a picture with them


def held_out(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of the measured fold that the grader was not fitted to either, as cases."""
    for row in rows:
        cluster = str(row["cluster"])
        if fold_of(cluster) != MEASURED_FOLD or is_fitted(cluster) or row.get("form") in _SKIPPED:
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
    parser.add_argument("--out", type=Path, default=Path("held-out.jsonl"))
    given = parser.parse_args(arguments)
    try:
        rows = [
            json.loads(line) for file in given.data for line in file.read_text(encoding="utf-8").splitlines() if line
        ]
        cases = list(held_out(rows))
    except (ValueError, KeyError, TypeError) as error:
        raise BadFile(f"{', '.join(map(str, given.data))}: not labeled prompts with clusters ({error!r}).") from error
    random.Random(MEASURED_FOLD).shuffle(cases)  # noqa: S311 (reproducible, and no secret)
    given.out.write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases), encoding="utf-8")
    print(f"{len(cases)} prompts, {sum(case['label'] == 'unsafe' for case in cases)} unsafe, in {given.out}")


if __name__ == "__main__":
    main()
