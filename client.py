"""Safelight for Python programs: one `await`, a stream of events, or a plain function for scripts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

from .agent.brief import Brief
from .assembly import Assembly, open_assembly
from .blocking import run_blocking
from .config import Settings, load_settings
from .errors import StoreError
from .events import Delivered, Event, ImagePartial
from .graphs.result import RunResult
from .provenance import Assessment
from .store import Store
from .warming import warm

if TYPE_CHECKING:
    from .provenance.keys import SigningIdentity

__all__ = ["Safelight", "generate"]


class Safelight:
    """One process's thinking mode.

    Use it as an async context manager, or call `aclose` when done; it opens what it needs on first use. `settings`
    are read from the environment and `safelight.toml` where not given. `identity` signs what is delivered, in place of
    the one that the settings name: for keys in a vault (`SigningIdentity.remote`). Any number of runs may be under way
    at once.
    """

    def __init__(self, settings: Settings | None = None, *, identity: SigningIdentity | None = None) -> None:
        self._settings = settings
        self._identity = identity
        self._exits = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._assembly: Assembly | None = None

    async def __aenter__(self) -> Self:
        await self.assembly()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the store. Runs that are under way must have ended, or are resumed by another process."""
        self._assembly = None
        await self._exits.aclose()

    async def assembly(self) -> Assembly:
        """The parts that this process runs on, opened on first use."""
        async with self._opening:
            if self._assembly is None:
                settings = self._settings or load_settings()
                asyncio.get_running_loop().run_in_executor(None, warm, settings)
                self._assembly = await self._exits.enter_async_context(open_assembly(settings, self._identity))
            return self._assembly

    async def run(self, brief: Brief) -> RunResult:
        """Run a brief to its end. A refusal is a result, not an exception.

        Raises:
            SafelightError: broken machinery; its `run_id` can be resumed.
        """
        runner = (await self.assembly()).runner
        return await self._finish(await runner.start(brief))

    async def resume(self, run_id: str, *, repeat_unknown: bool = False) -> RunResult:
        """Go on with a run that was interrupted. `repeat_unknown` sends calls again whose end is unknown."""
        return await self._finish(run_id, repeat_unknown=repeat_unknown)

    async def review(self, run_id: str, *, approve: bool, reviewer: str) -> RunResult:
        """Answer a run that waits for a human, and go on with it."""
        return await self._finish(run_id, answer={"approve": approve, "reviewer": reviewer})

    async def stream(self, brief: Brief) -> AsyncIterator[Event]:
        """The events of a new run, as they happen."""
        runner = (await self.assembly()).runner
        async for event in runner.stream(await runner.start(brief)):
            yield event

    async def image(self, ref: str) -> bytes:
        """The bytes of a delivered image or vector file, by its reference. What was made and not delivered (its set is
        still to be judged, or was refused) does not leave this way, nor does what a generator handed over unstamped.

        Raises:
            StoreError: nothing was delivered under this reference, or it was erased.
        """
        store = (await self.assembly()).store
        if not await _is_delivered(ref, store):
            raise StoreError(f"Nothing was delivered as {ref}: results and `Delivered` events name what was.")
        return await store.blobs.get(ref)

    async def preview(self, event: ImagePartial) -> bytes:
        """What an event shows of an image that is still being made: a small WebP that bears no stamp."""
        return await (await self.assembly()).store.blobs.get(event.ref)

    async def assess(self, data: bytes) -> Assessment:
        """Whether an encoded image is one of ours, by which evidence, and what was changed since. Raises BadImage."""
        return await (await self.assembly()).stamper.assess(data)

    async def _finish(self, run_id: str, **how: Any) -> RunResult:
        assembly = await self.assembly()
        async for _ in assembly.runner.stream(run_id, **how):
            pass
        record = await assembly.store.runs.get(run_id)
        if record is None or record.result is None:
            raise StoreError(f"Run {run_id} ended without a result in the store.", run_id=run_id)
        return RunResult.model_validate(record.result)


def generate(prompt: str, *, settings: Settings | None = None, **brief: Any) -> RunResult:
    """Run one prompt, for scripts that have no event loop. Keywords are the fields of `Brief`.

    Raises:
        SafelightError: broken machinery, or a call from within a running event loop.
    """

    async def once() -> RunResult:
        async with Safelight(settings) as safelight:
            return await safelight.run(Brief(prompt=prompt, **brief))

    return run_blocking(once, name="generate", instead="Safelight().run(…)")


async def _is_delivered(ref: str, store: Store) -> bool:
    known = await store.images.by_sha256(ref.removeprefix("sha256:"))
    record = await store.runs.get(known.run_id) if known else None
    if record is None:
        return False
    images = RunResult.model_validate(record.result).images if record.result else ()
    if any(ref in (each.ref, each.vector.ref if each.vector else "") for each in images):
        return True
    # The run may have let its set go, and be about to end.
    events = await store.runs.events(record.id)
    return any(ref in event.images for event in events if isinstance(event, Delivered))
