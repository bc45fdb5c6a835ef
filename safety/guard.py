"""Guards: what wraps a callable so that only cleared content goes in, and only cleared content comes out.

    effect = guard(search, guard=..., stage_in=Stage.TOOL_CALL, stage_out=Stage.TOOL_RESULT,
                   content_in=lambda query: Content.of_text(Stage.TOOL_CALL, query),
                   content_out=lambda hits, query: Content.of_text(Stage.TOOL_RESULT, "\\n".join(hits), trusted=False))
    outcome = await effect.run("how vaccines are made", run_id=run_id)     # Cleared, or Blocked

A block is a value. `Uncleared` is raised where something would have run without its check; `StoreError` where the
decision could not be recorded, and then nothing moves either.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from ..errors import ConfigError, StoreError, Uncleared
from .clearance import Clearance, ClearanceOffice
from .content import Content, Stage
from .effect import Describe, Effect
from .outcome import Blocked, Cleared, Declined, is_cleared
from .stack import SafetyStack
from .verdict import Decision, Verdict

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langchain_core.tools import BaseTool

__all__ = [
    "Blocked",
    "Cleared",
    "Declined",
    "Describe",
    "Effect",
    "Guard",
    "Recorder",
    "guard",
    "guard_tool",
    "is_cleared",
]

In = TypeVar("In")
Out = TypeVar("Out")


class Recorder(Protocol):
    """Whatever keeps the record (the ledger). A method that raises stops what it was to record."""

    async def verdict(
        self, *, run_id: str, content: Content, verdict: Verdict, clearance: Clearance | None = None
    ) -> None:
        """A verdict, with the clearance that was issued upon it: one after the other, and both or none."""

    async def effect(self, *, run_id: str, name: str, digest: bytes) -> None: ...


class Guard:
    """The one choke point: judges content, records the verdict, and issues what an effect will demand.

    Raises:
        ConfigError: the stack and the office work under different policies.
    """

    def __init__(self, stack: SafetyStack, office: ClearanceOffice, recorder: Recorder | None = None) -> None:
        if stack.policies.version != office.policy_version:
            raise ConfigError(
                f"The stack judges under policies {stack.policies.version}, the office issues under "
                f"{office.policy_version}: build both from the same PolicySet."
            )
        self._stack = stack
        self._office = office
        self._recorder = recorder

    @property
    def stack(self) -> SafetyStack:
        return self._stack

    async def check(self, content: Content, *, run_id: str) -> Cleared[Content] | Blocked:
        """Judge, record, and clear what was allowed.

        Raises:
            StoreError: the verdict or the clearance could not be recorded; nothing is cleared then.
            Uncleared: the run id cannot stand in a clearance.
        """
        return await self._settle(content, await self._stack.judge(content), run_id)

    async def decide(self, content: Content, verdict: Verdict, *, run_id: str) -> Cleared[Content] | Blocked:
        """The outcome of a human's verdict on content that was held for review. Raises as `check` does.

        Raises:
            Uncleared: the verdict is not marked as a human's (`moderator="human:…"`), is neither allow nor block, or
                no human review is configured.
        """
        if not self._stack.human_review:
            fault = "no human review is configured"
        elif type(verdict) is not Verdict or not verdict.moderator.startswith("human:"):
            fault = "the verdict is not marked as a human's"
        elif verdict.decision not in {Decision.ALLOW, Decision.BLOCK}:
            fault = f"a human allows or blocks; the verdict is {verdict.decision}"
        else:
            return await self._settle(content, verdict, run_id)
        raise Uncleared(f"No decision: {fault}.", run_id=run_id, stage=content.stage)

    async def refuse(self, content: Content, verdict: Verdict, *, run_id: str) -> Blocked:
        """Record a block that no moderator gave, such as one of content that could not even be described."""
        await self._record("verdict", run_id, content=content, verdict=verdict)
        return Blocked(verdict, content.stage)

    def demand(self, clearance: Clearance | None, content: Content, *, run_id: str) -> None:
        """Return only if the clearance is valid for exactly this content, at its stage, in this run.

        Raises:
            Uncleared: it is not.
        """
        self._office.verify(clearance, content, run_id=run_id)

    async def record_effect(self, name: str, content: Content, *, run_id: str) -> None:
        """Record that an effect is about to run on this content. Raises StoreError, and then it must not."""
        await self._record("effect", run_id, name=name, digest=content.digest)

    async def _settle(self, content: Content, verdict: Verdict, run_id: str) -> Cleared[Content] | Blocked:
        if not verdict.allowed:
            await self._record("verdict", run_id, content=content, verdict=verdict)
            return Blocked(verdict, content.stage)
        # Recorded together, since each commit is a wait for the disk; nobody has the clearance before it is recorded.
        clearance = self._office.issue(content, verdict, run_id=run_id)
        await self._record("verdict", run_id, content=content, verdict=verdict, clearance=clearance)
        return Cleared(content, clearance, verdict)

    async def _record(self, kind: str, run_id: str, **what: Any) -> None:
        if self._recorder is None:
            return
        try:
            await getattr(self._recorder, kind)(run_id=run_id, **what)
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(
                f"The {kind} could not be recorded ({type(error).__name__}), so nothing was let through. "
                "Check the database and try again.",
                run_id=run_id,
            ) from error


def guard(
    fn: Callable[[In], Awaitable[Out]] | Callable[[In], Out],
    *,
    name: str | None = None,
    guard: Guard,
    stage_in: Stage,
    stage_out: Stage,
    content_in: Describe[In],
    content_out: Callable[[Out, In], Content | Declined],
    freeze: Callable[[Any], Any] = copy.deepcopy,
    pure: bool = False,
) -> Effect[In, Out]:
    """Wrap one callable of one argument between two guards. A plain function runs in a thread.

    `freeze` must return something that nobody else can change and that equals its argument; `copy.deepcopy` costs
    nothing for `str`, `bytes` and tuples of them. Content is put before `stage_in` and `stage_out`, whatever stage
    the describing functions name. `content_out` says `Declined` of an output in which the callable itself refuses.

    `pure` says that the callable has no effect outside this process, money included: a local model, a renderer. `run`
    then starts it beside its check; its output is held until the check says yes, and a no cancels it.
    """
    return Effect(
        _as_async(fn),
        name=name or str(getattr(fn, "__name__", type(fn).__name__)),
        guard=guard,
        stage_in=stage_in,
        stage_out=stage_out,
        content_in=content_in,
        content_out=content_out,
        freeze=freeze,
        pure=pure,
    )


def guard_tool(
    tool: BaseTool,
    *,
    guard: Guard,
    stage_in: Stage = Stage.TOOL_CALL,
    stage_out: Stage = Stage.TOOL_RESULT,
    content_in: Callable[[dict[str, Any]], Content] | None = None,
    content_out: Callable[[Any, dict[str, Any]], Content] | None = None,
    run_id: str | Callable[[RunnableConfig], str] | None = None,
) -> BaseTool:
    """A LangChain tool that behaves as `tool` does, between two guards; it works in `ToolNode` and `create_agent`.

    See `safelight.safety.tool.guarded_tool`.
    """
    from .tool import guarded_tool  # here, since LangChain takes half a second to import and few need it

    return guarded_tool(
        tool,
        guard=guard,
        stage_in=stage_in,
        stage_out=stage_out,
        content_in=content_in,
        content_out=content_out,
        run_id=run_id,
    )


def _as_async(fn: Callable[[In], Awaitable[Out]] | Callable[[In], Out]) -> Callable[[In], Awaitable[Out]]:
    if inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None)):  # noqa: B004
        return cast(Callable[[In], Awaitable[Out]], fn)

    async def in_thread(value: In) -> Out:
        output = await asyncio.to_thread(cast(Callable[[In], Out], fn), value)
        # A lambda or a partial may hide a coroutine function.
        return cast(Out, await output) if inspect.isawaitable(output) else output

    return in_thread
