"""Verdicts are well-formed or they are not made; several as one are never milder than the severest."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from safelight.safety import Decision, Finding, Verdict, combine
from safelight.safety.verdict import severest

decisions = st.sampled_from(Decision)
findings = st.builds(
    Finding,
    policy=st.sampled_from(["hate", "sexual"]),
    category=st.just("c"),
    score=st.floats(0, 1),
    decision=decisions,
    moderator=st.just("m"),
)
verdicts = st.builds(
    Verdict,
    decision=decisions,
    findings=st.lists(findings, max_size=3).map(tuple),
    failed=st.booleans(),
    reason=st.sampled_from(["", "one", "two"]),
    checked=st.frozensets(st.sampled_from(["text:hate", "image:hate"])),
    not_checked=st.lists(st.sampled_from(["text:hate", "image:hate"])).map(tuple),
    policy_version=st.sampled_from(["", "v1"]),
    seconds=st.floats(0, 10),
)


@given(st.lists(verdicts, min_size=1, max_size=4))
def test_several_as_one(given_: list[Verdict]) -> None:
    one = combine(given_, moderator="m")
    assert one.decision is severest(*(each.decision for each in given_))
    assert one.findings == tuple(finding for each in given_ for finding in each.findings)
    assert one.failed == any(each.failed for each in given_)
    assert all(each.checked <= one.checked for each in given_)
    assert one.seconds == max(each.seconds for each in given_)
    decisive = {each.reason for each in given_ if each.decision is one.decision and each.reason}
    assert set(filter(None, one.reason.split("; "))) == decisive


def test_none_at_all_is_a_failure() -> None:
    verdict = combine([], moderator="m")
    assert verdict.decision is Decision.BLOCK
    assert verdict.failed


def test_policies_are_those_behind_the_decision_severest_first() -> None:
    def finding(policy: str, score: float, decision: Decision) -> Finding:
        return Finding(policy=policy, category="", score=score, decision=decision, moderator="m")

    verdict = Verdict(
        decision=Decision.BLOCK,
        findings=(
            finding("hate", 0.8, Decision.BLOCK),
            finding("sexual", 0.9, Decision.BLOCK),
            finding("hate", 0.95, Decision.REWRITE),
            finding("sexual", 0.85, Decision.BLOCK),
        ),
    )
    assert verdict.policies == ("sexual", "hate")
    assert not verdict.allowed


@pytest.mark.parametrize(
    "fields",
    [
        {"decision": "allow"},
        {"decision": None},
        {"decision": Decision.ALLOW, "seconds": math.nan},
        {"decision": Decision.ALLOW, "seconds": -1.0},
        {"decision": Decision.ALLOW, "findings": [Decision.ALLOW]},
        {"decision": Decision.ALLOW, "checked": "text:hate"},
        {"decision": Decision.ALLOW, "verdict": "allow"},
        {"decision": Decision.ALLOW, "failed": 0},
    ],
)
def test_a_malformed_verdict_is_not_made(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Verdict(**fields)


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.1, 1.1, "0.5", None])
def test_a_score_is_a_score(score: Any) -> None:
    with pytest.raises(ValidationError):
        Finding(policy="hate", category="", score=score, decision=Decision.ALLOW, moderator="m")


def test_instances_are_validated_again_where_they_are_taken_in() -> None:
    broken = Finding.model_construct(policy="hate", score=math.nan, decision=Decision.ALLOW, moderator="m")
    with pytest.raises(ValidationError):
        Verdict(decision=Decision.ALLOW, findings=(broken,))
