"""The cascade: whom it asks, about what, and that nothing gets milder than it may."""

from __future__ import annotations

import itertools

import pytest

from safelight.safety import Cascade, SafetyStack
from safelight.safety.content import Content, ImagePart, Stage, TextPart
from safelight.safety.policy import Monitoring, PolicySet
from safelight.safety.verdict import Decision, Finding, Verdict
from safelight.testing import AllowAll, FailingModerator, ScriptedModerator, every_pair

PROMPT = Content.of_text(Stage.PROMPT, "x")
IMAGE = Content(Stage.GENERATOR_OUTPUT, (ImagePart(b"i"),))


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    """The shipped policies, with nothing demanded."""
    return PolicySet(policy.model_copy(update={"monitor": Monitoring()}) for policy in PolicySet.load())


def says(policies: PolicySet, decision: Decision = Decision.ALLOW, policy: str = "", score: float = 0.0) -> Verdict:
    finding = Finding(policy=policy, category=policy, score=score, decision=decision, moderator="first")
    return Verdict(
        decision=decision, findings=(finding,) if policy else (), moderator="first", checked=every_pair(policies)
    )


class Monitors:
    """Remembers the stacks that it was asked about."""

    def __init__(self, policies: PolicySet, *, verdict: Verdict | None = None) -> None:
        self.asked: list[set[str]] = []
        self._policies, self._verdict = policies, verdict

    def __call__(self, stacks: frozenset[str]):  # type: ignore[no-untyped-def]
        self.asked.append(set(stacks))
        of_stacks = [policy for policy in self._policies if policy.stack in stacks]
        verdict = self._verdict or Verdict(decision=Decision.ALLOW, moderator="monitor")
        return ScriptedModerator(verdict.model_copy(update={"checked": every_pair(of_stacks)}), name="monitor")


async def test_what_is_settled_is_not_asked_about(policies: PolicySet) -> None:
    monitors = Monitors(policies)
    settled = [says(policies), says(policies, score=0.01, policy="hate"), says(policies, Decision.BLOCK, "hate", 0.99)]
    for verdict in settled:
        given = await Cascade(policies, ScriptedModerator(verdict), monitors).moderate(PROMPT)
        assert given.decision is verdict.decision
    broken = await Cascade(policies, FailingModerator("raises"), monitors).moderate(PROMPT)
    assert broken.failed
    assert monitors.asked == []


@pytest.mark.parametrize(
    ("policy", "stack"), [("hate", "general"), ("bio_chem", "bio"), ("sexual_minors", "minors"), ("sexual", "general")]
)
async def test_doubt_is_asked_about_by_its_stack(policies: PolicySet, policy: str, stack: str) -> None:
    monitors = Monitors(policies)
    lowest = policies[policy].thresholds.at(Stage.PROMPT).lowest
    assert lowest is not None
    first = ScriptedModerator(says(policies, Decision.ALLOW, policy, lowest * 0.6))
    given = await Cascade(policies, first, monitors).moderate(PROMPT)
    assert given.allowed
    assert monitors.asked == [{stack}]


async def test_the_shipped_policies_demand_it_for_bio_and_minors() -> None:
    shipped = PolicySet.load()
    asked = {}
    for stage in Stage:
        monitors = Monitors(shipped)
        await Cascade(shipped, AllowAll(every_pair(shipped)), monitors).moderate(Content.of_text(stage, "x"))
        asked[stage] = monitors.asked
    always = [{"bio", "minors"}]
    assert asked == {
        Stage.PROMPT: always,
        Stage.PLAN: always,
        Stage.GENERATOR_OUTPUT: always,
        Stage.IMAGE_SET: always,
        Stage.TOOL_CALL: [],
        Stage.TOOL_RESULT: [],
        Stage.GENERATOR_INPUT: [],
    }


