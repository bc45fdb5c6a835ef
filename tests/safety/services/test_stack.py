"""The stack that settings name: who judges, in which order, and what cannot be configured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from safelight.config import Settings
from safelight.errors import ConfigError
from safelight.models import build_stack
from safelight.safety import Cascade, SafetyStack
from safelight.safety.content import Content, Stage
from safelight.safety.moderators import OpenAIModeration, ReasoningMonitor
from safelight.safety.policy import Monitoring, PolicySet
from safelight.services import ServicePool
from safelight.tests.upstream import Simulator

Stack = Callable[..., SafetyStack]


@pytest.fixture
async def stack(settings: Settings, upstream: Simulator) -> AsyncIterator[Stack]:
    pools: list[ServicePool] = []

    def make(*moderators: str, policies: PolicySet | None = None, **more: Any) -> SafetyStack:
        chosen = {"moderator": moderators, "moderator_base_url": upstream.url, **more}
        changed = settings.model_copy(update=chosen)
        pools.append(ServicePool(changed))
        return build_stack(changed, policies or PolicySet.load(), pools[-1])

    yield make
    for pool in pools:
        await pool.aclose()


async def test_the_default_asks_nobody_elsewhere(stack: Stack) -> None:
    embedded = stack("embedded")
    assert set(embedded.stages) == set(Stage)
    assert not any(isinstance(each, Cascade) for each in embedded.stages.values())


async def test_a_monitor_makes_a_cascade_at_every_stage(stack: Stack) -> None:
    stages = stack("embedded", "openai:omni", "monitor:gpt-6-luna").stages
    assert all(isinstance(each, Cascade) for each in stages.values())
    assert "openai:omni" in stages[Stage.IMAGE_SET].name


async def test_services_alone_will_do(stack: Stack) -> None:
    assert all(isinstance(each, OpenAIModeration) for each in stack("openai:omni").stages.values())
    assert all(isinstance(each, ReasoningMonitor) for each in stack("monitor:m").stages.values())


async def test_a_majority_of_votes_decides(stack: Stack, upstream: Simulator) -> None:
    finding = {"policy": "hate", "score": 0.99, "evidence": "x", "part": 0}
    upstream.answer({"json": {"decision": "block", "findings": [finding]}}, times=1)
    upstream.answer({"json": {"decision": "allow", "findings": []}})
    voting = stack("openai:omni", "monitor:m", monitor_votes=3)
    verdict = await voting.judge(Content.of_text(Stage.PROMPT, "a cat"))
    assert verdict.allowed
    assert upstream.count("chat.completions") == 3


async def test_a_policy_that_requires_a_monitor_blocks_without_one(stack: Stack, upstream: Simulator) -> None:
    required = Monitoring(when="required", stages=(Stage.PLAN,))
    strict = PolicySet(
        policy.model_copy(update={"monitor": required}) if policy.id == "bio_chem" else policy
        for policy in PolicySet.load()
    )
    without = stack("openai:omni", policies=strict)
    assert (await without.judge(Content.of_text(Stage.PROMPT, "a cat"))).allowed
    blocked = await without.judge(Content.of_text(Stage.PLAN, "a cat"))
    assert blocked.failed
    assert "bio_chem" in blocked.reason


async def test_what_cannot_be_is_named(stack: Stack) -> None:
    with pytest.raises(ConfigError, match="more than one monitor"):
        stack("embedded", "monitor:a", "monitor:b")
    with pytest.raises(ConfigError, match="monitor:MODEL"):
        stack("monitor")
