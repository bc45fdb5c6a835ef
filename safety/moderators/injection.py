"""Prompt injection in text that came from outside: pages, files, tool results.

Untrusted text is data: whatever in it addresses the agent, its tools or its judges is a finding. Three witnesses: the
classifier's own output for this policy, the logits of stackone-defender's model, and the reviewed rules.
"""

from __future__ import annotations

import math

from ..content import Content, TextPart
from ..policy import PolicySet
from ..verdict import Finding, Verdict
from .classifier import Classifier, Passage, shared_classifier
from .closed import judged_in_thread
from .encoder import Encoder, shared_encoder
from .normalize import forms
from .rules import Rules, shipped_rules
from .text import verdict_of

__all__ = ["InjectionGuard"]

NAME = "embedded.injection"
_POLICY = "injection"
_TEMPERATURE = 2.41  # of the defender's logits, from its classifier_config.json
_SURE = 0.94  # its calibrated score at its own setting "Low": what it is believed from
_AGREED = 0.5  # the classifier's P(any violation), which has seen the defender's logits, under which it is not
_QUOTE = 160


class InjectionGuard:
    """Judges the untrusted texts of a content; what the user says is the user's to say."""

    def __init__(
        self,
        policies: PolicySet,
        *,
        classifier: Classifier | None = None,
        encoder: Encoder | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._policies = policies
        self._classifier = classifier or shared_classifier()
        self._encoder = encoder or shared_encoder()
        self._rules = rules or shipped_rules()

    @property
    def name(self) -> str:
        return NAME

    async def moderate(self, content: Content) -> Verdict:
        return await judged_in_thread(self._moderate, content, NAME)

    def _moderate(self, content: Content) -> Verdict:
        if _POLICY not in self._policies:
            return verdict_of([], NAME, frozenset())
        untrusted = [
            (i, part) for i, part in enumerate(content.parts) if isinstance(part, TextPart) and not part.trusted
        ]
        findings = [self._worst(part.text, index, content) for index, part in untrusted]
        return verdict_of(findings, NAME, frozenset({f"text:{_POLICY}"}) if content.texts else frozenset())

    def score(self, text: str) -> tuple[float, str]:
        """How surely the text gives orders to its reader, 0..1, and the passage that does."""
        score, evidence = 0.0, ""
        passages = self._classifier.classify(text)
        logits = self._encoder.encode([passage.text for passage in passages])[:, -2]
        for passage, logit in zip(passages, logits, strict=True):
            own = self._passage_score(passage, float(logit))
            if own > score:
                score, evidence = own, f"{passage.form.evidence}“{passage.text[:_QUOTE]}”"
        for form in forms(text):
            for hit in self._rules.find(form.text):
                if hit.rule.policy == _POLICY and hit.rule.score > score:
                    score, evidence = hit.rule.score, f"{form.evidence}“{hit.quote[:_QUOTE]}”"
        return min(1.0, score), evidence

    def _worst(self, text: str, index: int, content: Content) -> Finding:
        score, evidence = self.score(text)
        decision = self._policies[_POLICY].decide(content.stage, score, final=content.final)
        return Finding(
            policy=_POLICY, category="instructions in data", score=score, moderator=NAME, evidence=evidence,
            decision=decision, part=index,
        )  # fmt: skip

    @staticmethod
    def _passage_score(passage: Passage, logit: float) -> float:
        defender = 1 / (1 + math.exp(-logit / _TEMPERATURE))
        agreed = defender >= _SURE and passage.any >= _AGREED
        return max(passage.scores.get(_POLICY, 0.0), defender if agreed else 0.0)
