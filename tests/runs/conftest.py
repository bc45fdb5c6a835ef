"""Runs over scripted tools and moderators, on a real store with real checkpoints."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from safelight.agent.brief import Brief
from safelight.agent.reasoner import Reasoner
from safelight.config import Settings
from safelight.errors import FetchRefused
from safelight.events import Event
from safelight.graphs.result import RunResult
from safelight.graphs.runner import Runner
from safelight.graphs.services import Budget, PartialImages, RunRecorder, Services, Toolbox
from safelight.provenance.stamp import Assessment, Stamp, StampFacts
from safelight.safety.clearance import ClearanceOffice
from safelight.safety.content import Stage
from safelight.safety.guard import Guard
from safelight.safety.moderator import Moderator
from safelight.safety.policy import PolicySet
from safelight.safety.stack import SafetyStack
from safelight.store import Store, open_checkpointer, strict_serializer
from safelight.testing import AllowAll, ScriptedGenerator, ScriptedReasoner, ScriptedSearch, every_pair
from safelight.tools.source import Document, SearchHit

if TYPE_CHECKING:
    from safelight.assembly import Assembly


class PlainStamper:
    """Marks images by appending to them, and remembers the facts: what a run does with stamps, not what they are."""

    def __init__(self) -> None:
        self.stamped: list[StampFacts] = []

    async def stamp(self, data: bytes, media_type: str, facts: StampFacts) -> tuple[bytes, Stamp]:
        self.stamped.append(facts)
        marked = data + b"stamped"
        digest = hashlib.sha256(marked).hexdigest()
        return marked, Stamp(
            image_id=f"{facts.run_id}-{facts.image}",
            sha256=digest,
            manifest_id=None,
            watermark=None,
            fingerprint="f",
            signer="none",
            development=True,
        )

    async def stamp_vector(self, data: bytes, media_type: str, shown: bytes, facts: StampFacts) -> tuple[bytes, Stamp]:
        del shown
        return await self.stamp(data, media_type, facts)

    async def assess(self, data: bytes) -> Assessment:
        raise AssertionError("a run stamps, and assesses nothing")


@dataclass
class Surroundings:
    """One run's surroundings, and what happened."""

    services: Services
    runner: Runner
    store: Store
    generator: ScriptedGenerator
    reasoner: Any
    stamper: PlainStamper

    async def run(self, brief: Brief, **how: Any) -> tuple[RunResult, list[Event]]:
        return await self.go_on(await self.runner.start(brief), **how)

    async def go_on(self, run_id: str, **how: Any) -> tuple[RunResult, list[Event]]:
        events = [event async for event in self.runner.stream(run_id, **how)]
        record = await self.store.runs.get(run_id)
        assert record is not None
        return RunResult.model_validate(record.result), events


Build = Callable[..., Awaitable[Surroundings]]


@pytest.fixture
async def build(tmp_path: Path) -> AsyncIterator[Build]:
    """Makes surroundings for runs; every part may be replaced."""
    exits = AsyncExitStack()
    numbers = count(1)

    async def build(
        moderator: Moderator | Mapping[Stage, Moderator] | None = None,
        *,
        reasoner: Reasoner | None = None,
        more_reasoners: tuple[Reasoner, ...] = (),
        budget: Budget | None = None,
        generator: ScriptedGenerator | None = None,
        stamper: PlainStamper | None = None,
        search: ScriptedSearch | None = None,
        pages: Mapping[str, Document] | None = None,
        human_review: bool = False,
        fallbacks: tuple[ScriptedGenerator, ...] = (),
        partial_images: PartialImages = "off",
        place: Path | None = None,
        in_memory: bool = False,
    ) -> Surroundings:
        folder = place or tmp_path
        database = "sqlite://" if in_memory else f"sqlite+aiosqlite:///{folder / 'test.db'}"
        blobs = "memory://" if in_memory else (folder / "blobs").as_uri()
        store = await exits.enter_async_context(Store.open(database, blobs, b"l" * 32))
        if in_memory:
            saver: BaseCheckpointSaver[Any] = InMemorySaver(serde=strict_serializer())
        else:
            saver = await exits.enter_async_context(open_checkpointer(folder / "checkpoints.db"))
        policies = PolicySet.load()
        everywhere = AllowAll(every_pair(policies))
        stages: dict[Stage, Moderator] = dict.fromkeys(Stage, everywhere)
        if isinstance(moderator, Mapping):
            stages |= moderator
        elif moderator is not None:
            stages = dict.fromkeys(Stage, moderator)
        office = ClearanceOffice({"k1": b"k" * 32}, "k1", policies.version)
        recorder = RunRecorder(store.recorder)
        stack = SafetyStack(policies, stages, 5.0, human_review=human_review)

        async def read(hit: SearchHit) -> Document:
            if hit.url not in (pages or {}):
                raise FetchRefused(f"{hit.url} is out of reach.")
            return (pages or {})[hit.url]

        async def open_file(data: bytes, name: str) -> Document:
            return Document(title=name, url=f"attachment:{name}", text=data.decode())

        reasoner, generator = reasoner or ScriptedReasoner(), generator or ScriptedGenerator()
        stamper = stamper or PlainStamper()
        services = Services(
            policies=policies,
            guard=Guard(stack, office, recorder),
            office=office,
            recorder=recorder,
            store=store,
            reasoner=reasoner,
            drafter=reasoner,
            reasoner_fallbacks=more_reasoners,
            budget=budget or Budget(),
            tools=Toolbox(search.search if search else None, read, open_file, generator, fallbacks),
            stamper=stamper,
            generating=asyncio.Semaphore(4),
            partial_images=partial_images,
            account_key=b"a" * 32,
        )
        runner = Runner(services, saver, new_id=lambda: f"run_{next(numbers)}")
        return Surroundings(services, runner, store, generator, reasoner, stamper)

    async with exits:
        yield build


@pytest.fixture
async def assembly(settings: Settings) -> AsyncIterator[Assembly]:
    """The embedded default in an empty home: real models, real illustrator, real stamps."""
    from safelight.assembly import open_assembly

    async with open_assembly(settings) as opened:
        yield opened
