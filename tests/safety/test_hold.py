"""Work beside its check: nothing of it leaves before a yes, and a no does not wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from safelight.safety.content import Content, Stage
from safelight.safety.guard import Blocked, Cleared, Effect, guard, is_cleared
from safelight.safety.hold import Hold, beside, current_hold
from safelight.safety.verdict import Decision, Verdict
from safelight.testing import HangingModerator, MemoryRecorder, ScriptedModerator, fake_guard


class Door:
    """A check that answers when it is told to."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def say(self, answer: Any) -> None:
        self._answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        self._answer.set_exception(error)

    async def check(self) -> Any:
        return await self._answer


def says_yes(answer: object) -> bool:
    return answer == "yes"


async def until_cancelled(cancelled: asyncio.Event) -> None:
    try:
        await asyncio.sleep(30)
    finally:
        cancelled.set()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_yes_gives_what_the_work_found() -> None:
    door = Door()

    async def work() -> str:
        return "a plan"

    both = asyncio.create_task(beside(door.check(), work, passed=says_yes))
    await settle()
    assert not both.done(), "the work is done, the verdict is not"
    door.say("yes")
    assert await both == ("yes", "a plan")


@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_no_does_not_wait_for_the_work(stubborn: bool) -> None:
    door, ended, release = Door(), asyncio.Event(), asyncio.Event()

    async def work() -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            if not stubborn:
                ended.set()
                raise
        await release.wait()
        ended.set()
        return "too late"

    both = asyncio.create_task(beside(door.check(), work, passed=says_yes))
    await settle()
    door.say("no")
    assert await asyncio.wait_for(both, 1) == ("no", None)
    release.set()
    await asyncio.wait_for(ended.wait(), 1)


@pytest.mark.parametrize("answer", ["no", 1, None, "YES"])
async def test_only_true_passes(answer: Any) -> None:
    async def check() -> Any:
        return answer

    async def work() -> str:
        return "a plan"

    assert await beside(check(), work, passed=lambda given: given) == (answer, None)  # type: ignore[arg-type,return-value]


async def test_a_failing_check_cancels_the_work_and_raises() -> None:
    door, cancelled = Door(), asyncio.Event()

    both = asyncio.create_task(beside(door.check(), lambda: until_cancelled(cancelled), passed=says_yes))
    await settle()
    door.fail(RuntimeError("the guard broke"))
    with pytest.raises(RuntimeError, match="the guard broke"):
        await both
    await asyncio.wait_for(cancelled.wait(), 1)


@pytest.mark.parametrize("answer", ["yes", "no"])
async def test_a_failure_of_the_work_waits_for_the_verdict(answer: str) -> None:
    door = Door()

    async def work() -> None:
        raise RuntimeError("quotes the forbidden prompt")

    both = asyncio.create_task(beside(door.check(), work, passed=says_yes))
    await settle()
    assert not both.done()
    door.say(answer)
    if answer == "yes":
        with pytest.raises(RuntimeError, match="quotes"):
            await both
    else:
        assert await both == ("no", None)


async def test_a_cancelled_caller_cancels_both() -> None:
    door, cancelled = Door(), asyncio.Event()

    both = asyncio.create_task(beside(door.check(), lambda: until_cancelled(cancelled), passed=says_yes))
    await settle()
    both.cancel()
    with pytest.raises(asyncio.CancelledError):
        await both
    await asyncio.wait_for(cancelled.wait(), 1)


async def test_what_is_deferred_comes_in_order_and_only_after_a_yes() -> None:
    door, shown = Door(), []

    def show(text: str) -> None:
        hold = current_hold()
        if hold is None or not hold.defer(lambda: shown.append(text)):
            shown.append(text)

    async def slowly(text: str) -> None:
        await asyncio.sleep(0)
        shown.append(text)

    async def work() -> None:
        show("first")
        hold = current_hold()
        assert hold is not None
        hold.defer(lambda: slowly("second"))
        await asyncio.to_thread(show, "from a thread")
        await asyncio.create_task(asyncio.to_thread(show, "from a task"))
        await hold.passed()
        show("last")

    both = asyncio.create_task(beside(door.check(), work, passed=says_yes))
    await asyncio.sleep(0.05)
    assert shown == []
    door.say("yes")
    await both
    assert shown == ["first", "second", "from a thread", "from a task", "last"]


async def test_after_a_no_nothing_is_ever_shown() -> None:
    door, shown, ended = Door(), [], asyncio.Event()

    async def work() -> None:
        hold = current_hold()
        assert hold is not None
        hold.defer(lambda: shown.append("before"))
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            assert hold.defer(lambda: shown.append("after")), "a stubborn one goes on"
            with pytest.raises(asyncio.CancelledError):
                await hold.passed()
            ended.set()

    both = asyncio.create_task(beside(door.check(), work, passed=says_yes))
    await settle()
    door.say("no")
    await both
    await asyncio.wait_for(ended.wait(), 1)
    assert shown == []


async def test_a_hold_in_a_hold_waits_for_both() -> None:
    outer, inner, shown, proceed = Door(), Door(), [], asyncio.Event()

    async def deep() -> None:
        hold = current_hold()
        assert hold is not None
        hold.defer(lambda: shown.append("deep"))
        await proceed.wait()
        assert hold.defer(lambda: shown.append("deeper")), "the inner yes is there, the outer one is not"
        await hold.passed()
        shown.append("passed")

    async def work() -> Any:
        return await beside(inner.check(), deep, passed=says_yes)

    both = asyncio.create_task(beside(outer.check(), work, passed=says_yes))
    await settle()
    inner.say("yes")
    await settle()
    proceed.set()
    await settle()
    assert shown == [], "the inner yes is worth nothing before the outer one"
    outer.say("yes")
    await both
    assert shown == ["deep", "deeper", "passed"]
    assert current_hold() is None


