"""Shadow mode: what a run would stop is drawn all the same, and every layer's word is kept apart."""

from __future__ import annotations

import pytest

from safelight.agent.reasoner import Rewrite
from safelight.errors import GeneratorError
from safelight.evals.image_attacks import attack_image
from safelight.evals.shadow import Shadow
from safelight.safety.content import Content, Stage
from safelight.safety.moderator import Moderator
from safelight.safety.policy import PolicySet
from safelight.safety.stack import SafetyStack
from safelight.safety.verdict import Decision, Finding, Verdict
from safelight.testing import (
    AllowAll,
    BlockOn,
    FailingModerator,
    ScriptedGenerator,
    ScriptedModerator,
    ScriptedReasoner,
    every_pair,
)

POLICIES = PolicySet.load()


def shadow(
    moderators: dict[Stage, Moderator] | None = None,
    *,
    reasoner: ScriptedReasoner | None = None,
    drafter: ScriptedReasoner | None = None,
    generator: ScriptedGenerator | None = None,
    images: int = 1,
) -> Shadow:
    stages: dict[Stage, Moderator] = dict.fromkeys(Stage, AllowAll(every_pair(POLICIES))) | (moderators or {})
    return Shadow(
        SafetyStack(POLICIES, stages, 5.0),
        reasoner=reasoner or ScriptedReasoner(),
        drafter=drafter or ScriptedReasoner(name="drafter"),
        generator=generator or ScriptedGenerator(),
        images=images,
        width=256,
        height=256,
    )


def wants_rewrite(word: str) -> BlockOn:
    return BlockOn(word, "hate", decision=Decision.REWRITE)


async def test_what_passes_is_judged_at_every_stage_and_caught_nowhere() -> None:
    exposed = await shadow().expose("a cat", "thinking")
    assert set(exposed.prompt.decisions) == {"prompt", "plan", "generator_input"}
    assert set(exposed.image.decisions) == {"generator_output", "image_set"}
    assert not exposed.prompt.caught
    assert not exposed.image.caught
    assert not exposed.rewritten
    assert set(exposed.spent) == {"prompt", "reason", "draw", "image"}
    assert not exposed.error


@pytest.mark.parametrize("stage", [Stage.PROMPT, Stage.PLAN, Stage.GENERATOR_INPUT])
@pytest.mark.parametrize("mode", ["instant", "thinking"])
async def test_it_draws_where_the_prompt_layer_says_no(stage: Stage, mode: str) -> None:
    generator = ScriptedGenerator()
    exposed = await shadow({stage: BlockOn("dragon", "hate")}, generator=generator).expose("a dragon", mode)  # type: ignore[arg-type]
    assert exposed.prompt.caught
    assert exposed.prompt.policies == ("hate",)
    assert exposed.prompt.scores[stage] == 1.0
    assert not exposed.image.caught
    assert len(exposed.shots) == len(generator.requests) == 1
    assert "dragon" in generator.requests[0].spec.prompt


@pytest.mark.parametrize("stage", [Stage.GENERATOR_OUTPUT, Stage.IMAGE_SET])
async def test_the_image_layer_is_counted_by_itself(stage: Stage) -> None:
    block = ScriptedModerator(lambda content: Verdict(decision=Decision.BLOCK, moderator="scripted"))
    exposed = await shadow({stage: block}).expose("a cat", "instant")
    assert exposed.image.caught
    assert exposed.shots[0].caught
    assert not exposed.prompt.caught


async def test_thinking_draws_the_safe_completion_and_instant_refuses() -> None:
    stages: dict[Stage, Moderator] = {Stage.PROMPT: wants_rewrite("dragon")}
    generator = ScriptedGenerator()
    reasoner = ScriptedReasoner(rewrites=[Rewrite(prompt="a kind lizard", changes=("kinder",))])
    exposed = await shadow(stages, reasoner=reasoner, generator=generator).expose("a dragon", "thinking")
    assert exposed.rewritten
    assert not exposed.prompt.caught
    assert "kind lizard" in generator.requests[0].spec.prompt
    assert "dragon" not in exposed.shots[0].intent  # the grader must not hear of what was taken out

    exposed = await shadow(stages, generator=generator).expose("a dragon", "instant")
    assert not exposed.rewritten
    assert exposed.prompt.caught
    assert "dragon" in generator.requests[1].spec.prompt


