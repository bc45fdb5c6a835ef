"""What a moderator says: a decision, the findings behind it, and what it could not judge."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Decision", "Finding", "Verdict", "combine", "severest"]


class Decision(StrEnum):
    """`allow` < `rewrite` < `review` < `block`: where several apply, the severest holds."""

    ALLOW = "allow"
    REWRITE = "rewrite"
    REVIEW = "review"
    BLOCK = "block"

    @property
    def severity(self) -> int:
        return _SEVERITY[self]


_SEVERITY = {Decision.ALLOW: 0, Decision.REWRITE: 1, Decision.REVIEW: 2, Decision.BLOCK: 3}


class Finding(BaseModel):
    """One reason: which policy, how sure (`score`, 0..1), on what evidence, found by whom.

    `evidence` quotes or describes the part of the request, after whichever normalization uncovered it
    (`"rot13 → …"`); `part` is its index in `Content.parts`, None for the whole.
    """

    # Instances are validated again wherever they are taken in: `model_construct` makes any nonsense look like one.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, revalidate_instances="always")

    policy: str
    category: str
    score: float = Field(ge=0, le=1, allow_inf_nan=False)
    decision: Decision
    moderator: str
    evidence: str = ""
    part: int | None = None


class Verdict(BaseModel):
    """A decision about one `Content` at one `Stage`.

    `failed` tells "decided to block" from "broke, and so blocked". `checked` lists what was judged as
    `<modality>:<policy>` (`text:hate`, `image:sexual`); `not_checked` lists what applied and nobody could judge.
    `seconds` is wall-clock time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, revalidate_instances="always")

    decision: Decision
    findings: tuple[Finding, ...] = ()
    moderator: str = ""
    failed: bool = False
    reason: str = ""
    checked: frozenset[str] = frozenset()
    not_checked: tuple[str, ...] = ()
    policy_version: str = ""
    seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    @classmethod
    def failure(cls, moderator: str, reason: str) -> Verdict:
        """The verdict of a broken moderator: a block that says so."""
        return cls(decision=Decision.BLOCK, moderator=moderator, failed=True, reason=reason)

    @property
    def allowed(self) -> bool:
        return self.decision is Decision.ALLOW

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies behind the decision, severest finding first, each once."""
        decisive = [finding for finding in self.findings if finding.decision is self.decision]
        ordered = sorted(decisive, key=lambda finding: -finding.score)
        return tuple(dict.fromkeys(finding.policy for finding in ordered))


def severest(*decisions: Decision) -> Decision:
    """The severest of one or more decisions."""
    return max(decisions, key=_SEVERITY.__getitem__)


def combine(verdicts: Iterable[Verdict], *, moderator: str) -> Verdict:
    """All verdicts as one: the severest decision, every finding, everything that anyone checked.

    No verdict at all is a failure: nothing judged is not the same as nothing found.
    """
    given = tuple(verdicts)
    if not given:
        return Verdict.failure(moderator, "no moderator gave a verdict")
    decision = severest(*(verdict.decision for verdict in given))
    decisive = [verdict for verdict in given if verdict.decision is decision]
    return Verdict(
        decision=decision,
        findings=tuple(finding for verdict in given for finding in verdict.findings),
        moderator=moderator,
        failed=any(verdict.failed for verdict in given),
        reason="; ".join(dict.fromkeys(verdict.reason for verdict in decisive if verdict.reason)),
        checked=frozenset().union(*(verdict.checked for verdict in given)),
        not_checked=tuple(dict.fromkeys(gap for verdict in given for gap in verdict.not_checked)),
        policy_version=next((verdict.policy_version for verdict in given if verdict.policy_version), ""),
        seconds=max(verdict.seconds for verdict in given),
    )
