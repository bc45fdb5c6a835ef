"""Fits the panel that grades: `python -m safelight.evals.training DATA.jsonl PAIRS.jsonl`.

The clusters of the data are halved by a hash of their name: the panel is fitted on one half, and its figures are those
on the other, which it never saw. It is fitted on rewriting pairs too, but for those of a group that the other half
touches, and on the project's own examples. Each head draws its own bootstrap of clusters; the labeled prompts that it
left out set its threshold. Where the extra `eval` is installed, heads that read for meaning are fitted on the same
(`meaning_training`). The same data and seed give the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFile
from .curves import auroc, recall_at
from .meaning import embed, has_encoder
from .meaning_training import fit_meaning
from .panel import BUCKETS, Head, MeaningHead, features, load_meaning, load_words, save_meaning, save_panel

__all__ = ["Row", "fit_panel", "halves", "is_fitted", "main", "read_rows"]

_HEADS = 10
_PAIRS = 2  # of a group, whose pairs say much the same
_PENALTY = 0.02  # L2 in units of 1 / rows; chosen on a split of the fitted half
# At which each head's threshold is set, on the clusters that it left out: a grader should rather find too much.
_FALSE_POSITIVES = 0.1


@dataclass(frozen=True)
class Row:
    """One labeled text and the cluster of texts that it must not be split from. `group` is that of a rewriting pair, or
    of the prompts that such pairs were made from. `aside` rows are fitted on and nothing else."""

    text: str
    unsafe: bool
    cluster: str
    group: str = ""
    aside: bool = False
    lang: str = "en"


def read_rows(path: Path) -> list[Row]:
    """The rows of a JSONL file with `prompt`, `label` (unsafe | safe) and `cluster` (or `group`, else the id), or of
    rewriting pairs (`unsafe`, `safe`, `group`), of which the first two of each group are taken.

    Rows of the form `obfuscated` are left out: a picture that says something in code says it to nobody.

    Raises:
        BadFile: a line is neither.
    """
    rows: list[Row] = []
    taken: Counter[str] = Counter()
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                item = json.loads(line)
                if "unsafe" in item:
                    taken[item["group"]] += 1
                if item.get("form") != "obfuscated" and taken[item.get("group")] <= _PAIRS:
                    rows += _parsed(item)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise BadFile(f"{path}, line {number}: not a labeled prompt, and no pair ({error}).") from error
    return rows


def _parsed(item: dict[str, Any]) -> Iterator[Row]:
    if "unsafe" in item:
        group = str(item["group"])
        for unsafe in (True, False):
            yield Row(item["unsafe" if unsafe else "safe"], unsafe, f"pair {group}", group, aside=True)
    else:
        cluster = str(item.get("cluster") or item.get("group") or item["id"])
        unsafe = {"unsafe": True, "safe": False}[item["label"]]
        yield Row(item["prompt"], unsafe, cluster, str(item.get("group") or ""), lang=str(item.get("lang") or "en"))


def own_examples() -> list[Row]:
    """The project's own examples, which the classifier is trained on too."""
    seeds = resources.files(f"{__package__.rpartition('.')[0]}.safety.training") / "seeds.jsonl"
    items = [json.loads(line) for line in seeds.read_text(encoding="utf-8").splitlines()]
    return [
        Row(item["prompt"], bool(item.get("policies")), f"own {number}", aside=True)
        for number, item in enumerate(items)
    ]


def is_fitted(cluster: str) -> bool:
    """Whether the shipped panel may have been fitted to what this cluster says. The classifier's folds know the rule
    too (`safety.training.rows.is_graders`), written twice so that the panel shares no code with what it grades."""
    return bool(hashlib.sha256(f"panel:{cluster}".encode()).digest()[0] % 2)


