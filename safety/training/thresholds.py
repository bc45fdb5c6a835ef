"""What the shipped thresholds come to, on prompts that the judging weights have not seen: refusals, rewrites, misses.

Every prompt is judged as in a run, in all its forms and by the rules too, with the weights of the fold that held it
out. In instant mode, which rewrites nothing, a `rewrite` is a refusal, from its own thresholds on (`refuse`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..content import Stage
from ..moderators.classifier import Classifier
from ..moderators.encoder import Encoder
from ..moderators.head import Head
from ..moderators.injection import InjectionGuard
from ..moderators.rules import shipped_rules
from ..moderators.text import Judged, judge_text
from ..policy import PolicySet
from ..verdict import Decision, Finding, severest
from .fit import Logits
from .metrics import recall_at
from .rows import Row, fold_of, reading

__all__ = ["PLAIN", "Judgement", "injection", "judgements", "operating_points"]

Array = NDArray[np.float32]

PLAIN = ("diffusiondb_benign", "diffusiondb_benign_zh", "partiprompts", "coco30k_sample", "geneval", "dsg1k")
_LONGEST = 2000  # characters: the encoders' window; longer rows are documents, and no requests


@dataclass(frozen=True)
class Judgement:
    """A row, and the highest score of each policy that the text moderator finds in it (0..1)."""

    row: Row
    scores: dict[str, float]

    def decision(self, policies: PolicySet, *, final: bool) -> Decision:
        """What the scores come to at the prompt; `final` in instant mode."""
        made = (policies[policy].decide(Stage.PROMPT, score, final=final) for policy, score in self.scores.items())
        return severest(Decision.ALLOW, *made)


def judgements(rows: Sequence[Row], features: Array, logits: Logits, say: Callable[[str], None]) -> list[Judgement]:
    """Every held-out row that could be a request, judged by the weights that never saw its cluster."""
    _, classifiers = _folds(rows, features, logits)
    policies, rules = _all_named(PolicySet.load()), shipped_rules()
    out = []
    for count, index in enumerate(logits.rows):
        row = rows[index]
        if count % 1000 == 0:
            say(f"judged {count} of {len(logits.rows)}")
        if row.form == "plan" or len(row.prompt) > _LONGEST:
            continue
        classifier = classifiers[fold_of(row.cluster)]
        found = judge_text(Judged(row.prompt, 0), Stage.PROMPT, policies, classifier, rules, moderator="training")
        out.append(Judgement(row, _highest(found)))
    return out


def operating_points(made: Sequence[Judgement]) -> dict[str, Any]:
    """By kind of prompt: how many, and the share that is rewritten or refused, refused outright, and refused in
    instant mode; false ones by source, too."""
    policies = PolicySet.load()
    kinds: dict[str, Callable[[Row], bool]] = {
        "unsafe": lambda row: row.unsafe,
        "unsafe, clear": lambda row: row.unsafe and row.tier == "core",
        "plain benign": lambda row: not row.unsafe and row.source in PLAIN and not row.near and row.tier == "core",
        "plain benign, borderline too": lambda row: not row.unsafe and row.source in PLAIN,
        "near misses": lambda row: not row.unsafe and bool(row.near),
        "other safe": lambda row: not row.unsafe and not row.near and row.source not in PLAIN,
    }
    out: dict[str, Any] = {
        name: _point([each for each in made if kind(each.row)], policies) for name, kind in kinds.items()
    }
    safe = [each for each in made if not each.row.unsafe]
    sources = sorted({each.row.source for each in safe})
    out["safe by source"] = {
        name: _point([each for each in safe if each.row.source == name], policies) for name in sources
    }
    return out


def injection(rows: Sequence[Row], features: Array, logits: Logits) -> dict[str, float]:
    """How well the guard of untrusted texts tells injections from their near misses, by the weights of their folds:
    recall at 2 % false positives, and both at the shipped threshold."""
    encoder, classifiers = _folds(rows, features, logits)
    policies = PolicySet.load()
    guards = [InjectionGuard(policies, classifier=each, encoder=encoder, rules=shipped_rules()) for each in classifiers]
    of = [rows[index] for index in logits.rows]
    chosen = [
        row for row in of if row.form != "plan" and "injection" in (*row.policies, *(() if row.unsafe else (row.near,)))
    ]
    is_it = np.array([row.unsafe for row in chosen])
    scores = np.array([guards[fold_of(row.cluster)].score(row.prompt)[0] for row in chosen], np.float32)
    blocked = np.array(
        [policies["injection"].decide(Stage.TOOL_RESULT, float(each)) is Decision.BLOCK for each in scores]
    )
    return {
        "injections": int(is_it.sum()),
        "near misses": int((~is_it).sum()),
        "recall at 2 %": round(recall_at(scores, is_it, 0.02), 3),
        "recall at the shipped threshold": round(float(blocked[is_it].mean()), 3) if is_it.any() else -1.0,
        "false at the shipped threshold": round(float(blocked[~is_it].mean()), 3) if not is_it.all() else -1.0,
    }


def _folds(rows: Sequence[Row], features: Array, logits: Logits) -> tuple[Encoder, list[Classifier]]:
    """An encoder that knows the rows already, and a classifier of each fold's weights."""
    encoder = Encoder(cached=2 * len(rows) + 4096)
    encoder.remember([reading(row.prompt) for row in rows], features)
    return encoder, [Classifier(encoder, Head(arrays)) for arrays in logits.heads]


def _point(made: Sequence[Judgement], policies: PolicySet) -> dict[str, float]:
    if not made:
        return {"prompts": 0}
    thinking = [each.decision(policies, final=False) for each in made]
    instant = [each.decision(policies, final=True) for each in made]
    refused = (Decision.BLOCK, Decision.REVIEW)
    return {
        "prompts": len(made),
        "rewritten or refused": round(sum(each is not Decision.ALLOW for each in thinking) / len(made), 4),
        "refused outright": round(sum(each in refused for each in thinking) / len(made), 4),
        "refused in instant mode": round(sum(each is not Decision.ALLOW for each in instant) / len(made), 4),
    }


def _highest(found: Sequence[Finding]) -> dict[str, float]:
    out: dict[str, float] = {}
    for finding in found:
        out[finding.policy] = max(out.get(finding.policy, 0.0), finding.score)
    return out


def _all_named(policies: PolicySet) -> PolicySet:
    """The same policies with thresholds at which every score is named: what it comes to is decided afterwards."""

    def lowered(policy: Any) -> Any:
        at_prompt = {"block": 0.05} if policy.stack == "minors" else {"rewrite": 0.05}
        limits = policy.thresholds.model_copy(update={"prompt": type(policy.thresholds.default)(**at_prompt)})
        return policy.model_copy(update={"thresholds": limits})

    return PolicySet(lowered(policy) for policy in policies)
