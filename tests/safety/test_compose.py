"""Invariant 3, for every composition: a moderator that breaks in whatever way blocks, and says so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.errors import ConfigError
from safelight.safety import (
    Content,
    Decision,
    Finding,
    Moderator,
    Stage,
    Verdict,
    all_of,
    consensus,
    first_block,
    within,
)
from safelight.safety.compose import ask
from safelight.safety.verdict import severest
from safelight.testing import AllowAll, BlockOn, FailingModerator, Failure, HangingModerator, ScriptedModerator

CONTENT = Content.of_text(Stage.PROMPT, "a red fox")
KINDS: tuple[Failure, ...] = get_args(Failure)

Compose = Callable[[Moderator], Moderator]
ALONE: dict[str, Compose] = {
    "all_of": all_of,
    "all_of, among others": lambda broken: all_of(AllowAll(), broken, AllowAll()),
    "first_block": first_block,
    "first_block, last": lambda broken: first_block(AllowAll(), broken),
    "consensus": lambda broken: consensus(broken, n=3, quorum=2),
    "consensus, unanimous": lambda broken: consensus(AllowAll(), AllowAll(), broken, quorum=3),
    "consensus, most broken": lambda broken: consensus(AllowAll(), broken, broken, quorum=2),
    "within": lambda broken: within(broken, 5),
    "nested": lambda broken: first_block(within(all_of(AllowAll(), consensus(broken, n=1, quorum=1)), 5), AllowAll()),
}


def finding(decision: Decision, policy: str = "hate", score: float = 0.9) -> Finding:
    return Finding(policy=policy, category="c", score=score, decision=decision, moderator="m")


async def hung() -> AsyncIterator[HangingModerator]:
    """Moderators that ignore their cancellation must be let go at the end of a test."""
    moderator = HangingModerator(stubborn=True)
    yield moderator
    moderator.release()
    await asyncio.sleep(0)


stubborn = pytest.fixture(hung)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compose", ALONE.values(), ids=ALONE)
async def test_whatever_breaks_blocks(compose: Compose, kind: Failure) -> None:
    verdict = await ask(compose(FailingModerator(kind)), CONTENT)
    assert type(verdict) is Verdict
    assert verdict.decision is Decision.BLOCK
    assert verdict.failed
    assert not verdict.checked
    assert verdict.reason or kind == "says_failed"
    assert "SECRET" not in repr(verdict), "an exception's message may quote the content, and reasons are kept"


@pytest.mark.parametrize("compose", ALONE.values(), ids=ALONE)
async def test_whatever_hangs_blocks_when_time_is_up(compose: Compose, stubborn: HangingModerator) -> None:
    for moderator in (HangingModerator(), stubborn):
        verdict = await ask(within(compose(moderator), 0.02), CONTENT)
        assert verdict.decision is Decision.BLOCK
        assert verdict.failed
        assert "gave no verdict within 0.02 s" in verdict.reason


@pytest.mark.parametrize("compose", ALONE.values(), ids=ALONE)
async def test_the_callers_cancellation_goes_through(compose: Compose, stubborn: HangingModerator) -> None:
    for moderator in (HangingModerator(), stubborn):
        task = asyncio.ensure_future(compose(moderator).moderate(CONTENT))
        for _ in range(6):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(6):
            await asyncio.sleep(0)
        assert moderator.cancelled, "what runs on for a caller who has gone must be told to stop"


async def test_an_interrupt_from_the_keyboard_is_no_verdict() -> None:
    class Interrupted:
        name = "interrupted"

        async def moderate(self, content: Content) -> Verdict:
            raise KeyboardInterrupt

    async def judge() -> None:
        await ask(Interrupted(), CONTENT)

    with pytest.raises(KeyboardInterrupt):
        await asyncio.to_thread(asyncio.run, judge())


async def test_reasons_say_what_happened() -> None:
    reasons = {kind: (await ask(FailingModerator(kind), CONTENT)).reason for kind in KINDS}
    assert reasons["raises"] == "failing raised RuntimeError"
    assert reasons["exits"] == "failing raised SystemExit"
    assert reasons["cancels"] == "failing cancelled itself"
    assert reasons["prose"] == "failing answered with str instead of a verdict"
    assert reasons["subclass"] == "failing answered with _LyingVerdict instead of a verdict"
    assert reasons["nan"] == reasons["shape"] == "failing answered with a malformed verdict"


@pytest.mark.parametrize("name", [RuntimeError(), None, ""])
async def test_a_broken_name_breaks_no_verdict(name: Any) -> None:
    class Nameless:
        @property
        def name(self) -> str:
            if isinstance(name, Exception):
                raise name
            return name  # type: ignore[no-any-return]

        async def moderate(self, content: Content) -> Verdict:
            return Verdict(decision=Decision.ALLOW)

    assert (await ask(all_of(Nameless()), CONTENT)).allowed
    assert all_of(Nameless()).name == "all_of(Nameless)"


async def test_a_verdict_is_never_milder_than_its_findings() -> None:
    lenient = Verdict(decision=Decision.ALLOW, findings=(finding(Decision.REWRITE), finding(Decision.BLOCK)))
    for moderator in (ScriptedModerator(lambda _: lenient), first_block(ScriptedModerator(lambda _: lenient))):
        assert (await ask(moderator, CONTENT)).decision is Decision.BLOCK


async def test_first_block_stops_where_the_findings_block_though_the_verdict_does_not() -> None:
    lenient = Verdict(decision=Decision.ALLOW, findings=(finding(Decision.BLOCK),))
    late = AllowAll()
    await first_block(ScriptedModerator(lenient), late).moderate(CONTENT)
    assert not late.seen


@given(st.lists(st.sampled_from(Decision), min_size=1, max_size=5))
def test_all_of_keeps_everything_and_holds_the_severest(decisions: list[Decision]) -> None:
    moderators = [
        ScriptedModerator(Verdict(decision=each, findings=(finding(each),), checked=frozenset({f"text:{index}"})))
        for index, each in enumerate(decisions)
    ]
    verdict = asyncio.run(_asked(all_of(*moderators)))
    assert verdict.decision is severest(*decisions)
    assert [found.decision for found in verdict.findings] == decisions
    assert verdict.checked == {f"text:{index}" for index in range(len(decisions))}


async def _asked(moderator: Moderator) -> Verdict:
    return await ask(moderator, CONTENT)


async def test_all_of_asks_all_at_once_and_cancels_none() -> None:
    order: list[str] = []
    gate = asyncio.Event()

    def taking(name: str, *, waits: bool) -> Moderator:
        class Slow:
            async def moderate(self, content: Content) -> Verdict:
                order.append(f"{name} starts")
                if waits:
                    await gate.wait()
                else:
                    gate.set()
                order.append(f"{name} ends")
                return Verdict(decision=Decision.ALLOW if waits else Decision.BLOCK, findings=())

        Slow.name = name  # type: ignore[attr-defined]
        return Slow()  # type: ignore[return-value]

    verdict = await all_of(taking("first", waits=True), taking("second", waits=False)).moderate(CONTENT)
    assert order == ["first starts", "second starts", "second ends", "first ends"]
    assert verdict.decision is Decision.BLOCK


async def test_first_block_asks_in_order_and_stops() -> None:
    early, blocker, late = AllowAll({"text:a"}), BlockOn("fox", "hate", checked={"text:b"}), AllowAll({"text:c"})
    verdict = await first_block(early, blocker, late).moderate(CONTENT)
    assert (len(early.seen), len(blocker.seen), len(late.seen)) == (1, 1, 0)
    assert verdict.checked == {"text:a", "text:b"}, "what was not asked has checked nothing"
    assert verdict.decision is Decision.BLOCK


@pytest.mark.parametrize("decision", [Decision.REWRITE, Decision.REVIEW])
async def test_first_block_goes_on_after_anything_milder(decision: Decision) -> None:
    late = BlockOn("fox", "hate")
    verdict = await first_block(BlockOn("fox", "sexual", decision=decision), late).moderate(CONTENT)
    assert late.seen
    assert verdict.decision is Decision.BLOCK
    assert {found.policy for found in verdict.findings} == {"sexual", "hate"}


async def test_first_block_without_a_block_asks_all() -> None:
    verdict = await first_block(AllowAll({"text:a"}), AllowAll({"text:b"})).moderate(CONTENT)
    assert verdict.allowed
    assert verdict.checked == {"text:a", "text:b"}


@given(st.lists(st.sampled_from(Decision), min_size=1, max_size=7), st.data())
def test_consensus_is_the_mildest_that_a_quorum_accepts(votes: list[Decision], data: st.DataObject) -> None:
    quorum = data.draw(st.integers(len(votes) // 2 + 1, len(votes)))
    voters = [ScriptedModerator(Verdict(decision=vote, findings=(finding(vote),), reason=vote)) for vote in votes]
    verdict = asyncio.run(_asked(consensus(*voters, quorum=quorum)))
    content = [sum(vote.severity <= each.severity for vote in votes) for each in Decision]
    assert verdict.decision is next(each for each, count in zip(Decision, content, strict=True) if count >= quorum)
    assert len(verdict.findings) == len(votes), "outvoted findings are kept"
    assert all(found.decision.severity <= verdict.decision.severity for found in verdict.findings)
    assert not verdict.failed


@pytest.mark.parametrize("kind", KINDS)
async def test_a_quorum_stands_without_one_broken_voter_and_says_so(kind: Failure) -> None:
    voters = (AllowAll({"text:hate"}), FailingModerator(kind), AllowAll({"text:hate", "text:sexual"}))
    verdict = await consensus(*voters, quorum=2).moderate(CONTENT)
    assert verdict.allowed
    assert not verdict.failed
    assert kind == "says_failed" or "failing" in verdict.reason
    assert verdict.checked == {"text:hate"}, "a pair counts where a quorum checked it"


async def test_consensus_tells_decided_from_broken() -> None:
    block, broken = BlockOn("fox", "hate"), FailingModerator("raises")
    decided = await consensus(block, block, broken, quorum=2).moderate(CONTENT)
    assert decided.decision is Decision.BLOCK
    assert not decided.failed
    tipped = await consensus(block, broken, AllowAll(), quorum=2).moderate(CONTENT)
    assert tipped.decision is Decision.BLOCK
    assert tipped.failed


async def test_one_moderator_is_asked_n_times() -> None:
    voter = ScriptedModerator(Decision.ALLOW, Decision.BLOCK, Decision.ALLOW)
    verdict = await consensus(voter, n=3, quorum=2).moderate(CONTENT)
    assert verdict.allowed
    assert len(voter.seen) == 3


async def test_within_lets_a_verdict_in_time_through() -> None:
    moderator = within(BlockOn("fox", "hate"), 5)
    assert moderator.name == "block_on"
    verdict = await moderator.moderate(CONTENT)
    assert verdict.decision is Decision.BLOCK
    assert not verdict.failed


async def test_a_late_answer_is_no_answer(stubborn: HangingModerator) -> None:
    verdict = await ask(stubborn, CONTENT, seconds=0.02)
    stubborn.release()
    await asyncio.sleep(0.01)
    assert verdict.failed, "released after its time was up, it would have allowed"


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (all_of, "at least one"),
        (first_block, "at least one"),
        (lambda: consensus(quorum=1), "at least one"),
        (lambda: all_of("hate"), "is not a moderator"),  # type: ignore[arg-type]
        (lambda: within(AllowAll, 0), "positive number"),  # type: ignore[arg-type]
        (lambda: within(AllowAll(), float("nan")), "positive number"),
        (lambda: within(AllowAll(), float("inf")), "positive number"),
        (lambda: within(AllowAll(), "5"), "positive number"),  # type: ignore[arg-type]
        (lambda: consensus(AllowAll(), n=3, quorum=1), "not a majority"),
        (lambda: consensus(AllowAll(), n=2, quorum=1), "not a majority"),
        (lambda: consensus(AllowAll(), n=3, quorum=4), "not a majority"),
        (lambda: consensus(AllowAll(), n=0, quorum=1), "n ≥ 1"),
        (lambda: consensus(AllowAll(), AllowAll(), n=2, quorum=2), "name several"),
    ],
)
def test_a_composition_that_cannot_work_is_not_built(build: Callable[[], Moderator], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build()


def test_names_show_what_is_inside() -> None:
    one, other = AllowAll(name="words"), AllowAll(name="pixels")
    assert all_of(one, other).name == "all_of(words, pixels)"
    assert first_block(one, all_of(other)).name == "first_block(words, all_of(pixels))"
    assert consensus(one, n=3, quorum=2).name == "consensus(words; 2 of 3)"


async def test_nothing_is_left_running() -> None:
    before = asyncio.all_tasks()
    for compose in ALONE.values():
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(compose(HangingModerator()).moderate(CONTENT), 0.01)
    for _ in range(6):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
