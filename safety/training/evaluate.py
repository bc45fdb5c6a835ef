"""How good the prompt classifier is on prompts that it has not seen: by fold, by source, by what hides it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..moderators.normalize import forms
from . import linear
from .fit import Logits, held_back
from .metrics import auroc, calibration_error, recall_at
from .obfuscate import OBFUSCATIONS
from .rows import POLICIES, Row, targets
from .thresholds import PLAIN, injection, judgements, operating_points

__all__ = ["report", "scored"]

Array = NDArray[np.float32]
Say = Callable[[str], None]


def scored(rows: Sequence[Row], logits: Logits) -> Array:
    """Calibrated probabilities of the held-out rows, (n, 1 + policies)."""
    chosen = [rows[index] for index in logits.rows]
    weights = np.array([row.weight for row in chosen], np.float32)
    stack = linear.stacking(logits.networks, logits.linear, targets(chosen), weights)
    together = stack[0] * logits.networks + stack[1] * logits.linear + stack[2]
    return np.asarray(1 / (1 + np.exp(-together)), np.float32)


def report(
    rows: list[Row], features: Array, every: Logits, say: Say, *, out: Path | None, sources: bool
) -> dict[str, Any]:
    """All figures, printed, and written to `out` as JSON; `sources` adds those of models that never saw a source."""
    all_scores = scored(rows, every)
    plans = np.array([rows[index].form == "plan" for index in every.rows])
    logits = Logits(every.networks[~plans], every.linear[~plans], every.rows[~plans])
    held, scores = [rows[index] for index in logits.rows], all_scores[~plans]
    unsafe = np.array([row.unsafe for row in held])
    figures: dict[str, Any] = {
        "unseen clusters": _ranking(scores[:, 0], unsafe),
        "networks alone": _ranking(logits.networks[:, 0], unsafe),
        "n-grams alone": _ranking(logits.linear[:, 0], unsafe),
        "calibration error": round(calibration_error(scores[:, 0], unsafe), 4),
        "by policy": _by_policy(held, scores),
        "by language": _groups(held, scores[:, 0], lambda row: row.lang),
        "by source": _groups(held, scores[:, 0], lambda row: row.source),
        "by form": _groups(held, scores[:, 0], lambda row: row.form),
        "injection": injection(rows, features, every),
        "plans": _plans([rows[index] for index in every.rows[plans]], all_scores[plans]),
        "plain benign above": _above(held, scores[:, 0], lambda row: row.source in PLAIN and row.tier == "core"),
        "near misses above": _above(held, scores[:, 0], lambda row: bool(row.near)),
        "category of true positives": _agreement(held, scores),
        "leave one source out": _without(rows, features, say) if sources else {},
        "undone by normalization": _undone(held),
        "at the shipped thresholds": operating_points(judgements(rows, features, every, say)),
    }
    text = json.dumps(figures, indent=1)
    print(text)
    if out is not None:
        out.write_text(text, encoding="utf-8")
        np.savez(
            out.with_suffix(".npz"), scores=scores, rows=logits.rows, networks=logits.networks, linear=logits.linear
        )
    return figures


def _ranking(scores: Array, unsafe: NDArray[np.bool_]) -> dict[str, float]:
    return {
        "auroc": round(auroc(scores, unsafe), 4),
        "recall at 1 %": round(recall_at(scores, unsafe, 0.01), 3),
        "recall at 5 %": round(recall_at(scores, unsafe, 0.05), 3),
    }


def _by_policy(rows: Sequence[Row], scores: Array) -> dict[str, dict[str, float]]:
    """Each policy's own score against all safe rows."""
    out = {}
    for index, policy in enumerate(POLICIES, 1):
        chosen = np.array([not row.unsafe or policy in row.policies for row in rows])
        is_it = np.array([policy in row.policies for row in rows])[chosen]
        out[policy] = {"rows": int(is_it.sum()), **_ranking(scores[chosen, index], is_it)}
    return out