def test_a_hold_begins_undecided() -> None:
    assert Hold().defer(lambda: None)


# -- effects ---------------------------------------------------------------------------------------------------------


def effect(fn: Callable[[str], Any], moderator: Any = None, *, pure: bool, recorder: Any = None) -> Effect[str, str]:
    return guard(
        fn,
        name="draw",
        guard=fake_guard(moderator, recorder=recorder),
        stage_in=Stage.GENERATOR_INPUT,
        stage_out=Stage.GENERATOR_OUTPUT,
        content_in=lambda value: Content.of_text(Stage.GENERATOR_INPUT, value),
        content_out=lambda output, _: Content.of_text(Stage.GENERATOR_OUTPUT, output),
        pure=pure,
    )


class Draw:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []

    async def __call__(self, value: str) -> str:
        self.begun.append(value)
        await asyncio.sleep(0)
        self.ended.append(value)
        return f"image of {value}"


@pytest.mark.parametrize("pure", [False, True])
async def test_an_effect_that_is_called_ahead_of_a_verdict_waits_unless_it_is_pure(pure: bool) -> None:
    door, draw, recorder = Door(), Draw(), MemoryRecorder()
    drawing = effect(draw, pure=pure, recorder=recorder)
    both = asyncio.create_task(beside(door.check(), lambda: drawing.run("fox", run_id="r"), passed=says_yes))
    await asyncio.sleep(0.05)
    assert draw.begun == (["fox"] if pure else [])
    assert "effect" not in recorder.kinds() or pure
    door.say("yes")
    _, outcome = await both
    assert isinstance(outcome, Cleared)
    assert draw.ended == ["fox"]


async def test_an_effect_that_waits_for_a_no_never_runs() -> None:
    door, draw = Door(), Draw()
    drawing = effect(draw, pure=False)
    both = asyncio.create_task(beside(door.check(), lambda: drawing.run("fox", run_id="r"), passed=says_yes))
    await asyncio.sleep(0.05)
    door.say("no")
    await both
    await asyncio.sleep(0.05)
    assert draw.begun == []


async def test_a_pure_effect_runs_beside_its_check_and_is_recorded_once_it_is_let_go() -> None:
    draw, recorder = Draw(), MemoryRecorder()
    outcome = await effect(draw, pure=True, recorder=recorder).run("fox", run_id="r")
    assert isinstance(outcome, Cleared)
    assert outcome.value == "image of fox"
    assert recorder.kinds() == ["verdict", "clearance", "effect", "verdict", "clearance"]


async def test_a_pure_effect_is_cancelled_by_its_check() -> None:
    cancelled = asyncio.Event()

    async def forever(value: str) -> str:
        await until_cancelled(cancelled)
        return value

    recorder = MemoryRecorder()
    drawing = effect(forever, ScriptedModerator(Decision.BLOCK), pure=True, recorder=recorder)
    outcome = await asyncio.wait_for(drawing.run("fox", run_id="r"), 1)
    assert isinstance(outcome, Blocked)
    assert outcome.stage is Stage.GENERATOR_INPUT
    await asyncio.wait_for(cancelled.wait(), 1)
    assert recorder.kinds() == ["verdict"]


async def test_a_pure_effect_whose_output_is_blocked_gives_nothing() -> None:
    def by_stage(content: Content) -> Verdict:
        bad = content.stage is Stage.GENERATOR_OUTPUT
        return Verdict(decision=Decision.BLOCK if bad else Decision.ALLOW)

    outcome = await effect(Draw(), ScriptedModerator(by_stage, by_stage), pure=True).run("fox", run_id="r")
    assert isinstance(outcome, Blocked)
    assert outcome.stage is Stage.GENERATOR_OUTPUT


async def test_a_pure_effect_that_cannot_be_described_does_not_begin() -> None:
    draw = Draw()
    drawing = guard(
        draw,
        name="draw",
        guard=fake_guard(),
        stage_in=Stage.GENERATOR_INPUT,
        stage_out=Stage.GENERATOR_OUTPUT,
        content_in=lambda _: 1 / 0,  # type: ignore[arg-type,return-value]
        content_out=lambda output, _: Content.of_text(Stage.GENERATOR_OUTPUT, output),
        pure=True,
    )
    outcome = await drawing.run("fox", run_id="r")
    assert isinstance(outcome, Blocked)
    assert outcome.verdict.failed
    assert draw.begun == []


async def test_a_pure_effect_whose_check_hangs_is_cut_short_by_the_stack() -> None:
    draw = Draw()
    drawing = guard(
        draw,
        name="draw",
        guard=fake_guard(HangingModerator(), seconds=0.05),
        stage_in=Stage.GENERATOR_INPUT,
        stage_out=Stage.GENERATOR_OUTPUT,
        content_in=lambda value: Content.of_text(Stage.GENERATOR_INPUT, value),
        content_out=lambda output, _: Content.of_text(Stage.GENERATOR_OUTPUT, output),
        pure=True,
    )
    outcome = await drawing.run("fox", run_id="r")
    assert isinstance(outcome, Blocked)
    assert outcome.verdict.failed


def test_nothing_but_cleared_is_cleared() -> None:
    class Lookalike:
        allowed = True

    assert not is_cleared(Lookalike())
    assert not is_cleared(True)
