"""Guards: nothing runs without a clearance for exactly what it gets, and nothing comes out but what was judged."""

from __future__ import annotations

import asyncio
import copy
import functools
import pickle
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from safelight.errors import ConfigError, StoreError, Uncleared
from safelight.safety import (
    Blocked,
    Cleared,
    Content,
    Decision,
    Effect,
    Finding,
    Guard,
    ImagePart,
    Moderator,
    PolicySet,
    SafetyStack,
    Stage,
    TextPart,
    Verdict,
    guard,
)
from safelight.testing import (
    AllowAll,
    BlockOn,
    FailingModerator,
    FakeClock,
    MemoryRecorder,
    ScriptedModerator,
    fake_guard,
    fake_office,
)

Query = dict[str, Any]


def text_in(value: Query) -> Content:
    return Content.of_text(Stage.TOOL_CALL, value["q"])


def text_out(output: Any, _: Query) -> Content:
    return Content.of_text(Stage.TOOL_RESULT, output["text"], trusted=False)


class Search:
    """A tool that remembers what it was given, and answers with what it is told to."""

    def __init__(self, answer: str = "foxes are red") -> None:
        self.calls: list[Any] = []
        self.answer = {"text": answer}

    async def __call__(self, value: Query) -> dict[str, str]:
        self.calls.append(value)
        return self.answer


def wrapped(fn: Any, by: Guard, **options: Any) -> Effect[Any, Any]:
    given_: dict[str, Any] = {"content_in": text_in, "content_out": text_out, **options}
    return guard(fn, name="search", guard=by, stage_in=Stage.TOOL_CALL, stage_out=Stage.TOOL_RESULT, **given_)


def at(stage: Stage, moderator: Moderator) -> dict[Stage, Moderator]:
    return {**dict.fromkeys(Stage, AllowAll()), stage: moderator}


async def test_a_cleared_value_goes_in_and_comes_out() -> None:
    search, recorder = Search(), MemoryRecorder()
    by = fake_guard(recorder=recorder)
    outcome = await wrapped(search, by).run({"q": "fox"}, run_id="r")
    assert isinstance(outcome, Cleared)
    assert outcome.value == {"text": "foxes are red"}
    by.demand(outcome.clearance, text_out(outcome.value, {}), run_id="r")
    assert recorder.kinds() == ["verdict", "clearance", "effect", "verdict", "clearance"]
    effect = recorder.entries[2][1]
    assert effect == {"run_id": "r", "name": "search", "digest": text_in({"q": "fox"}).digest}


async def test_a_block_in_front_costs_nothing() -> None:
    search, recorder = Search(), MemoryRecorder()
    by = fake_guard(BlockOn("bomb", "illicit_weapons"), recorder=recorder)
    outcome = await wrapped(search, by).run({"q": "a bomb"}, run_id="r")
    assert isinstance(outcome, Blocked)
    assert outcome.stage is Stage.TOOL_CALL
    assert outcome.verdict.policies == ("illicit_weapons",)
    assert search.calls == []
    assert recorder.kinds() == ["verdict"]


async def test_a_block_behind_keeps_the_output_in() -> None:
    search = Search("how to build a bomb")
    outcome = await wrapped(search, fake_guard(BlockOn("bomb", "illicit_weapons"))).run({"q": "fox"}, run_id="r")
    assert isinstance(outcome, Blocked)
    assert outcome.stage is Stage.TOOL_RESULT
    assert not hasattr(outcome, "value")
    assert "how to build" not in repr(outcome)


@pytest.mark.parametrize("decision", [each for each in Decision if each is not Decision.ALLOW])
async def test_nothing_but_allow_moves(decision: Decision) -> None:
    search = Search()
    stack_options = {"human_review": True}
    outcome = await wrapped(search, fake_guard(ScriptedModerator(decision), **stack_options)).run(
        {"q": "x"}, run_id="r"
    )
    assert isinstance(outcome, Blocked)
    assert outcome.verdict.decision is decision
    assert search.calls == []


async def test_a_broken_moderator_blocks_before_and_after() -> None:
    for stage in (Stage.TOOL_CALL, Stage.TOOL_RESULT):
        search = Search()
        outcome = await wrapped(search, fake_guard(at(stage, FailingModerator("raises")))).run({"q": "x"}, run_id="r")
        assert isinstance(outcome, Blocked)
        assert outcome.stage is stage
        assert outcome.verdict.failed
        assert len(search.calls) == (stage is Stage.TOOL_RESULT)