def halves(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows to fit and the rows to report on. No cluster is in both, and no group of theirs."""
    kept = [row for row in rows if not row.aside and not is_fitted(row.cluster)]
    touched = {row.group for row in kept if row.group}
    fitted = [row for row in rows if (row.group not in touched if row.aside else is_fitted(row.cluster))]
    return fitted, kept


def bootstraps(rows: Sequence[Row], heads: int, seed: int) -> list[NDArray[np.int64]]:
    """How often each head draws each row, (rows,): clusters are drawn whole, with replacement."""
    clusters = sorted({row.cluster for row in rows})
    place = {cluster: index for index, cluster in enumerate(clusters)}
    at = np.array([place[row.cluster] for row in rows], dtype=np.int64)
    return [
        np.bincount(
            np.random.default_rng([seed, number]).integers(len(clusters), size=len(clusters)), minlength=len(clusters)
        )[at]
        for number in range(heads)
    ]


def fit_panel(rows: Sequence[Row], *, heads: int = _HEADS, seed: int = 0) -> list[Head]:
    """`heads` models, each fitted on a bootstrap of the clusters.

    Raises:
        BadFile: there are too few rows of either label to fit anything.
    """
    labels = [row.unsafe for row in rows]
    if min(sum(labels), len(labels) - sum(labels)) < 10:
        raise BadFile("The panel needs at least 10 unsafe and 10 safe prompts to be fitted on.")
    judged = np.array([not row.aside for row in rows])
    matrix, unsafe = _matrix(rows), np.array(labels)
    made = []
    for drawn in bootstraps(rows, heads, seed):
        weights, intercept = _fit(matrix, unsafe, drawn.astype(np.float64))
        out = (drawn == 0) & judged
        logits = matrix[out] @ weights + intercept
        threshold = float(np.quantile(logits[~unsafe[out]], 1 - _FALSE_POSITIVES))
        made.append(Head(weights.astype(np.float32), intercept, threshold))
    return made


def with_meaning(rows: Sequence[Row], words: Sequence[Head], *, seed: int = 0) -> list[MeaningHead]:
    """The heads that read for meaning, beside n-gram heads that were fitted to the same rows by the same seed."""
    matrix = _matrix(rows)
    return fit_meaning(
        embed([row.text for row in rows]),
        np.array([row.unsafe for row in rows]),
        bootstraps(rows, len(words), seed),
        np.array([not row.aside for row in rows]),
        words,
        np.stack([matrix @ head.weights + head.intercept for head in words]),
        lambda line: print(line, file=sys.stderr, flush=True),
    )


def figures(heads: Sequence[Head | MeaningHead], rows: Sequence[Row], *, quorum: int = 6) -> dict[str, Any]:
    """How the panel does on rows that it never saw, by the mean score and by its votes (ties count as violating)."""
    unsafe, foreign = np.array([row.unsafe for row in rows]), np.array([row.lang != "en" for row in rows])
    scores = np.array([[head.score(row.text) for head in heads] for row in rows]).T
    votes = (scores >= np.array([[head.threshold] for head in heads])).sum(axis=0)
    found = len(heads) - votes < quorum
    told: dict[str, Any] = {"split_votes": round(float(((votes > 0) & (votes < len(heads))).mean()), 4)}
    told |= _figures(scores.mean(axis=0), found, unsafe)
    if foreign.any():
        told["not_english"] = _figures(scores.mean(axis=0)[foreign], found[foreign], unsafe[foreign])
    return told


def _figures(score: NDArray[np.float64], found: NDArray[np.bool_], unsafe: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "rows": len(unsafe),
        "unsafe": int(unsafe.sum()),
        "auroc": round(auroc(score, unsafe), 4),
        **{f"recall_at_{percent}_percent": round(recall_at(score, unsafe, percent / 100), 4) for percent in (1, 5, 10)},
        "recall_of_votes": round(float(found[unsafe].mean()), 4),
        "false_positives_of_votes": round(float(found[~unsafe].mean()), 4),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, report, write."""
    parser = argparse.ArgumentParser(prog="python -m safelight.evals.training", description=__doc__)
    parser.add_argument("data", type=Path, nargs="+", help="labeled prompts and rewriting pairs")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("grader.npz"), help="the n-gram heads")
    parser.add_argument("--meaning", type=Path, default=None, help="what reads for meaning beside them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--heads", type=int, default=_HEADS)
    parser.add_argument("--no-seeds", action="store_true", help="leave out the project's own examples")
    given = parser.parse_args(arguments)
    own = [] if given.no_seeds else own_examples()
    fitted, kept = halves([*(row for file in given.data for row in read_rows(file)), *own])
    card: dict[str, Any] = {
        "what": "logistic heads over hashed word and character n-grams, each on a bootstrap of clusters",
        "data": {
            "sha256": [hashlib.sha256(file.read_bytes()).hexdigest() for file in given.data],
            "own_examples": len(own),
            "fitted_rows": len(fitted),
        },
        "seed": given.seed,
    }
    made = fit_panel(fitted, heads=given.heads, seed=given.seed)
    save_panel(given.out, made, card)
    words = load_words(given.out)[0]  # as they are read again, rounded: that is what the figures are of
    save_panel(given.out, made, card := {**card, "unseen": figures(words, kept)})
    print(json.dumps(card, indent=2))
    if given.meaning is not None or has_encoder():
        out = given.meaning or given.out.with_name("meaning.npz")
        card["what"] = "least-squares kernel machines over multilingual sentence embeddings, beside the n-gram heads"
        heads = with_meaning(fitted, words, seed=given.seed)
        save_meaning(out, heads, card)
        save_meaning(out, heads, card := {**card, "unseen": figures(load_meaning(out, words)[0], kept)})
        print(json.dumps(card, indent=2))


