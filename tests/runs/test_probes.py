"""What other frameworks were seen to let through, tried on whole runs: races between guards and work, streams, broken
guards. The same for graphs is in `tests/graphs/test_bypasses.py` and `test_speculation.py`."""

from __future__ import annotations

import asyncio
import io
import time
from typing import Any

import pytest
from PIL import Image

from safelight.agent.brief import Attachment, Brief
from safelight.agent.reasoner import Understanding
from safelight.errors import BadInput
from safelight.safety.compose import within
from safelight.safety.content import Content, Stage
from safelight.safety.verdict import Decision, Finding, Verdict
from safelight.testing import (
    BlockOn,
    FailingModerator,
    HangingModerator,
    ScriptedModerator,
    ScriptedReasoner,
    ScriptedSearch,
)
from safelight.tools.source import SearchHit

from .conftest import Build

FORBIDDEN = "a forbidden thing"
HIT = SearchHit(title="A page", url="https://page.example/", snippet="of something", provider="scripted")


class Paced:
    """Answers as another moderator does, but takes its time."""

    def __init__(self, inner: Any, seconds: float) -> None:
        self.name, self._inner, self._seconds = inner.name, inner, seconds

    async def moderate(self, content: Content) -> Verdict:
        await asyncio.sleep(self._seconds)
        return await self._inner.moderate(content)  # type: ignore[no-any-return]