# -- a call demands a clearance for exactly its value ---------------------------------------------------------------


@pytest.mark.parametrize("wrong", [None, "token", object()])
async def test_no_clearance_no_call(wrong: Any) -> None:
    search = Search()
    with pytest.raises(Uncleared):
        await wrapped(search, fake_guard()).call({"q": "x"}, wrong, run_id="r")
    assert search.calls == []


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_clearance_for_one_value_runs_no_other(checked: str, called: str) -> None:
    assume(checked != called)

    async def attempt() -> list[Any]:
        search = Search()
        effect = wrapped(search, fake_guard())
        cleared = await effect.check({"q": checked}, run_id="r")
        assert isinstance(cleared, Cleared)
        with pytest.raises(Uncleared, match="differs from what was checked"):
            await effect.call({"q": called}, cleared.clearance, run_id="r")
        return search.calls

    assert asyncio.run(attempt()) == []


async def test_a_clearance_of_another_run_stage_time_or_office_runs_nothing() -> None:
    search, clock = Search(), FakeClock()
    effect = wrapped(search, fake_guard(clock=clock))
    value = {"q": "fox"}
    cleared = await effect.check(value, run_id="r")
    assert isinstance(cleared, Cleared)
    with pytest.raises(Uncleared, match="in run"):
        await effect.call(value, cleared.clearance, run_id="other")
    elsewhere = guard(
        search,
        guard=fake_guard(),
        stage_in=Stage.GENERATOR_INPUT,
        stage_out=Stage.TOOL_RESULT,
        content_in=text_in,
        content_out=text_out,
    )
    with pytest.raises(Uncleared, match="cleared at tool_call"):
        await elsewhere.call(value, cleared.clearance, run_id="r")
    out = await effect.review({"text": "fox"}, value, run_id="r")
    assert isinstance(out, Cleared)
    with pytest.raises(Uncleared, match="cleared at tool_result"):
        await effect.call(value, out.clearance, run_id="r")
    stack = SafetyStack(PolicySet.load(), dict.fromkeys(Stage, AllowAll()))
    other_keys = fake_office(policy_version=stack.policies.version)
    object.__setattr__(other_keys, "keys", {"test": b"another key of the same name......"})
    with pytest.raises(Uncleared, match="forged"):
        await wrapped(search, Guard(stack, other_keys)).call(value, cleared.clearance, run_id="r")
    clock.advance(61)
    with pytest.raises(Uncleared, match="expired"):
        await effect.call(value, cleared.clearance, run_id="r")
    assert search.calls == []


# -- time of check, time of use -------------------------------------------------------------------------------------


async def test_a_value_changed_between_check_and_call_does_not_run() -> None:
    search = Search()
    effect = wrapped(search, fake_guard(BlockOn("bomb", "illicit_weapons")))
    value = {"q": "a red fox"}
    cleared = await effect.check(value, run_id="r")
    assert isinstance(cleared, Cleared)
    value["q"] = "a bomb"
    with pytest.raises(Uncleared, match="differs from what was checked"):
        await effect.call(value, cleared.clearance, run_id="r")
    assert search.calls == []
    assert cleared.value == {"q": "a red fox"}, "what was judged is kept still"
    await effect.call(cleared.value, cleared.clearance, run_id="r")
    assert search.calls == [{"q": "a red fox"}]


class _Mutating(MemoryRecorder):
    """A ledger so slow that another task has all the time it needs, at every single await of the guard."""

    def __init__(self, mutate: Callable[[], None]) -> None:
        super().__init__()
        self._mutate = mutate

    async def _wait(self) -> None:
        await asyncio.create_task(self._attack())

    async def _attack(self) -> None:
        self._mutate()

    async def verdict(self, **details: Any) -> None:
        await self._wait()

    async def effect(self, **details: Any) -> None:
        await self._wait()