async def test_what_nobody_else_sees_the_monitor_sees(policies: PolicySet) -> None:
    first = AllowAll({f"image:{policy.id}" for policy in policies if policy.stack != "general"})
    monitors = Monitors(policies)
    stack = SafetyStack(policies, {Stage.GENERATOR_OUTPUT: Cascade(policies, first, monitors)})
    verdict = await stack.judge(IMAGE)
    assert monitors.asked == [{"general"}]
    assert verdict.not_checked == (), "what the monitor judged leaves not_checked"
    blind = Cascade(policies, first, monitors, unseen=False)
    await blind.moderate(IMAGE)
    assert len(monitors.asked) == 1


async def test_a_strict_stack_is_always_asked_about(policies: PolicySet) -> None:
    monitors = Monitors(policies)
    content = Content(Stage.TOOL_CALL, (TextPart("x"),), stacks=frozenset({"bio"}))
    await Cascade(policies, AllowAll(every_pair(policies)), monitors).moderate(content)
    assert monitors.asked == [{"bio"}]


async def test_a_monitor_that_fails_blocks(policies: PolicySet) -> None:
    first = ScriptedModerator(says(policies, Decision.REWRITE, "hate", 0.7))
    cascade = Cascade(policies, first, lambda _: FailingModerator("prose"), lifts=True)
    given = await cascade.moderate(PROMPT)
    assert given.decision is Decision.BLOCK
    assert given.failed


@pytest.mark.parametrize(
    ("lifts", "decision", "policy", "expected"),
    [
        (False, Decision.REWRITE, "hate", Decision.REWRITE),
        (True, Decision.REWRITE, "hate", Decision.ALLOW),
        (True, Decision.REVIEW, "hate", Decision.ALLOW),
        (True, Decision.BLOCK, "hate", Decision.BLOCK),
        (True, Decision.REVIEW, "sexual_minors", Decision.REVIEW),
        (True, Decision.REWRITE, "unknown_policy", Decision.REWRITE),
    ],
)
async def test_what_a_monitor_may_lift(
    policies: PolicySet, lifts: bool, decision: Decision, policy: str, expected: Decision
) -> None:
    first = ScriptedModerator(says(policies, decision, policy, 0.6))
    given = await Cascade(policies, first, Monitors(policies), lifts=lifts).moderate(PROMPT)
    assert given.decision is expected


async def test_a_monitor_lifts_nothing_that_it_did_not_see(policies: PolicySet) -> None:
    """A doubt about text and picture is not settled by a judge of the text alone."""
    content = Content(Stage.PROMPT, (TextPart("x"), ImagePart(b"i")))
    blind = AllowAll({f"text:{policy.id}" for policy in policies})
    first = ScriptedModerator(says(policies, Decision.REWRITE, "hate", 0.6))
    given = await Cascade(policies, first, lambda _: blind, lifts=True).moderate(content)
    assert given.decision is Decision.REWRITE


async def test_it_is_never_milder_than_either_without_leave(policies: PolicySet) -> None:
    for one, other in itertools.product(Decision, repeat=2):
        first = ScriptedModerator(says(policies, one, "hate", 0.6))
        monitors = Monitors(policies, verdict=says(policies, other, "hate", 0.6))
        given = await Cascade(policies, first, monitors).moderate(PROMPT)
        floor = one if one is Decision.BLOCK or one is Decision.ALLOW else max(one, other, key=lambda d: d.severity)
        assert given.decision.severity >= floor.severity


async def test_a_policy_may_refuse_without_a_monitor(policies: PolicySet) -> None:
    strict = PolicySet(
        policy.model_copy(update={"monitor": Monitoring(when="required", stages=(Stage.IMAGE_SET,))})
        if policy.id == "bio_chem"
        else policy
        for policy in policies
    )
    cascade = Cascade(strict, AllowAll(every_pair(strict)))
    assert (await cascade.moderate(PROMPT)).allowed
    refused = await cascade.moderate(Content(Stage.IMAGE_SET, (ImagePart(b"i"),)))
    assert refused.failed
    assert "bio_chem" in refused.reason
    monitored = Cascade(strict, AllowAll(every_pair(strict)), Monitors(strict))
    assert (await monitored.moderate(Content(Stage.IMAGE_SET, (ImagePart(b"i"),)))).allowed
