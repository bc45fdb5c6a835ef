"""Runs a graph: start, stream, suspend, resume, and put the outcome together."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import time
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command

from ..agent.brief import Brief
from ..errors import BadInput, SafelightError, StoreError
from ..events import Event, RunFinished, RunStarted, Suspended
from ..services import billing
from .edit import edit_graph
from .effects import Effects
from .emitter import Emitter
from .instant import instant_graph
from .outcome import assemble
from .result import Refusal, RunResult
from .services import RunContext, Services
from .thinking import thinking_graph

__all__ = ["ENDED", "Runner"]

_log = structlog.get_logger(__name__)

MODES = {"thinking": thinking_graph, "instant": instant_graph, "edit": edit_graph}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # of the disk, the quota, or a limit set on the process
ENDED = frozenset({"delivered", "partial", "refused", "cancelled", "planned"})
"""Statuses that nothing follows on. A `failed` run can be resumed, a `suspended` one answered."""
_RECURSION_LIMIT = 40  # the longest way through a graph is some 15 steps


class Runner:
    """Holds the compiled graphs of one process, and runs briefs through them.

    A run is known by its id from its first moment; whatever happens to the process, `resume` continues it from its
    last checkpoint without paying for anything twice.
    """

    def __init__(
        self,
        services: Services,
        checkpointer: BaseCheckpointSaver[str],
        *,
        new_id: Callable[[], str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._services = services
        self._new_id = new_id
        self._clock = clock
        self._checkpointer = checkpointer
        effects = Effects(services)
        self.graphs = {mode: build(effects).compile(checkpointer=checkpointer) for mode, build in MODES.items()}

    def new_id(self) -> str:
        """An id that no run has."""
        return self._new_id()

    async def start(self, brief: Brief, run_id: str | None = None) -> str:
        """Book a new run, and return its id: the one that is given, or a new one."""
        run_id = run_id or self._new_id()
        store = self._services.store
        mode = "edit" if brief.is_edit else brief.mode
        await store.runs.create(run_id, brief=brief.model_dump(mode="json"), mode=mode, account=brief.account or None)
        refs = [*(item.ref for item in brief.attachments), *(ref for turn in brief.turns for ref in turn.images)]
        refs += brief.manifests.values()
        for ref in dict.fromkeys(refs):  # from now on they are this run's, and go when it is erased
            await store.keep(run_id, await store.blobs.get(ref))
        return run_id

    async def conclude(self, run_id: str) -> None:
        """Tell the end of a run that has ended, where a kill came between the end and its event."""
        runs = self._services.store.runs
        record, first = await runs.get(run_id), await runs.next_seq(run_id)
        last = await runs.events(run_id, after=first - 2)
        if record is None or record.status not in ENDED or any(isinstance(event, RunFinished) for event in last):
            return
        result = RunResult.model_validate(record.result).public() if record.result else {}
        fields: dict[str, Any] = {"status": record.status, "result": result}
        await runs.append_event(RunFinished(run_id=run_id, seq=first, at=self._clock(), **fields))

    async def stream(
        self, run_id: str, *, repeat_unknown: bool = False, answer: dict[str, Any] | None = None
    ) -> AsyncGenerator[Event, None]:
        """Run, or go on with, a booked run; yields its events from here on, `RunFinished` being the last.

        `answer` is a human reviewer's (`{"approve": bool, "reviewer": str}`), for a run that waits for one.

        Raises:
            BadInput: there is no such run, or it has already ended.
            SafelightError: broken machinery; the run can be resumed.
        """
        context, brief = await self._open(run_id, repeat_unknown)
        work = asyncio.create_task(self._work(context, brief, answer))
        work.add_done_callback(lambda _: context.emitter.close())
        try:
            while (event := await context.emitter.queue.get()) is not None:
                yield event
            await work
        finally:
            if not work.done():
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work
            self._services.recorder.emitters.pop(run_id, None)

    async def cancel(self, run_id: str) -> Event | None:
        """End a run that is not under way in any process; returns its last event, None where it had already ended.

        Raises:
            BadInput: there is no such run.
        """
        runs = self._services.store.runs
        record = await runs.get(run_id)
        if record is None:
            raise BadInput(f"There is no run {run_id}. `safelight runs` lists the runs that there are.")
        if record.status in ENDED or record.status == "failed":
            return None
        await runs.update(run_id, status="cancelled")
        event = RunFinished(run_id=run_id, seq=await runs.next_seq(run_id), at=self._clock(), status="cancelled")
        await runs.append_event(event)
        return event

    async def erase(self, run_id: str) -> None:
        """Erase what the run holds of its owner's, its checkpoints too. Raises StoreError, as `Store.erase`."""
        await self._checkpointer.adelete_thread(run_id)
        await self._services.store.erase(run_id)

    async def _open(self, run_id: str, repeat_unknown: bool) -> tuple[RunContext, Brief]:
        runs = self._services.store.runs
        record, first = await asyncio.gather(runs.get(run_id), runs.next_seq(run_id))
        if record is None:
            raise BadInput(f"There is no run {run_id}. `safelight runs` lists the runs that there are.")
        if record.status in ENDED:
            raise BadInput(f"Run {run_id} has already ended ({record.status}).")
        emitter = Emitter(run_id, first=first, clock=self._clock, keep=runs.append_event)
        self._services.recorder.emitters[run_id] = emitter
        brief = Brief.model_validate(record.brief)
        context = RunContext(
            run_id, self._services, emitter, repeat_unknown, account=brief.account, manifests=brief.manifests
        )
        await self._limit_account(context)
        return context, brief

    async def _limit_account(self, context: RunContext) -> None:
        """The run may spend no more than what its account has left for 24 hours."""
        most = self._services.budget.account_dollars
        if most is None:
            return
        since = self._clock() - timedelta(days=1)
        left = max(0.0, most - await self._services.store.runs.spent(context.account or None, since))
        limit = context.bill.limit
        context.bill.limit = left if limit is None else min(limit, left)

    async def _work(self, context: RunContext, brief: Brief, answer: dict[str, Any] | None) -> None:
        begun = time.perf_counter()
        mode = "edit" if brief.is_edit else brief.mode
        graph = self.graphs[mode]
        config = RunnableConfig(configurable={"thread_id": context.run_id}, recursion_limit=_RECURSION_LIMIT)
        # A run speaks before its first step: one that has said nothing has no checkpoint either.
        resumed = context.emitter.spoke and bool((await graph.aget_state(config)).values)
        await context.emit(RunStarted, mode=mode, n=brief.n or 0, resumed=resumed)
        if answer is not None:
            given: Any = Command(resume=answer)
        else:
            given = None if resumed else {"brief": brief.model_dump(mode="json")}
        if resumed:
            await context.restore_bill()
        elif brief.mode == "thinking" and self._services.reasoner.name != "embedded":
            name = self._services.reasoner.name  # with the version of its prompts
            await self._services.store.ledger.append("reasoner", run_id=context.run_id, payload={"name": name})
        runs = self._services.store.runs
        await runs.update(context.run_id, status="running")
        try:
            with billing(context.bill):
                state = await graph.ainvoke(given, config, context=context, durability="sync")
        except asyncio.CancelledError:
            await runs.update(context.run_id, status="interrupted", cost=context.bill.total)
            raise
        except Exception as error:
            broken = _as_own(error, context.run_id)
            await runs.update(context.run_id, status="failed", cost=context.bill.total)
            await context.emit(RunFinished, status="failed", result={"run_id": context.run_id, "error": str(broken)})
            raise broken from error
        context.timings["total"] = round(time.perf_counter() - begun, 4)
        result = assemble(context, dict(state))
        if result.status == "suspended":
            for item in state["__interrupt__"]:
                await context.emit(Suspended, stage=item.value["stage"], policies=tuple(item.value["policies"]))
        await self._close(context, result)

    async def _close(self, context: RunContext, result: RunResult) -> None:
        store = self._services.store
        if isinstance(result.refusal, Refusal):
            await store.ledger.append(
                "refusal",
                run_id=context.run_id,
                payload={"stage": result.refusal.stage, "policies": list(result.refusal.policies)},
            )
        await store.runs.update(
            context.run_id,
            status=result.status,
            result=result.model_dump(mode="json"),
            cost=result.cost.get("total", 0.0),
        )
        await context.emit(RunFinished, status=result.status, result=result.public())


def _as_own(error: Exception, run_id: str) -> SafelightError:
    """The error as one of ours, with its run. A foreign one may quote content: its text goes to the log alone."""
    if isinstance(error, SafelightError):
        error.run_id = error.run_id or run_id
        return error
    _log.error("run broke", run_id=run_id, exc_info=error)
    if isinstance(error, OSError) and error.errno in _FULL:
        return StoreError(f"The disk is full ({error.strerror}): make room, then resume.", run_id=run_id)
    return SafelightError(f"The run broke unexpectedly ({type(error).__name__}); the log says more.", run_id=run_id)