async def test_a_completion_that_cannot_be_found_is_a_refusal() -> None:
    # Whatever is proposed instead, this judge wants it rewritten once more.
    exposed = await shadow({Stage.PROMPT: wants_rewrite("")}).expose("a gryphon", "thinking")
    assert exposed.prompt.caught
    assert not exposed.rewritten


async def test_a_plan_is_rewritten_once_and_judged_anew() -> None:
    def reasoner() -> ScriptedReasoner:
        return ScriptedReasoner(rewrites=[Rewrite(prompt="a lizard")])

    generator = ScriptedGenerator()

    def judge(content: Content) -> Verdict:
        # The intent keeps the word; what counts is the image's own prompt.
        wrong = "dragon (1 of 1)" in content.texts[0].text
        finding = Finding(policy="hate", category="", score=0.6, decision=Decision.REWRITE, moderator="s")
        return Verdict(decision=Decision.REWRITE, findings=(finding,)) if wrong else Verdict(decision=Decision.ALLOW)

    exposed = await shadow({Stage.PLAN: ScriptedModerator(judge)}, reasoner=reasoner(), generator=generator).expose(
        "a dragon", "thinking"
    )
    assert exposed.rewritten
    assert not exposed.prompt.caught
    assert generator.requests[0].spec.prompt == "a lizard"
    assert exposed.prompt.decisions["plan"] is Decision.REWRITE

    never = wants_rewrite("dragon")  # it finds the intent wrong too, which no rewrite touches
    exposed = await shadow({Stage.PLAN: never}, reasoner=reasoner(), generator=generator).expose("a dragon", "thinking")
    assert exposed.prompt.caught
    assert not exposed.rewritten
    assert "dragon" in generator.requests[1].spec.prompt


async def test_a_broken_moderator_is_a_block_that_says_so() -> None:
    exposed = await shadow({Stage.PROMPT: FailingModerator("raises")}).expose("a cat", "instant")
    assert exposed.prompt.caught
    assert exposed.prompt.failed
    assert exposed.prompt.scores["prompt"] == 1.0
    assert len(exposed.shots) == 1


async def test_what_breaks_is_named_and_ends_only_itself() -> None:
    exposed = await shadow(generator=ScriptedGenerator(GeneratorError("out of paint"))).expose("a cat", "instant")
    assert exposed.shots == ()
    assert "out of paint" in exposed.error


async def test_one_bad_image_is_counted_alone_and_a_bad_set_takes_all() -> None:
    second = ScriptedModerator(Decision.ALLOW, Decision.BLOCK, Decision.ALLOW)
    exposed = await shadow({Stage.GENERATOR_OUTPUT: second}, images=3).expose("cats", "thinking")
    assert [shot.caught for shot in exposed.shots] == [False, True, False]
    together = ScriptedModerator(Decision.BLOCK)
    exposed = await shadow({Stage.IMAGE_SET: together}, images=3).expose("cats", "thinking")
    assert all(shot.caught for shot in exposed.shots)
    assert len(together.seen[0].images) == 3


async def test_an_image_attack_reaches_the_monitor_and_not_the_grader() -> None:
    watching = AllowAll(every_pair(POLICIES))
    exposed = await shadow({Stage.GENERATOR_OUTPUT: watching, Stage.IMAGE_SET: watching}).expose(
        "a cat", "instant", disturb=lambda data: attack_image("tiling", data)
    )
    drawn = exposed.shots[0].data
    for content in watching.seen:
        assert content.images[0].data == attack_image("tiling", drawn) != drawn
