"""Cancel a run at every point at which it waits: nothing uncleared is left, and it goes on without paying twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Coroutine, Generator
from typing import Any

import pytest

from safelight.agent.brief import Brief
from safelight.agent.reasoner import Understanding
from safelight.events import Event
from safelight.testing import ScriptedGenerator, ScriptedReasoner, ScriptedSearch
from safelight.tools.images.generator import GeneratedImage, ImageRequest
from safelight.tools.source import Document, SearchHit

from .conftest import Build, Surroundings

HIT = SearchHit(title="Bread", url="https://bread.example/", snippet="flour, water, salt", provider="scripted")
BRIEF = Brief(prompt="how bread is baked", n=2)


class Counted(Coroutine[Any, Any, Any]):
    """A coroutine whose every step is told to the clock."""

    def __init__(self, inner: Coroutine[Any, Any, Any], clock: Clock) -> None:
        self._inner, self._clock = inner, clock

    def send(self, value: Any) -> Any:
        self._clock.tick()
        return self._inner.send(value)

    def throw(self, *error: Any) -> Any:
        return self._inner.throw(*error)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()


class Clock:
    """Counts the steps of all tasks, and cancels `task` at the step `at`."""

    def __init__(self, at: int) -> None:
        self.at, self.steps = at, 0
        self.task: asyncio.Task[Any] | None = None

    def tick(self) -> None:
        self.steps += 1
        if self.steps == self.at and self.task is not None:
            self.task.cancel()

    @contextlib.contextmanager
    def counting(self) -> Generator[None]:
        loop = asyncio.get_running_loop()

        def make(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
            return asyncio.Task(Counted(coro, self), loop=loop, **options)  # type: ignore[arg-type]

        loop.set_task_factory(make)  # type: ignore[arg-type]
        try:
            yield
        finally:
            loop.set_task_factory(None)


class Metered(ScriptedGenerator):
    """A generator that takes a few steps, and knows which of its calls it could finish."""

    def __init__(self) -> None:
        super().__init__()
        self.finished: list[bytes] = []

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        made = await super().generate(request)
        for _ in range(3):
            await asyncio.sleep(0)
        self.finished.append(request.digest)
        return made


async def world_of(build: Build) -> Surroundings:
    understanding = Understanding(summary="bread", subject="bread", count=2, queries=("how is bread baked",))
    reasoner = ScriptedReasoner(understanding=understanding, thoughts=("It is about bread.",))
    return await build(
        reasoner=reasoner,
        generator=Metered(),
        search=ScriptedSearch(default=(HIT,)),
        pages={HIT.url: Document(title="Bread", url=HIT.url, text="Bread is baked of flour, water and salt.")},
        in_memory=True,
    )


async def cancelled_at(world: Surroundings, at: int) -> tuple[str, list[Event], int]:
    """A run that was cancelled at its `at`-th step: its id, the events that left, and how many steps there were."""
    run_id, clock, seen = await world.runner.start(BRIEF), Clock(at), []

    async def follow() -> None:
        async for event in world.runner.stream(run_id):
            seen.append(event)

    with clock.counting():
        clock.task = asyncio.ensure_future(follow())
        with contextlib.suppress(asyncio.CancelledError):
            await clock.task
    return run_id, seen, clock.steps


def assert_nothing_uncleared(events: list[Event]) -> None:
    """Whatever shows content comes after the verdict that lets it."""
    passed: Counter[tuple[str, int | None]] = Counter()
    for event in events:
        match event.type:
            case "verdict":
                assert event.decision == "allow"
                passed[event.stage, event.image] += 1
            case "thinking":
                assert passed["prompt", None]
            case "search" | "source":
                assert passed["tool_result", None]
            case "plan":
                assert passed["plan", None]
            case "image.finished":
                assert passed["generator_output", event.image]
            case "delivered":
                assert passed["image_set", None]


async def assert_goes_on(world: Surroundings, run_id: str, seen: list[Event]) -> None:
    generator = world.generator
    assert isinstance(generator, Metered)
    asked, done = Counter(request.digest for request in generator.requests), set(generator.finished)
    assert_nothing_uncleared(seen)
    stored = await world.store.runs.events(run_id)
    assert stored[: len(seen)] == seen, "somebody saw what was not kept"
    assert_nothing_uncleared(stored)
    record = await world.store.runs.get(run_id)
    assert record is not None
    if record.status not in {"delivered", "partial"}:
        assert "run.finished" not in {event.type for event in stored}
        result, _ = await world.go_on(run_id)
        cut_off = sum(digest not in done for digest in asked)
        gaps = [image.gap for image in result.images if image.gap is not None]
        # A call that was cut off may have been billed: it is not silently made again, and the gap says so.
        assert len(gaps) == cut_off, gaps
        assert all("unknown" in gap.reason for gap in gaps)
        assert result.status == {0: "delivered", 1: "partial", 2: "failed"}[cut_off]
    asked = Counter(request.digest for request in generator.requests)
    assert set(asked.values()) <= {1}, "a generator was called twice"
    stored = await world.store.runs.events(run_id)
    assert [event.seq for event in stored] == list(range(len(stored)))
    assert_nothing_uncleared(stored)


async def sweep(build: Build, points: range) -> int:
    """Cancel at each of these points; returns how many steps a run takes that nobody cancels."""
    world = await world_of(build)
    for at in points:
        world.generator.requests.clear()
        world.generator.finished.clear()  # type: ignore[attr-defined]
        run_id, seen, steps = await cancelled_at(world, at)
        await assert_goes_on(world, run_id, seen)
        if steps < at:
            break
    await world.store.ledger.verify()
    return steps


async def test_cancelled_here_and_there_a_run_leaves_nothing_uncleared_and_goes_on(build: Build) -> None:
    assert await sweep(build, range(2, 10_000, 29)) > 200, "there were hardly any points to cancel at"


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_cancelled_at_every_step_a_run_leaves_nothing_uncleared_and_goes_on(build: Build) -> None:
    await sweep(build, range(1, 10_000))