def _matrix(rows: Sequence[Row]) -> Any:
    """The rows as a sparse matrix, (rows, BUCKETS), each of norm 1."""
    from scipy.sparse import csr_matrix

    buckets = [features(row.text) for row in rows]
    lengths = np.array([len(each) for each in buckets])
    values = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths)
    columns = np.concatenate(buckets)
    return csr_matrix((values, columns, np.concatenate([[0], np.cumsum(lengths)])), shape=(len(rows), BUCKETS))


def _fit(matrix: Any, unsafe: NDArray[np.bool_], counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Weighted L2-regularized logistic regression by L-BFGS; both labels weigh the same in all.

    Features are scaled by their log-count ratio between the labels (Wang & Manning 2012, "Baselines and Bigrams"),
    which is folded into the weights.
    """
    from scipy.optimize import minimize
    from scipy.sparse import diags

    used = counts > 0
    matrix, counts = matrix[used], counts[used]
    sign = np.where(unsafe[used], 1.0, -1.0)
    ratio = _ratio(matrix, sign > 0, counts)
    matrix = (matrix @ diags(ratio)).tocsr()
    counts = counts * np.where(sign > 0, 0.5 / counts[sign > 0].sum(), 0.5 / counts[sign < 0].sum())
    transposed = matrix.T.tocsr()
    penalty = _PENALTY / len(sign)

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (matrix @ theta[:-1] + theta[-1])
        pull = -sign * counts * np.exp(-np.logaddexp(0, margin))
        value = float(counts @ np.logaddexp(0, -margin) + penalty * theta[:-1] @ theta[:-1] / 2)
        return value, np.append(transposed @ pull + penalty * theta[:-1], pull.sum())

    found = minimize(loss, np.zeros(BUCKETS + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return found.x[:-1] * ratio, float(found.x[-1])


def _ratio(matrix: Any, unsafe: NDArray[np.bool_], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log of how much commoner each feature is among unsafe rows, with add-one smoothing."""
    seen = (matrix > 0).astype(np.float64)
    bad = seen[unsafe].T @ counts[unsafe] + 1
    good = seen[~unsafe].T @ counts[~unsafe] + 1
    ratio: NDArray[np.float64] = np.log((bad / bad.sum()) / (good / good.sum()))
    return ratio


if __name__ == "__main__":
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
    main()