async def test_a_value_changed_by_another_task_while_the_guard_waits_never_reaches_the_tool() -> None:
    value = {"q": "a red fox"}
    attack = functools.partial(value.update, q="a bomb")

    class Slow(BlockOn):
        async def moderate(self, content: Content) -> Verdict:
            await asyncio.get_running_loop().run_in_executor(None, attack)
            return await super().moderate(content)

    search, moderator = Search(), Slow("bomb", "illicit_weapons")
    outcome = await wrapped(search, fake_guard(moderator, recorder=_Mutating(attack))).run(value, run_id="r")
    assert value == {"q": "a bomb"}
    assert isinstance(outcome, Cleared)
    assert search.calls == [{"q": "a red fox"}], "the tool gets the copy that was judged"
    assert [content.texts[0].text for content in moderator.seen] == ["a red fox", "foxes are red"]


async def test_a_call_is_not_changed_between_its_demand_and_the_tool() -> None:
    value = {"q": "a red fox"}
    attack = functools.partial(value.update, q="a bomb")
    search = Search()
    plain = fake_guard()
    cleared = await wrapped(search, plain).check(value, run_id="r")
    assert isinstance(cleared, Cleared)
    office = fake_office(policy_version=plain.stack.policies.version)
    slow = Guard(plain.stack, office, _Mutating(attack))
    await wrapped(search, slow).call(value, cleared.clearance, run_id="r")
    assert value == {"q": "a bomb"}
    assert search.calls == [{"q": "a red fox"}]


async def test_nested_mutable_values_are_held_still_too() -> None:
    value: Query = {"q": "fox", "filters": [bytearray(b"red")]}

    def describe(query: Query) -> Content:
        return Content(Stage.TOOL_CALL, (TextPart(query["q"]), *(ImagePart(bytes(each)) for each in query["filters"])))

    search = Search()
    effect = wrapped(search, fake_guard(), content_in=describe)
    cleared = await effect.check(value, run_id="r")
    assert isinstance(cleared, Cleared)
    value["filters"][0][:] = b"bad"
    with pytest.raises(Uncleared):
        await effect.call(value, cleared.clearance, run_id="r")
    assert cleared.value["filters"] == [bytearray(b"red")]


async def test_an_output_that_the_tool_goes_on_changing_is_judged_and_returned_as_one() -> None:
    search = Search("foxes are red")

    class Slow(BlockOn):
        async def moderate(self, content: Content) -> Verdict:
            search.answer["text"] = "how to build a bomb"
            return await super().moderate(content)

    moderators = at(Stage.TOOL_RESULT, Slow("bomb", "illicit_weapons"))
    outcome = await wrapped(search, fake_guard(moderators)).run({"q": "fox"}, run_id="r")
    assert isinstance(outcome, Cleared)
    assert outcome.value == {"text": "foxes are red"}


async def test_an_input_that_the_tool_changes_is_not_what_its_output_is_judged_by() -> None:
    seen = []

    async def rude(value: Query) -> dict[str, str]:
        value["q"] = "changed by the tool"
        return {"text": "x"}

    def describe(output: Any, value: Query) -> Content:
        seen.append(value["q"])
        return Content.of_text(Stage.TOOL_RESULT, output["text"])

    await wrapped(rude, fake_guard(), content_out=describe).run({"q": "fox"}, run_id="r")
    assert seen == ["fox"]


async def test_a_description_that_changes_its_mind_runs_nothing() -> None:
    answers = iter(["harmless", "harmful"])
    search = Search()
    effect = wrapped(search, fake_guard(), content_in=lambda _: Content.of_text(Stage.TOOL_CALL, next(answers)))
    with pytest.raises(Uncleared, match="differs"):
        await effect.run({"q": "fox"}, run_id="r")
    assert search.calls == []


async def test_what_cannot_be_held_still_is_refused_with_advice() -> None:
    effect = wrapped(Search(), fake_guard())
    with pytest.raises(ConfigError, match="pass `freeze`"):
        await effect.run({"q": "fox", "lock": threading.Lock()}, run_id="r")

    @dataclass(frozen=True)
    class Handle:
        q: str
        lock: Any

    search = Search()
    handle = Handle("fox", threading.Lock())
    immutable = wrapped(
        search,
        fake_guard(),
        content_in=lambda value: Content.of_text(Stage.TOOL_CALL, value.q),
        freeze=lambda value: value,
    )
    assert isinstance(await immutable.run(handle, run_id="r"), Cleared)
    assert search.calls == [handle]


# -- what cannot be described cannot be judged ----------------------------------------------------------------------


