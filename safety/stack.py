"""The safety stack: which moderator sits at which stage, and what its verdict comes to under the policies in force."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

from ..errors import ConfigError
from .compose import ask, checked_seconds
from .content import Content, Stage
from .moderator import Moderator
from .policy import Policy, PolicySet, StackName
from .verdict import Decision, Finding, Verdict, severest

__all__ = ["SafetyStack"]

_NAME = "stack"
_NO_HUMAN = "a human reviewer would have decided, and none is configured"


class SafetyStack:
    """Judges content with the moderator of its stage, and fails closed.

    A stage without a moderator blocks. `seconds` limits each judgement. With `human_review` a `review` verdict stays
    one, for a run to be suspended; without, it blocks. `strict` names policy stacks (`minors`, `bio`) that apply
    strictly to all content: their `strict` thresholds hold as well, and what nobody could check of them is blocked.

    Raises:
        ConfigError: a stage, a moderator, a time limit or a policy stack is none.
    """

    def __init__(
        self,
        policies: PolicySet,
        stages: Mapping[Stage, Moderator],
        seconds: float = 20.0,
        clock: Callable[[], float] = time.perf_counter,
        *,
        human_review: bool = False,
        strict: Collection[str] = (),
    ) -> None:
        if unknown := sorted(set(strict) - set(get_args(StackName))):
            known = ", ".join(get_args(StackName))
            raise ConfigError(f"There is no policy stack {', '.join(unknown)}. There are: {known}.")
        for stage, moderator in stages.items():
            if type(stage) is not Stage or not callable(getattr(moderator, "moderate", None)):
                raise ConfigError(f"A stack maps stages to moderators, not {stage!r} to {moderator!r}.")
        self._policies = policies
        self._stages = MappingProxyType(dict(stages))
        self._seconds = checked_seconds(seconds)
        self._clock = clock
        self._human_review = human_review
        self._strict = frozenset(strict)
        self._pairs = {
            modality: tuple((f"{modality}:{policy.id}", policy) for policy in policies)
            for modality in ("text", "image")
        }

    @property
    def policies(self) -> PolicySet:
        return self._policies

    @property
    def stages(self) -> Mapping[Stage, Moderator]:
        """Which moderator sits where; read-only."""
        return self._stages

    @property
    def human_review(self) -> bool:
        return self._human_review

    async def judge(self, content: Content) -> Verdict:
        """The verdict on this content at its stage. Never raises; the caller's cancellation goes through.

        `policy_version`, `seconds` and `not_checked` are set here, whatever the moderator says about them.
        """
        begun = self._clock()
        if self._strict and type(content) is Content:
            content = replace(content, stacks=content.stacks | self._strict)
        verdict = await self._ask(content)
        changes: dict[str, Any] = {}
        if type(content) is Content:
            verdict = self._enforced(verdict, content)
            gaps = [(pair, policy) for pair, policy in self.applying(content) if pair not in verdict.checked]
            changes = {"not_checked": tuple(pair for pair, _ in gaps)}
            strict = [pair for pair, policy in gaps if policy.stack in content.stacks]
            if strict and verdict.decision is not Decision.BLOCK:
                reason = f"nobody could check {', '.join(strict)}, which applies strictly here"
                changes |= {"decision": Decision.BLOCK, "failed": True, "reason": reason}
        elapsed = self._clock() - begun
        changes["seconds"] = elapsed if math.isfinite(elapsed) and elapsed > 0 else 0.0
        return verdict.model_copy(update={**changes, "policy_version": self._policies.version})

    def applying(self, content: Content) -> tuple[tuple[str, Policy], ...]:
        """Every `<modality>:<policy>` pair that applies to this content, with its policy.

        All policies apply to all content, those of `minors` and `bio` too; a stack named in `content.stacks` applies
        strictly: its `strict` thresholds hold as well, and a pair of it that nobody checked blocks.
        """
        return tuple(pair for modality in content.modalities for pair in self._pairs[modality])

    async def _ask(self, content: Content) -> Verdict:
        if type(content) is not Content:  # a subclass could bring a digest of its own
            return Verdict.failure(_NAME, f"{type(content).__name__} is not content that can be judged")
        moderator = self._stages.get(content.stage)
        if moderator is None:
            return Verdict.failure(_NAME, f"no moderator is configured for stage {content.stage}")
        return await ask(moderator, content, seconds=self._seconds)

    def _enforced(self, verdict: Verdict, content: Content) -> Verdict:
        """The verdict that the policies make of a moderator's: never milder than it was."""
        findings = tuple(self._weighed(finding, content) for finding in verdict.findings)
        decision = severest(verdict.decision, *(finding.decision for finding in findings))
        reason = verdict.reason
        if decision is Decision.REVIEW and not self._human_review:
            decision = Decision.BLOCK
            reason = "; ".join(part for part in (reason, _NO_HUMAN) if part)
            findings = tuple(
                finding.model_copy(update={"decision": Decision.BLOCK})
                if finding.decision is Decision.REVIEW
                else finding
                for finding in findings
            )
        if decision is verdict.decision and findings == verdict.findings:
            return verdict
        return verdict.model_copy(update={"decision": decision, "findings": findings, "reason": reason})

    def _weighed(self, finding: Finding, content: Content) -> Finding:
        if finding.policy not in self._policies:
            return finding
        policy, decision = self._policies[finding.policy], finding.decision
        if policy.stack in content.stacks:
            strict = policy.decide(content.stage, finding.score, strict=True, final=content.final)
            decision = severest(decision, strict)
        if decision is Decision.REWRITE and not policy.rewritable:
            decision = Decision.BLOCK
        return finding if decision is finding.decision else finding.model_copy(update={"decision": decision})
