"""The runs of a server: driven in the background, heard by any number of listeners, taken up again after a crash."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import structlog

from ..agent.brief import Brief
from ..assembly import Assembly
from ..errors import BadInput, SafelightError
from ..events import Event, RunFinished
from ..graphs.runner import ENDED
from ..store import Job, RunRecord
from .auth import Caller
from .errors import ApiError, busy, not_found
from .live import Live
from .told import Told

__all__ = ["Asked", "RunManager"]

_log = structlog.get_logger(__name__)

_LEASE_SECONDS = 15.0
_POLL_SECONDS = 0.3
_RESTING = ENDED | {"failed", "suspended"}


@dataclass(frozen=True)
class Asked:
    """How a run was asked for: by which endpoint, with what it needs to answer again (JSON), and under which
    idempotency key (digests, hex). `detached` runs go on when their asker has gone."""

    kind: str = "native"
    request: dict[str, Any] = field(default_factory=dict)
    detached: bool = True
    idempotency: str | None = None
    body: str = ""
    webhook: str | None = None


class RunManager:
    """Owns the runs that this process drives.

    A run is booked in the store before it starts, under a lease that is renewed while the process lives. When a lease
    runs out, or its process is known to be dead, whichever server looks first takes the run up again from its last
    checkpoint: what was paid for is not paid for again.
    """

    def __init__(
        self,
        assembly: Assembly,
        *,
        booked: Callable[[str, Asked], Awaitable[None]] | None = None,
        ended: Callable[[str, str], Awaitable[None]] | None = None,
    ) -> None:
        self._runner = assembly.runner
        self._store = assembly.store
        self._max = assembly.settings.max_runs
        self._drain_seconds = assembly.settings.drain_seconds
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:12]}"[:128]
        self._live: dict[str, Live] = {}
        self._counts: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._booked = booked
        self._ended = ended
        self.draining = False

    @property
    def under_way(self) -> int:
        """How many runs this process drives now."""
        return len(self._live)

    async def open(self) -> None:
        """Take up what was left, and keep looking."""
        await self.resume_interrupted()
        self._spawn(self._keep_leases())

    async def start(self, brief: Brief, caller: Caller, asked: Asked = Asked()) -> str:
        """Book a run and set it going; returns its id. The same idempotency key gives the same run.

        Raises:
            ApiError: 409 for a key that stands for another request, 429 where too many runs are under way, 503 while
                the server is shutting down.
        """
        if asked.idempotency and (job := await self._store.jobs.by_idempotency(asked.idempotency)):
            return _same(job, asked)
        self._admit(caller)
        self._counts[caller.name] += 1
        try:
            run_id = self._runner.new_id()
            # Writes that are asked for together share a commit.
            run = self._runner.start(brief.model_copy(update={"account": caller.account}), run_id)
            booking = asyncio.create_task(
                self._store.jobs.add(
                    run_id, kind=asked.kind, request=asked.request, detached=asked.detached or bool(asked.idempotency),
                    owner=self._owner, seconds=_LEASE_SECONDS, idempotency=asked.idempotency, body=asked.body,
                )
            )  # fmt: skip
            try:
                await run
                job = await booking
            except Exception:
                await asyncio.wait([booking])
                await self._store.jobs.forget(run_id)  # nobody is to be told of a run that is not there
                raise
            if job.run_id != run_id:  # two at once under one key: the other was first
                await self._runner.cancel(run_id)
                return _same(job, asked)
            if self._booked is not None:
                await self._booked(run_id, asked)
            self._take_up(run_id, caller.name)
            return run_id
        finally:
            self._counts[caller.name] -= 1

    async def events(self, run_id: str, after: int | None = None) -> AsyncGenerator[Event, None]:
        """The events of a run after number `after`: those that are stored, then those that happen, until it ends or
        waits for a human. Listeners may come, go and come back; a run does not mind."""
        async with aclosing(self.batches(run_id, after)) as batches:
            async for batch in batches:
                for told in batch:
                    yield told.event

    async def batches(self, run_id: str, after: int | None = None) -> AsyncGenerator[list[Told], None]:
        """The same, as many at a time as there are."""
        last = -1 if after is None else after
        while True:
            live = self._live.get(run_id)
            record = None if live else await self._store.runs.get(run_id)
            known = live is not None and live.reaches(last)
            if not known and (stored := await self._store.runs.stored_events(run_id, after=last)):
                yield [Told(seq, text) for seq, text in stored]
                last = stored[-1][0]
            if live is not None:
                async with aclosing(live.follow(last)) as following:
                    async for batch in following:
                        yield batch
                        last = batch[-1].seq
                if self.draining:
                    return
            elif record is None or record.status in _RESTING:
                return
            else:
                await asyncio.sleep(_POLL_SECONDS)  # another process drives it, or will

    async def wait(self, run_id: str) -> RunRecord:
        """The run once it has ended or waits for a human."""
        async with aclosing(self.events(run_id)) as events:
            async for _ in events:
                pass
        record = await self._store.runs.get(run_id)
        if record is None:
            raise not_found("run")
        return record

    async def owned(self, run_id: str, caller: Caller) -> RunRecord:
        """The run, if it is the caller's. Raises ApiError 404 for another's as for none at all."""
        record = await self._store.runs.get(run_id) if len(run_id) <= 128 and run_id.isascii() else None
        if record is None or record.erased_at is not None or (record.account or "") != caller.account:
            raise not_found("run")
        return record

    async def cancel(self, run_id: str) -> bool:
        """End a run wherever it stands; False where it had ended. What is delivered stays delivered."""
        live = self._live.get(run_id)
        if live is not None and live.task is not None:
            live.cancelling = True
            live.task.cancel()
            await asyncio.wait([live.task])
            record = await self._store.runs.get(run_id)
            return record is not None and record.status == "cancelled"
        event = await self._runner.cancel(run_id)
        if event is not None:
            await self._finish(run_id, "cancelled")
        return event is not None

    async def leave(self, run_id: str) -> None:
        """Its asker has gone: end the run if it is still under way here."""
        if run_id in self._live and not self.draining:
            await self.cancel(run_id)

    async def review(self, run_id: str, *, approve: bool, reviewer: str) -> None:
        """Answer a run that waits for a human, and let it go on. Raises ApiError 409 where it does not wait."""
        record = await self._store.runs.get(run_id)
        if record is None or record.status != "suspended" or run_id in self._live:
            raise ApiError(409, "This run does not wait for a reviewer.", code="not_suspended")
        await self._store.jobs.reopen(run_id, self._owner, _LEASE_SECONDS)
        self._take_up(run_id, "review", {"approve": approve, "reviewer": reviewer})

    async def resume_interrupted(self) -> int:
        """Take up the runs that no living process drives; returns how many. Those whose asker is gone are ended."""
        owners = await self._store.jobs.owners()
        dead = frozenset(owner for owner in owners if _is_dead(owner))
        jobs = await self._store.jobs.claim(self._owner, _LEASE_SECONDS, dead=dead)
        for job in jobs:
            if job.detached:
                self._take_up(job.run_id, "resumed")
            else:
                await self._abandon(job)
        if jobs:
            _log.info("took up runs", count=len(jobs))
        return len(jobs)

    def begin_drain(self) -> None:
        """Take no new runs; those under way may end for a while, and are then put down, to be resumed."""
        if not self.draining:
            self.draining = True
            self._spawn(self._put_down(self._drain_seconds))

    async def aclose(self) -> None:
        """Put everything down, and let go of it."""
        self.draining = True
        await self._put_down(0)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._store.jobs.release(self._owner)

    def _admit(self, caller: Caller) -> None:
        if self.draining:
            raise busy("The server is shutting down; it will be back.", 5, status=503, code="server_shutting_down")
        starting = sum(self._counts.values())
        if len(self._live) + starting >= self._max:
            raise busy(f"{self._max} runs are under way; no more are taken.", 2, code="server_busy")
        mine = sum(1 for live in self._live.values() if live.caller == caller.name) + self._counts[caller.name]
        most = int(caller.limits.get("concurrency", self._max))
        if mine >= most:
            raise busy(f"This key may have {most} runs under way at once.", 2, code="concurrency_limit_exceeded")

    def _take_up(self, run_id: str, caller: str, answer: dict[str, Any] | None = None) -> None:
        live = self._live[run_id] = Live(run_id, caller)
        live.task = self._spawn(self._drive(live, answer))

    async def _drive(self, live: Live, answer: dict[str, Any] | None) -> None:
        try:
            async with aclosing(self._runner.stream(live.run_id, answer=answer)) as events:
                async for event in events:
                    if isinstance(event, RunFinished):
                        await self._finish(live.run_id, event.status)
                    live.add(event)
        except asyncio.CancelledError:
            if not live.cancelling:
                raise
            last = await self._runner.cancel(live.run_id)
            if last is not None:
                await self._finish(live.run_id, "cancelled")
                live.add(last)
        except BadInput:  # it had ended, and only the note of it was lost
            record = await self._store.runs.get(live.run_id)
            await self._runner.conclude(live.run_id)
            await self._finish(live.run_id, record.status if record else "failed")
        except SafelightError as error:
            _log.error("run failed", run_id=live.run_id, exc_info=error)
            with suppress(SafelightError):  # the run has said so itself, unless the store failed it
                await self._store.runs.update(live.run_id, status="failed")
                await self._store.jobs.finish(live.run_id)
        finally:
            self._live.pop(live.run_id, None)
            live.close()

    async def _finish(self, run_id: str, status: str) -> None:
        await self._store.jobs.finish(run_id)
        if self._ended is not None and status != "suspended":
            await self._ended(run_id, status)

    async def _abandon(self, job: Job) -> None:
        with suppress(BadInput):
            await self._runner.cancel(job.run_id)
        await self._finish(job.run_id, "cancelled")

    async def _put_down(self, seconds: float) -> None:
        tasks = [live.task for live in self._live.values() if live.task is not None]
        if tasks and seconds:
            await asyncio.wait(tasks, timeout=seconds)
        tasks = [task for task in tasks if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 3)
            try:
                await self._store.jobs.renew(self._owner, _LEASE_SECONDS)
                if not self.draining:
                    await self.resume_interrupted()
            except SafelightError as error:
                _log.error("leases could not be renewed", exc_info=error)

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _same(job: Job, asked: Asked) -> str:
    if job.body != asked.body:
        raise ApiError(
            409, "This Idempotency-Key stands for another request: use a new one.", code="idempotency_key_in_use"
        )
    return job.run_id


def _is_dead(owner: str) -> bool:
    """Whether the process of that name was on this machine, and is no more."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or not rest.isdigit() or int(rest) == os.getpid():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