@pytest.mark.parametrize("broken", [lambda *_: 1 / 0, lambda *_: "text", lambda *_: None])
async def test_what_cannot_be_described_is_blocked(broken: Any) -> None:
    recorder, search = MemoryRecorder(), Search()
    by = fake_guard(recorder=recorder)
    outcome = await wrapped(search, by, content_in=broken).run({"q": "fox"}, run_id="r")
    assert isinstance(outcome, Blocked)
    assert outcome.stage is Stage.TOOL_CALL
    assert outcome.verdict.failed
    assert search.calls == []
    outcome = await wrapped(search, by, content_out=broken).run({"q": "fox"}, run_id="r")
    assert isinstance(outcome, Blocked)
    assert outcome.stage is Stage.TOOL_RESULT
    assert outcome.verdict.failed
    assert recorder.entries[-1][0] == "verdict", "these blocks are recorded like all others"
    good = await wrapped(search, by).check({"q": "fox"}, run_id="r")
    assert isinstance(good, Cleared)
    with pytest.raises(Uncleared, match="described"):
        await wrapped(search, by, content_in=broken).call({"q": "fox"}, good.clearance, run_id="r")


async def test_the_effects_stage_holds_whatever_the_description_says() -> None:
    moderators = at(Stage.TOOL_CALL, BlockOn("fox", "hate"))
    effect = wrapped(Search(), fake_guard(moderators), content_in=lambda _: Content.of_text(Stage.PROMPT, "fox"))
    outcome = await effect.run({"q": "fox"}, run_id="r")
    assert isinstance(outcome, Blocked)
    assert outcome.stage is Stage.TOOL_CALL


# -- the record ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["verdict", "clearance", "effect"])
async def test_what_cannot_be_recorded_does_not_happen(kind: str) -> None:
    search = Search()
    with pytest.raises(StoreError):
        await wrapped(search, fake_guard(recorder=MemoryRecorder(frozenset({kind})))).run({"q": "fox"}, run_id="r")
    assert search.calls == []


async def test_an_output_whose_verdict_cannot_be_recorded_stays_in() -> None:
    class Fills(MemoryRecorder):
        async def verdict(self, **details: Any) -> None:
            if details["content"].stage is Stage.TOOL_RESULT:
                raise OSError(28, "No space left on device")

    search = Search()
    with pytest.raises(StoreError, match="could not be recorded") as caught:
        await wrapped(search, fake_guard(recorder=Fills())).run({"q": "fox"}, run_id="r")
    assert caught.value.run_id == "r"
    assert isinstance(caught.value.__cause__, OSError)
    assert len(search.calls) == 1


async def test_a_refused_description_that_cannot_be_recorded_raises() -> None:
    effect = wrapped(Search(), fake_guard(recorder=MemoryRecorder(frozenset({"verdict"}))), content_in=lambda _: 1 / 0)
    with pytest.raises(StoreError):
        await effect.check({"q": "fox"}, run_id="r")


async def test_a_cancelled_guard_moves_nothing() -> None:
    """Cancel at every await there is, one after the other: the tool ran only if everything before it was done."""
    for steps in range(60):
        search, recorder = Search(), MemoryRecorder()
        task = asyncio.ensure_future(wrapped(search, fake_guard(recorder=recorder)).run({"q": "fox"}, run_id="r"))
        for _ in range(steps):
            await asyncio.sleep(0)
        if task.done():
            break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(search.calls) <= recorder.kinds().count("effect")
        assert recorder.kinds() == ["verdict", "clearance", "effect", "verdict", "clearance"][: len(recorder.entries)]
    else:
        pytest.fail("the run never ended")
    assert steps > 3


# -- review by a human ----------------------------------------------------------------------------------------------

HUMAN = {"moderator": "human:ada", "policy_version": PolicySet.load().version}


async def test_a_human_decides_what_was_held() -> None:
    recorder = MemoryRecorder()
    by = fake_guard(ScriptedModerator(Decision.REVIEW), recorder=recorder, human_review=True)
    content = text_in({"q": "fox"})
    held = await by.check(content, run_id="r")
    assert isinstance(held, Blocked)
    approved = await by.decide(content, Verdict(decision=Decision.ALLOW, **HUMAN), run_id="r")
    assert isinstance(approved, Cleared)
    by.demand(approved.clearance, content, run_id="r")
    denied = await by.decide(content, Verdict(decision=Decision.BLOCK, **HUMAN), run_id="r")
    assert isinstance(denied, Blocked)
    assert recorder.kinds() == ["verdict", "verdict", "clearance", "verdict"]