class PacedReasoner(ScriptedReasoner):
    """Thinks aloud at once, and then takes its time over it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            understanding=Understanding(summary="a thing", subject="a thing", count=1, queries=("what it is",)),
            thoughts=(f"They want {FORBIDDEN}.",),
        )
        self.seconds, self.cancelled = seconds, False

    async def understand(self, brief: Brief, think: Any) -> Understanding:
        found = await super().understand(brief, think)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return found


def forbids(*, seconds: float = 0.0) -> Paced:
    return Paced(BlockOn("forbidden", "hate"), seconds)


@pytest.mark.parametrize("mode", ["thinking", "instant"])
@pytest.mark.parametrize(("guard", "planner"), [(0.15, 0.03), (0.03, 0.15), (0.0, 0.0)])
async def test_whoever_wins_the_race_nothing_is_called_and_nothing_is_shown(
    build: Build, mode: Any, guard: float, planner: float
) -> None:
    """A guard that ran beside the planner, and lost: elsewhere the tool was called before it tripped."""
    search = ScriptedSearch(default=(HIT,))
    world = await build({Stage.PROMPT: forbids(seconds=guard)}, reasoner=PacedReasoner(planner), search=search)
    result, events = await world.run(Brief(prompt=FORBIDDEN, n=2, mode=mode))
    await asyncio.sleep(0.2)
    assert result.status == "refused"
    assert world.generator.requests == []
    assert search.queries == []
    kinds = {event.type for event in events}
    assert kinds == {"run.started", "verdict", "refused", "run.finished"}
    assert await world.store.runs.events(result.run_id) == events, "something was said after the end"


async def test_a_refusal_does_not_wait_for_the_reasoner(build: Build) -> None:
    reasoner = PacedReasoner(30)
    world = await build({Stage.PROMPT: forbids()}, reasoner=reasoner)
    begun = time.perf_counter()
    result, _ = await world.run(Brief(prompt=FORBIDDEN))
    assert time.perf_counter() - begun < 10
    assert result.status == "refused"
    assert reasoner.cancelled
    assert [what for what, _ in reasoner.asked] == ["understand"]


async def test_thoughts_are_held_and_then_shown(build: Build) -> None:
    world = await build({Stage.PROMPT: forbids(seconds=0.05)}, reasoner=PacedReasoner(0))
    _, events = await world.run(Brief(prompt="a permitted thing", n=1))
    order = [event.type for event in events if event.type in {"verdict", "thinking"}]
    assert order[:2] == ["verdict", "thinking"]


@pytest.mark.parametrize("kind", ["raises", "none", "prose", "says_failed", "cancels"])
@pytest.mark.parametrize("stage", [Stage.PROMPT, Stage.PLAN, Stage.GENERATOR_INPUT, Stage.GENERATOR_OUTPUT])
async def test_a_broken_guard_is_a_no_that_says_so(build: Build, kind: Any, stage: Stage) -> None:
    """Elsewhere a check that raised passed, or was told as ordinary text of the assistant."""
    world = await build({stage: FailingModerator(kind)})
    result, events = await world.run(Brief(prompt="a cat", n=1))
    assert result.status in {"refused", "failed"}
    assert result.images == ()
    assert result.refusal is not None
    assert "SECRET PROMPT" not in "".join(event.model_dump_json() for event in events)
    if stage is not Stage.GENERATOR_OUTPUT:
        assert world.generator.requests == []


async def test_a_guard_that_hangs_is_a_no(build: Build) -> None:
    world = await build({Stage.GENERATOR_OUTPUT: within(HangingModerator(), 0.05)})
    result, _ = await world.run(Brief(prompt="a cat", n=1))
    assert result.images == ()
    assert result.refusal is not None
    assert result.refusal.failed


async def test_the_guard_sees_the_picture(build: Build) -> None:
    """Elsewhere an image in the request reached the check as an empty text, or not at all."""
    seen: list[Content] = []

    def look(content: Content) -> Verdict:
        seen.append(content)
        finding = Finding(policy="sexual", category="sexual", score=1.0, decision=Decision.BLOCK, moderator="eye")
        return Verdict(decision=Decision.BLOCK, findings=(finding,), moderator="eye")

    world = await build({Stage.PROMPT: ScriptedModerator(look)})
    target = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(target, "PNG")
    ref = await world.store.blobs.put(target.getvalue())
    picture = Attachment(kind="image", ref=ref, name="in.png", media_type="image/png")
    result, _ = await world.run(Brief(prompt="make it blue", attachments=(picture,)))
    assert result.status == "refused"
    assert [image.data for image in seen[0].images] == [target.getvalue()]
    assert world.generator.requests == []


async def test_of_a_blocked_image_nothing_leaves(build: Build) -> None:
    """Elsewhere the text that an output guard blocked had been streamed in full by then."""
    blocks = ScriptedModerator(lambda _: Verdict(decision=Decision.BLOCK, moderator="eye", reason="no"))
    world = await build({Stage.GENERATOR_OUTPUT: blocks})
    result, events = await world.run(Brief(prompt="a cat", n=2))
    assert result.status in {"refused", "failed"}
    kinds = {event.type for event in events}
    assert not kinds & {"image.finished", "image.partial", "delivered"}
    told = "".join(event.model_dump_json() for event in events) + result.model_dump_json()
    assert "sha256:" not in told


async def test_an_ended_run_is_not_run_again(build: Build) -> None:
    world = await build({Stage.PROMPT: forbids()})
    result, _ = await world.run(Brief(prompt=FORBIDDEN))
    with pytest.raises(BadInput, match="already ended"):
        await world.go_on(result.run_id)


async def test_two_runs_at_once_do_not_share_a_verdict(build: Build) -> None:
    """One that is allowed beside one that is blocked, over the same graph and guard, in any order of arrival."""
    world = await build({Stage.PROMPT: forbids(seconds=0.01)}, reasoner=PacedReasoner(0.01))
    briefs = [Brief(prompt=FORBIDDEN if number % 2 else "a permitted thing", n=1) for number in range(8)]
    results = await asyncio.gather(*(world.run(brief) for brief in briefs))
    statuses = [result.status for result, _ in results]
    assert statuses == ["delivered", "refused"] * 4
    assert len(world.generator.requests) == 4
    for result, events in results:
        assert {event.run_id for event in events} == {result.run_id}
