"""Shadow mode says of a prompt what a run does with it: refused where it is caught, delivered where it is not."""

from __future__ import annotations

import pytest

from safelight.agent.brief import Brief
from safelight.agent.reasoner import Rewrite
from safelight.evals.record import Mode
from safelight.evals.shadow import Shadow
from safelight.safety.content import Stage
from safelight.safety.moderator import Moderator
from safelight.safety.policy import PolicySet
from safelight.safety.stack import SafetyStack
from safelight.safety.verdict import Decision
from safelight.testing import AllowAll, BlockOn, FailingModerator, ScriptedGenerator, ScriptedReasoner, every_pair

from .conftest import Build

EVERYTHING = AllowAll(every_pair(PolicySet.load()))


def reasoner() -> ScriptedReasoner:
    return ScriptedReasoner(rewrites=[Rewrite(prompt="a lizard", changes=("kinder",))] * 3)


@pytest.mark.parametrize("mode", ["instant", "thinking"])
@pytest.mark.parametrize(
    "stages",
    [
        {},
        {Stage.PROMPT: BlockOn("dragon", "hate")},
        {Stage.PROMPT: BlockOn("dragon", "hate", decision=Decision.REWRITE)},
        {Stage.PROMPT: BlockOn("dragon", "sexual_minors", decision=Decision.REWRITE)},
        {Stage.PROMPT: FailingModerator("raises")},
        {Stage.PLAN: BlockOn("dragon", "hate")},
        {Stage.PLAN: BlockOn("dragon", "hate", decision=Decision.REWRITE)},
        {Stage.GENERATOR_INPUT: BlockOn("dragon", "sexual_minors")},
        {Stage.GENERATOR_OUTPUT: BlockOn("PNG", "sexual_minors")},
        {Stage.IMAGE_SET: BlockOn("PNG", "hate")},
    ],
    ids=lambda stages: "+".join(f"{stage}" for stage in stages) or "nothing",
)
async def test_shadow_and_run_agree(build: Build, stages: dict[Stage, Moderator], mode: Mode) -> None:
    world = await build(stages, reasoner=reasoner())
    result, _ = await world.run(Brief(prompt="a dragon", mode=mode, n=1))
    stack = SafetyStack(PolicySet.load(), dict.fromkeys(Stage, EVERYTHING) | stages, 5.0)
    thinker = reasoner()
    shadow = Shadow(stack, reasoner=thinker, drafter=thinker, generator=ScriptedGenerator())
    exposed = await shadow.expose("a dragon", mode)
    assert not exposed.error
    assert (result.status == "delivered") == (not exposed.prompt.caught and not exposed.image.caught)
    if result.status == "delivered":
        assert bool(result.rewritten) == exposed.rewritten
