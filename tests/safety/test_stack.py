"""The stack: every stage has a moderator or blocks; verdicts are stamped, completed, and never made milder."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.errors import ConfigError
from safelight.safety import (
    Content,
    Decision,
    Finding,
    ImagePart,
    Moderator,
    Policy,
    PolicySet,
    SafetyStack,
    Stage,
    TextPart,
    Verdict,
)
from safelight.testing import (
    AllowAll,
    BlockOn,
    FailingModerator,
    Failure,
    FakeClock,
    HangingModerator,
    ScriptedModerator,
    every_pair,
)

POLICIES = PolicySet.load()
TEXT = Content.of_text(Stage.PROMPT, "a red fox")
BOTH = Content(Stage.PROMPT, (TextPart("a red fox"), ImagePart(b"png")))
ALL = every_pair(POLICIES)


def stack(moderator: Moderator, **options: Any) -> SafetyStack:
    return SafetyStack(POLICIES, dict.fromkeys(Stage, moderator), **options)


def saying(decision: Decision, *findings: Finding, **fields: Any) -> ScriptedModerator:
    return ScriptedModerator(lambda _: Verdict(decision=decision, findings=findings, **{"checked": ALL, **fields}))


def found(decision: Decision, policy: str = "hate", score: float = 0.9) -> Finding:
    return Finding(policy=policy, category="c", score=score, decision=decision, moderator="m")


async def test_what_is_allowed_is_stamped() -> None:
    clock = FakeClock()

    class Slow(AllowAll):
        async def moderate(self, content: Content) -> Verdict:
            clock.advance(0.25)
            return await super().moderate(content)

    verdict = await stack(Slow(ALL), clock=clock).judge(BOTH)
    assert verdict.allowed
    assert verdict.policy_version == POLICIES.version
    assert verdict.seconds == 0.25
    assert verdict.not_checked == ()


async def test_the_moderator_has_no_say_in_the_stamps() -> None:
    claims = {"policy_version": "mine", "seconds": 99.0, "not_checked": ("text:nothing",), "checked": frozenset()}
    verdict = await stack(saying(Decision.ALLOW, **claims), clock=FakeClock()).judge(TEXT)
    assert (verdict.policy_version, verdict.seconds) == (POLICIES.version, 0.0)
    assert set(verdict.not_checked) == {f"text:{policy.id}" for policy in POLICIES}


@pytest.mark.parametrize("stage", Stage)
async def test_a_stage_without_a_moderator_blocks(stage: Stage) -> None:
    others = {each: AllowAll(ALL) for each in Stage if each is not stage}
    verdict = await SafetyStack(POLICIES, others).judge(TEXT.at(stage))
    assert verdict.decision is Decision.BLOCK
    assert verdict.failed
    assert verdict.reason == f"no moderator is configured for stage {stage}"
    assert verdict.policy_version == POLICIES.version


@pytest.mark.parametrize("kind", get_args(Failure))
async def test_whatever_breaks_blocks(kind: Failure) -> None:
    verdict = await stack(FailingModerator(kind)).judge(TEXT)
    assert verdict.decision is Decision.BLOCK
    assert verdict.failed
    assert len(verdict.not_checked) == len(POLICIES)


async def test_whatever_hangs_blocks() -> None:
    verdict = await stack(HangingModerator(), seconds=0.02).judge(TEXT)
    assert verdict.failed
    assert "within 0.02 s" in verdict.reason
    assert verdict.seconds >= 0.015


async def test_the_callers_cancellation_goes_through() -> None:
    task = asyncio.ensure_future(stack(HangingModerator()).judge(TEXT))
    for _ in range(4):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class _OtherContent(Content):
    pass


@pytest.mark.parametrize("wrong", ["a prompt", None, _OtherContent(Stage.PROMPT, ())])
async def test_what_is_no_content_blocks(wrong: Any) -> None:
    verdict = await stack(AllowAll(ALL)).judge(wrong)
    assert verdict.decision is Decision.BLOCK
    assert verdict.failed


@pytest.mark.parametrize(
    ("content", "checked", "missing"),
    [
        (TEXT, ALL, set()),
        (TEXT, ALL - {"text:hate"}, {"text:hate"}),
        (TEXT, ALL - {"image:hate"}, set()),
        (BOTH, ALL - {"image:hate", "text:bio_chem"}, {"image:hate", "text:bio_chem"}),
        (replace(TEXT, context=(ImagePart(b"parent"),)), ALL - {"image:hate"}, set()),
        (Content(Stage.TOOL_RESULT, ()), frozenset(), set()),
        (TEXT, frozenset({"everything", "text:*"}), {f"text:{policy.id}" for policy in POLICIES}),
    ],
    ids=["all", "one text gap", "no image there", "both", "context does not move", "nothing moves", "no such pairs"],
)
async def test_what_nobody_judged_is_listed(content: Content, checked: frozenset[str], missing: set[str]) -> None:
    verdict = await stack(AllowAll(checked)).judge(content)
    assert verdict.allowed
    assert set(verdict.not_checked) == missing


@pytest.mark.parametrize(
    ("name", "pair"), [("minors", "text:sexual_minors"), ("bio", "text:bio_chem"), ("general", "text:hate")]
)
async def test_where_a_stack_is_named_what_nobody_judged_blocks(name: str, pair: str) -> None:
    strict = replace(TEXT, stacks=frozenset({name}))
    verdict = await stack(AllowAll(ALL - {pair})).judge(strict)
    assert verdict.decision is Decision.BLOCK
    assert verdict.failed
    assert pair in verdict.reason
    assert (await stack(AllowAll(ALL)).judge(strict)).allowed
    decided = await stack(saying(Decision.BLOCK, found(Decision.BLOCK), checked=ALL - {pair})).judge(strict)
    assert not decided.failed, "what was decided to block was not broken"


async def test_where_a_stack_is_named_its_strict_thresholds_hold() -> None:
    faint = saying(Decision.ALLOW, found(Decision.ALLOW, "sexual_minors", 0.2), found(Decision.ALLOW, "hate", 0.2))
    assert (await stack(faint).judge(TEXT)).allowed
    verdict = await stack(faint).judge(replace(TEXT, stacks=frozenset({"minors"})))
    assert verdict.decision is Decision.BLOCK
    assert verdict.policies == ("sexual_minors",)
    assert not verdict.failed


@given(st.sampled_from(Decision), st.lists(st.sampled_from(Decision), max_size=3), st.booleans())
def test_no_verdict_is_made_milder(decision: Decision, inside: list[Decision], human: bool) -> None:
    moderator = saying(decision, *map(found, inside))
    verdict = asyncio.run(stack(moderator, human_review=human).judge(TEXT))
    assert verdict.decision.severity >= max(each.severity for each in (decision, *inside))
    assert all(
        after.decision.severity >= before.severity for after, before in zip(verdict.findings, inside, strict=True)
    )


async def test_review_blocks_where_no_human_is_configured() -> None:
    moderator = saying(Decision.REVIEW, found(Decision.REVIEW), found(Decision.REWRITE, "sexual"), reason="unsure")
    verdict = await stack(moderator).judge(TEXT)
    assert verdict.decision is Decision.BLOCK
    assert verdict.policies == ("hate",)
    assert verdict.reason == "unsure; a human reviewer would have decided, and none is configured"
    assert not verdict.failed
    held = await stack(moderator, human_review=True).judge(TEXT)
    assert held.decision is Decision.REVIEW
    assert held.policies == ("hate",)


async def test_a_hard_block_is_never_a_rewrite() -> None:
    moderator = saying(Decision.REWRITE, found(Decision.REWRITE, "sexual_minors"))
    verdict = await stack(moderator).judge(TEXT)
    assert verdict.decision is Decision.BLOCK
    assert verdict.policies == ("sexual_minors",)
    assert (await stack(saying(Decision.REWRITE, found(Decision.REWRITE))).judge(TEXT)).decision is Decision.REWRITE


async def test_a_finding_under_an_unknown_policy_keeps_its_decision() -> None:
    verdict = await stack(saying(Decision.ALLOW, found(Decision.BLOCK, "house_rules"))).judge(TEXT)
    assert verdict.decision is Decision.BLOCK
    assert verdict.policies == ("house_rules",)


@pytest.mark.parametrize("times", [(5.0, 4.0), (0.0, math.nan), (0.0, math.inf)])
async def test_a_clock_that_runs_wild_breaks_no_verdict(times: tuple[float, float]) -> None:
    answers = iter(times)
    verdict = await stack(AllowAll(ALL), clock=lambda: next(answers)).judge(TEXT)
    assert verdict.allowed
    assert verdict.seconds == 0.0


def test_the_pairs_that_apply() -> None:
    own = PolicySet([Policy.model_validate(POLICIES["hate"].model_dump())])
    applying = SafetyStack(own, {}).applying(BOTH)
    assert [pair for pair, _ in applying] == ["text:hate", "image:hate"]


@pytest.mark.parametrize(
    ("stages", "options"),
    [
        ({"prompt": AllowAll()}, {}),
        ({Stage.PROMPT: None}, {}),
        ({Stage.PROMPT: "hate"}, {}),
        ({}, {"seconds": 0}),
        ({}, {"seconds": math.nan}),
    ],
)
def test_a_stack_that_cannot_work_is_not_built(stages: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        SafetyStack(POLICIES, stages, **options)


def test_what_sits_where_is_fixed() -> None:
    stages: dict[Stage, Moderator] = {Stage.PROMPT: BlockOn("x", "hate")}
    made = SafetyStack(POLICIES, stages, human_review=True)
    stages.clear()
    assert set(made.stages) == {Stage.PROMPT}
    assert made.human_review
    assert made.policies is POLICIES
    with pytest.raises(TypeError):
        made.stages[Stage.PROMPT] = AllowAll()  # type: ignore[index]


async def test_a_stack_may_apply_strictly_to_all_content() -> None:
    policies, verdict = PolicySet.load(), Verdict(decision=Decision.ALLOW, moderator="scripted")
    seen = ScriptedModerator(lambda _: verdict)
    content = Content.of_text(Stage.PROMPT, "a diagram of a cell")
    lenient = await SafetyStack(policies, {Stage.PROMPT: seen}).judge(content)
    strict = await SafetyStack(policies, {Stage.PROMPT: seen}, strict=("bio",)).judge(content)
    assert lenient.decision is Decision.ALLOW
    assert (strict.decision, strict.failed) == (Decision.BLOCK, True)
    assert "text:bio_chem" in strict.reason
    assert [each.stacks for each in seen.seen] == [frozenset(), frozenset({"bio"})]
    with pytest.raises(ConfigError, match="no policy stack"):
        SafetyStack(policies, {}, strict=("everything",))
