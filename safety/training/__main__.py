"""`python -m safelight.safety.training DATA.jsonl … --out classifier.npz`, and `… evaluate DATA.jsonl …`.

Training is deterministic from the data, the seeds shipped beside this file, and the encoders' versions. Embeddings are
cached (`--cache`), since they cost about 0.1 s of CPU a prompt.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SafelightError
from .evaluate import report
from .fit import MEASURED_FOLD, Logits, cross_validated, embedded, fitted
from .rows import Row, read_rows, reading

__all__ = ["main"]

Array = NDArray[np.float32]

_SEEDS = Path(str(resources.files(__package__) / "seeds.jsonl"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 1 with one line on standard error."""
    parser = argparse.ArgumentParser(prog="python -m safelight.safety.training", description=__doc__)
    parser.add_argument("words", nargs="+", metavar="[evaluate] DATA.jsonl", help="labeled prompts and rewriting pairs")
    parser.add_argument("--out", type=Path, default=None, help="where to write the weights (npz)")
    parser.add_argument("--figures", type=Path, default=None, help="where to write the figures (json)")
    parser.add_argument("--cache", type=Path, default=None, help="where embeddings are kept (npz)")
    parser.add_argument("--pairs", type=int, default=2, help="rewriting pairs to take of each group (default 2)")
    parser.add_argument(
        "--measured", type=Path, default=None,
        help="where to write weights that saw nothing of fold 0: to be measured on it, never to be shipped",
    )  # fmt: skip
    parser.add_argument("--no-seeds", action="store_true", help="leave out the project's own examples")
    parser.add_argument("--sources", action="store_true", help="evaluate: leave each source out in turn too (slow)")
    given = parser.parse_args(arguments)
    evaluate = given.words[0] == "evaluate"
    files = [Path(word) for word in given.words[evaluate:]]
    try:
        rows = read_rows(files, seeds=None if given.no_seeds else _SEEDS, pairs=given.pairs)
        features = _features(rows, given.cache)
        logits = cross_validated(rows, features, _say)
        if given.measured:
            _save(logits.heads[MEASURED_FOLD], given.measured)
        if not evaluate:
            _write(rows, features, logits, given.out or Path("classifier.npz"))
        if evaluate or given.figures:
            report(rows, features, logits, _say, out=given.figures, sources=given.sources)
    except (SafelightError, OSError) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


def _write(rows: list[Row], features: Array, logits: Logits, out: Path) -> None:
    _save(fitted(rows, features, logits, _say), out)
    _say(f"{out}: {out.stat().st_size / 1e6:.1f} MB from {len(rows)} rows")


def _save(arrays: dict[str, NDArray[Any]], out: Path) -> None:
    with out.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _features(rows: list[Row], cache: Path | None) -> Array:
    return embedded([reading(row.prompt) for row in rows], cache, _say)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