def _groups(rows: Sequence[Row], scores: Array, key: Callable[[Row], str]) -> dict[str, dict[str, float]]:
    """Recall and false positives of each group at the threshold that 5 % of all safe rows exceed."""
    unsafe = np.array([row.unsafe for row in rows])
    limit = np.sort(scores[~unsafe])[::-1][int((~unsafe).sum() * 0.05)]
    groups: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[key(row)].append(index)
    out = {}
    for name, members in sorted(groups.items()):
        bad = [index for index in members if unsafe[index]]
        good = [index for index in members if not unsafe[index]]
        out[name] = {
            "unsafe": len(bad), "recall": round(float((scores[bad] > limit).mean()), 3) if bad else -1.0,
            "safe": len(good), "false": round(float((scores[good] > limit).mean()), 3) if good else -1.0,
        }  # fmt: skip
    return out


def _plans(rows: Sequence[Row], scores: Array) -> dict[str, Any]:
    """The same prompts in the form that later stages judge (a plan, a generator's prompt, the words of a picture)."""
    if not rows:
        return {}
    unsafe = np.array([row.unsafe for row in rows])
    return {
        **_ranking(scores[:, 0], unsafe),
        "everyday above": _above(rows, scores[:, 0], lambda row: row.source == "everyday"),
    }


def _above(rows: Sequence[Row], scores: Array, chosen: Callable[[Row], bool]) -> dict[str, float]:
    own = scores[[i for i, row in enumerate(rows) if not row.unsafe and chosen(row)]]
    return (
        {f"{limit:g}": round(float((own > limit).mean()), 4) for limit in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)}
        if len(own)
        else {}
    )


def _agreement(rows: Sequence[Row], scores: Array) -> float:
    pairs: Iterable[tuple[Row, Array]] = [
        (row, each) for row, each in zip(rows, scores, strict=True) if row.unsafe and each[0] > 0.5
    ]
    hits = [POLICIES[int(each[1:].argmax())] in row.policies for row, each in pairs]
    return round(float(np.mean(hits)), 3) if hits else float("nan")


def _without(rows: list[Row], features: Array, say: Say) -> dict[str, dict[str, float]]:
    """Each source of both labels judged by models that saw none of it: its own AUROC, and recall and false positives at
    a score of one half. Sources of one label have no ranking; their share above one half stands alone."""
    out: dict[str, dict[str, float]] = {}
    for source in sorted({row.source for row in rows if row.held_out}):
        out_of = [replace(row, held_out=row.source == source, cluster="") for row in rows]
        kept = [index for index, row in enumerate(rows) if row.source != source or row.held_out]
        chosen = [out_of[index] for index in kept]
        say(f"without {source}")
        held = [index for index, row in enumerate(chosen) if row.held_out]
        if len(held) < 60:
            continue
        logits = held_back(chosen, features[kept])
        unsafe = np.array([row.unsafe for row in chosen])[logits.rows]
        scores = np.asarray(1 / (1 + np.exp(-logits.networks[:, 0])), np.float32)
        out[source] = {
            "rows": len(held),
            "auroc": round(auroc(scores, unsafe), 3),
            "recall at 0.5": round(float((scores[unsafe] > 0.5).mean()), 3) if unsafe.any() else -1.0,
            "false at 0.5": round(float((scores[~unsafe] > 0.5).mean()), 3) if not unsafe.all() else -1.0,
        }
    return out


def _undone(rows: Sequence[Row], count: int = 120) -> dict[str, float]:
    """Of plain English prompts hidden in each way: the share that some form of the text gives back (all but 3 %)."""
    plain = [
        row.prompt for row in rows if row.lang == "en" and row.form in {"t2i", "chat"} and 30 < len(row.prompt) < 300
    ]
    chosen = [" ".join(text.split()) for text in plain[:: max(1, len(plain) // count)]]
    return {
        name: round(float(np.mean([_given_back(text, hide(text)) for text in chosen])), 3)
        for name, hide in OBFUSCATIONS.items()
    }


def _given_back(plain: str, hidden: str) -> bool:
    wanted = _words(plain)
    return any(len(wanted & _words(form.text)) >= 0.97 * len(wanted) for form in forms(hidden))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{2,}", text.lower()))
