"""The text moderator: every reading of every text, by classifier and rules, alone and with what was said before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from ..content import Content, Part, Stage, TextPart
from ..policy import PolicySet
from ..verdict import Decision, Finding, Verdict
from .classifier import Classifier, Passage, shared_classifier
from .closed import judged_in_thread
from .conversation import earlier_turns, together
from .language import language_of
from .minors import MINORS, minor_score
from .normalize import forms
from .rules import Rules, shipped_rules

__all__ = ["Judged", "TextModerator", "judge_text", "verdict_of"]

NAME = "embedded.text"
_QUOTE = 160
_DIGEST = re.compile(r"request [0-9a-f]{64}(?: [\w.:/-]{1,100})?")  # as `request_content` has it, with a generator
_WORTH_NAMING = 0.5  # of the leading policy's score, from which another is named beside it


@dataclass(frozen=True)
class Judged:
    """A text to judge: what it says, its part's index (None for the whole), and a remark for the evidence."""

    text: str
    part: int | None
    remark: str = ""


class TextModerator:
    """Judges the texts of a content, and its newest text together with the conversation before it."""

    def __init__(
        self, policies: PolicySet, *, classifier: Classifier | None = None, rules: Rules | None = None
    ) -> None:
        self._policies = policies
        self._classifier = classifier or shared_classifier()
        self._rules = rules or shipped_rules()

    @property
    def name(self) -> str:
        return NAME

    async def moderate(self, content: Content) -> Verdict:
        return await judged_in_thread(self._moderate, content, NAME)

    def _moderate(self, content: Content) -> Verdict:
        texts = [Judged(part.text, index) for index, part in enumerate(content.parts) if _says_something(part)]
        findings = [finding for each in texts for finding in self._findings(each, content)]
        findings += self._together(texts, content)
        checked = frozenset(f"text:{policy}" for policy in self._classifier.policies if policy in self._policies)
        return verdict_of(findings, NAME, checked if content.texts else frozenset())

    def _findings(self, judged: Judged, content: Content) -> list[Finding]:
        return judge_text(
            judged, content.stage, self._policies, self._classifier, self._rules, moderator=NAME, final=content.final
        )

    def _together(self, texts: Sequence[Judged], content: Content) -> list[Finding]:
        """Findings on the newest text read after the earlier turns: harm may be split over them."""
        if not texts or content.stage not in {Stage.PROMPT, Stage.PLAN, Stage.GENERATOR_INPUT}:
            return []
        earlier = earlier_turns(content, lambda text: self._blocks(text, content))
        if not earlier:
            return []
        whole = together([*earlier, texts[-1].text], self._classifier)
        return self._findings(Judged(whole, None, "read with the earlier turns: "), content)

    def _blocks(self, text: str, content: Content) -> bool:
        return any(finding.decision is not Decision.ALLOW for finding in self._findings(Judged(text, None), content))


def judge_text(
    judged: Judged, stage: Stage, policies: PolicySet, classifier: Classifier, rules: Rules, *, moderator: str,
    final: bool = False,
) -> list[Finding]:  # fmt: skip
    """The findings on one text: each policy's worst passage that matters, and every rule that holds; `final` as in
    `Content`.

    The leading finding is always there, also where it allows: a verdict shows how close it was.
    """
    read = classifier.classify(judged.text)
    worst: dict[str, tuple[float, str, str]] = {}
    for passage in read:
        for policy, score, category in _scores(passage, rules):
            if score > worst.get(policy, (-1.0, "", ""))[0]:
                worst[policy] = (score, category, _evidence(passage, judged.remark))
    for form in forms(judged.text):
        for hit in rules.find(form.text):
            if hit.rule.score > worst.get(hit.rule.policy, (-1.0, "", ""))[0]:
                evidence = f"{judged.remark}{form.evidence}“{_short(hit.quote)}”"
                worst[hit.rule.policy] = (hit.rule.score, hit.rule.category, evidence)
    top = max((score for score, _, _ in worst.values()), default=0.0)
    out = []
    for policy, (score, category, evidence) in sorted(worst.items(), key=lambda item: -item[1][0]):
        if policy not in policies:
            continue
        remark, decision = "", policies[policy].decide(stage, min(1.0, score), final=final)
        if decision is not Decision.ALLOW and (language := language_of(judged.text)) not in {"en", "und"}:
            remark = f" (language: {language})"
        worth_naming = score >= _WORTH_NAMING * top or policies[policy].stack == "minors"
        if (decision is not Decision.ALLOW and worth_naming) or score == top:
            out.append(
                Finding(
                    policy=policy, category=category, score=min(1.0, score), decision=decision, moderator=moderator,
                    evidence=evidence + remark, part=judged.part,
                )
            )  # fmt: skip
    return out


def verdict_of(findings: Iterable[Finding], moderator: str, checked: frozenset[str], *, reason: str = "") -> Verdict:
    """The verdict that these findings come to."""
    found = tuple(findings)
    decision = max((finding.decision for finding in found), key=lambda each: each.severity, default=Decision.ALLOW)
    return Verdict(decision=decision, findings=found, moderator=moderator, checked=checked, reason=reason)


def _scores(passage: Passage, rules: Rules) -> Iterable[tuple[str, float, str]]:
    for policy, score in passage.scores.items():
        if policy != MINORS:
            yield policy, score, policy
    yield MINORS, minor_score(passage, rules), "minor in a sexual context"


def _says_something(part: Part) -> TypeGuard[TextPart]:
    """Any text but the digest that binds a clearance to the rest of a generator's request."""
    return isinstance(part, TextPart) and not (part.source == "digest" and _DIGEST.fullmatch(part.text) is not None)


def _evidence(passage: Passage, remark: str) -> str:
    return f"{remark}{passage.form.evidence}“{_short(passage.text)}”"


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _QUOTE else plain[: _QUOTE - 1] + "…"