@pytest.mark.parametrize(
    ("human_review", "verdict", "said"),
    [
        (False, Verdict(decision=Decision.ALLOW, **HUMAN), "no human review"),
        (True, Verdict(decision=Decision.ALLOW, moderator="planner"), "not marked as a human's"),
        (True, None, "not marked as a human's"),
        (True, Verdict(decision=Decision.REVIEW, **HUMAN), "allows or blocks"),
        (True, Verdict(decision=Decision.ALLOW, moderator="human:ada", policy_version="old"), "under policies old"),
        (True, Verdict(decision=Decision.ALLOW, failed=True, **HUMAN), "failed"),
    ],
)
async def test_nobody_else_does(human_review: bool, verdict: Any, said: str) -> None:
    by = fake_guard(human_review=human_review)
    with pytest.raises(Uncleared, match=said):
        await by.decide(text_in({"q": "fox"}), verdict, run_id="r")


# -- the wrapped callable -------------------------------------------------------------------------------------------


def plain(value: Query) -> dict[str, Any]:
    return {"text": value["q"], "thread": threading.current_thread() is threading.main_thread()}


async def later(value: Query) -> dict[str, Any]:
    return {"text": value["q"]}


class Method:
    async def search(self, value: Query) -> dict[str, Any]:
        return {"text": value["q"]}


@pytest.mark.parametrize(
    "fn",
    [plain, later, Search(), Method().search, functools.partial(later), lambda value: Method().search(value)],
    ids=["function", "coroutine function", "object", "method", "partial", "lambda"],
)
async def test_any_callable_of_one_argument_is_wrapped(fn: Any) -> None:
    outcome = await wrapped(fn, fake_guard()).run({"q": "fox"}, run_id="r")
    assert isinstance(outcome, Cleared)
    assert outcome.value.get("thread") is not True, "a plain function must not hold up the event loop"


async def test_exceptions_of_the_callable_pass_through() -> None:
    async def breaks(_: Query) -> dict[str, str]:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await wrapped(breaks, fake_guard()).run({"q": "fox"}, run_id="r")


def test_an_effect_shows_its_guards_and_hides_its_callable() -> None:
    search = Search()
    effect = wrapped(search, fake_guard())
    assert repr(effect) == "Effect(search: tool_call → tool_result)"
    assert (effect.name, effect.stage_in, effect.stage_out) == ("search", Stage.TOOL_CALL, Stage.TOOL_RESULT)
    public = {name for name in dir(effect) if not name.startswith("_")}
    assert public == {"name", "pure", "stage_in", "stage_out", "check", "call", "review", "run"}
    assert not hasattr(effect, "__wrapped__")
    assert not hasattr(effect, "__dict__")
    for name in ("_guard", "_fn", "name", "call"):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(effect, name, None)
    with pytest.raises(AttributeError, match="immutable"):
        del effect.name
    with pytest.raises(TypeError, match="not copied or pickled"):
        pickle.dumps(effect)
    assert copy.copy(effect) is effect
    assert copy.deepcopy(effect) is effect


def test_names_come_from_the_callable() -> None:
    def named(fn: Any) -> str:
        return guard(
            fn,
            guard=fake_guard(),
            stage_in=Stage.TOOL_CALL,
            stage_out=Stage.TOOL_RESULT,
            content_in=text_in,
            content_out=text_out,
        ).name

    assert named(later) == "later"
    assert named(Search()) == "Search"


def test_a_guard_of_two_minds_is_not_built() -> None:
    stack = SafetyStack(PolicySet.load(), {})
    with pytest.raises(ConfigError, match="same PolicySet"):
        Guard(stack, fake_office(policy_version="other"))


async def test_a_run_id_that_cannot_stand_in_a_token_clears_nothing() -> None:
    with pytest.raises(Uncleared, match="run id"):
        await fake_guard().check(text_in({"q": "fox"}), run_id="a.b")


async def test_an_allow_whose_findings_object_is_not_cleared() -> None:
    finding = Finding(policy="hate", category="", score=1.0, decision=Decision.BLOCK, moderator="m")
    lenient = ScriptedModerator(lambda _: Verdict(decision=Decision.ALLOW, findings=(finding,)))
    assert isinstance(await fake_guard(lenient).check(text_in({"q": "fox"}), run_id="r"), Blocked)
