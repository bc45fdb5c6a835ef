"""Escalation: cheap moderators judge everything, a reasoning monitor what they leave in doubt or cannot see.

| what the first moderators say | the monitor is asked |
|---|---|
| block, or no verdict at all | no: it stands, and costs nothing more |
| a score near a threshold of some policy, `rewrite` or `review` | about the stack of that policy |
| nothing, where a policy demands a monitor at this stage (`Policy.monitor`) | about the stack of that policy |
| nothing, and some policy was checked by nobody (`unseen`) | about the stack of that policy |
| content that names a strict stack (`Content.stacks`) | about that stack |

The stacks that are due are asked about in one call. What the monitor judged leaves `not_checked`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .compose import ask
from .content import Content
from .moderator import Moderator
from .policy import Policy, PolicySet
from .verdict import Decision, Finding, Verdict, combine, severest

__all__ = ["Cascade"]


@dataclass(frozen=True)
class Cascade:
    """The moderators `first`, then `monitor(stacks)` where it is due; None where there is no monitor.

    Without a monitor a policy that requires one blocks what it applies to, and says so; all else is as `first` says.
    With `unseen` the monitor also judges what nobody else could. With `lifts` its word settles the doubt in both
    directions: where it allows, a `rewrite` or `review` of others under a policy that it checked is lifted; never a
    block, never under a policy of the stack `minors`. Otherwise it can only be severer.
    """

    policies: PolicySet
    first: Moderator
    monitor: Callable[[frozenset[str]], Moderator] | None = None
    unseen: bool = True
    lifts: bool = False

    @property
    def name(self) -> str:
        return f"cascade({self.first.name})"

    async def moderate(self, content: Content) -> Verdict:
        begun = await ask(self.first, content)
        if begun.decision is Decision.BLOCK:
            return begun
        if self.monitor is None:
            return self._unmonitored(begun, content)
        due = frozenset(policy.stack for policy in self.policies if self._due(policy, begun, content))
        if not due:
            return begun
        given = await ask(self.monitor(due), content)
        if self.lifts and given.allowed:
            begun = self._lifted(begun, given, content)
        return combine([begun, given], moderator=self.name)

    def _unmonitored(self, verdict: Verdict, content: Content) -> Verdict:
        missing = [
            policy.id
            for policy in self.policies
            if policy.monitor.when == "required" and policy.monitor.demanded_at(content.stage)
        ]
        if not missing or not content.modalities:
            return verdict
        reason = f"a reasoning monitor must judge {', '.join(missing)} here, and none is configured"
        return combine([verdict, Verdict.failure("cascade", reason)], moderator=self.name)

    def _due(self, policy: Policy, verdict: Verdict, content: Content) -> bool:
        if policy.stack in content.stacks or policy.monitor.demanded_at(content.stage):
            return True
        if any(
            finding.decision is not Decision.ALLOW or policy.in_doubt(content.stage, finding.score)
            for finding in verdict.findings
            if finding.policy == policy.id
        ):
            return True
        return self.unseen and any(f"{kind}:{policy.id}" not in verdict.checked for kind in content.modalities)

    def _lifted(self, verdict: Verdict, monitor: Verdict, content: Content) -> Verdict:
        if verdict.decision not in {Decision.REWRITE, Decision.REVIEW} or not verdict.findings:
            return verdict
        pairs = {policy.id: {f"{kind}:{policy.id}" for kind in content.modalities} for policy in self.policies}
        seen = {policy for policy, due in pairs.items() if due <= monitor.checked}
        findings = tuple(self._settled(finding, seen) for finding in verdict.findings)
        decision = severest(*(finding.decision for finding in findings))
        return verdict.model_copy(update={"findings": findings, "decision": decision})

    def _settled(self, finding: Finding, seen: set[str]) -> Finding:
        milder = finding.policy in seen and self.policies[finding.policy].stack != "minors"
        if not milder or finding.decision is Decision.BLOCK:
            return finding
        return finding.model_copy(update={"decision": Decision.ALLOW})
