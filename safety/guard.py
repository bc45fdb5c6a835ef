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
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar, cast

from ..errors import ConfigError, StoreError, Uncleared
from .clearance import Clearance, ClearanceOffice
from .content import Content, Stage
from .hold import beside, current_hold
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

T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")

Describe = Callable[[In], Content]
"""What of a value will move, as content. Must not change the value, and say the same of an equal value each time."""


@dataclass(frozen=True)
class Blocked:
    """Not let through: the verdict is `block`, `rewrite` or `review`, given at `stage`. A value, not an exception.

    `declined` says that the callable itself refused, rather than a guard of ours: it would do so again.
    """

    verdict: Verdict
    stage: Stage
    declined: bool = False


@dataclass(frozen=True)
class Declined:
    """What `content_out` says of an output in which the callable itself refuses: there is nothing to judge.

    `verdict` must not allow; `stage` is where the refusal counts, which may be the way in.
    """

    verdict: Verdict
    stage: Stage


@dataclass(frozen=True)
class Cleared(Generic[T]):
    """Let through: the value, its clearance and the verdict behind it."""

    value: T
    clearance: Clearance
    verdict: Verdict


def is_cleared(outcome: object) -> bool:
    """True for `Cleared` itself, and nothing that only resembles it."""
    return type(outcome) is Cleared


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


class Effect(Generic[In, Out]):
    """One callable and its two guards. Made by `guard`; immutable; the callable is reached through `call` alone.

    Values are frozen (copied deeply, unless told otherwise) before they are described, and the callable gets exactly
    the copy that was described: whoever still holds the original may change it, and changes nothing. `In` and `Out`
    are best immutable all the same.

    Raises (all methods):
        StoreError: something could not be recorded; nothing moves then.
        ConfigError: a value cannot be copied; pass `freeze` to `guard`.
    """

    __slots__ = ("_content_in", "_content_out", "_fn", "_freeze", "_guard", "name", "pure", "stage_in", "stage_out")

    name: str
    pure: bool
    stage_in: Stage
    stage_out: Stage
    _fn: Callable[[In], Awaitable[Out]]
    _guard: Guard
    _content_in: Callable[[In], Content]
    _content_out: Callable[[Out, In], Content | Declined]
    _freeze: Callable[[Any], Any]

    def __init__(
        self,
        fn: Callable[[In], Awaitable[Out]],
        *,
        name: str,
        guard: Guard,
        stage_in: Stage,
        stage_out: Stage,
        content_in: Callable[[In], Content],
        content_out: Callable[[Out, In], Content | Declined],
        freeze: Callable[[Any], Any],
        pure: bool = False,
    ) -> None:
        fields = {
            "name": name,
            "pure": pure,
            "stage_in": Stage(stage_in),
            "stage_out": Stage(stage_out),
            "_fn": fn,
            "_guard": guard,
            "_content_in": content_in,
            "_content_out": content_out,
            "_freeze": freeze,
        }
        for field, value in fields.items():
            object.__setattr__(self, field, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("An Effect is immutable: its guards cannot be exchanged.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("An Effect is immutable: its guards cannot be removed.")

    def __reduce__(self) -> NoReturn:
        raise TypeError("An Effect is not copied or pickled: it holds a callable that only its guards may call.")

    def __copy__(self) -> Effect[In, Out]:
        return self

    def __deepcopy__(self, memo: object) -> Effect[In, Out]:
        return self

    def __repr__(self) -> str:
        return f"Effect({self.name}: {self.stage_in} → {self.stage_out})"

    async def check(self, value: In, *, run_id: str) -> Cleared[In] | Blocked:
        """Judge what this value would move. `Cleared.value` is the frozen copy that was judged: pass it on."""
        held = self._frozen(value)
        content = self._incoming(held)
        if isinstance(content, Verdict):
            return await self._guard.refuse(Content(self.stage_in, ()), content, run_id=run_id)
        outcome = await self._guard.check(content, run_id=run_id)
        return outcome if isinstance(outcome, Blocked) else Cleared(held, outcome.clearance, outcome.verdict)

    async def call(self, value: In, clearance: Clearance, *, run_id: str) -> Out:
        """Run the callable, once, on exactly what the clearance is for. What comes back is not reviewed yet.

        The value is described anew, so that one changed after its check is refused. Exceptions of the callable pass
        through: they should be typed, and not quote what nobody judged.

        Raises:
            Uncleared: there is no valid clearance for this value; the callable was not run.
        """
        held = self._frozen(value)
        content = self._incoming(held)
        if isinstance(content, Verdict):
            raise Uncleared(f"Uncleared at {self.stage_in}: {content.reason}.", run_id=run_id, stage=self.stage_in)
        self._guard.demand(clearance, content, run_id=run_id)
        if not self.pure and (hold := current_hold()) is not None:
            await hold.passed()  # called by work that runs ahead of its own verdict: wait for that
        await self._guard.record_effect(self.name, content, run_id=run_id)
        return await self._fn(held)

    async def review(self, output: Out, value: In, *, run_id: str) -> Cleared[Out] | Blocked:
        """Judge what came out. `Cleared.value` is the frozen copy that was judged: use it, not `output`."""
        held = self._frozen(output)
        content = self._described(self.stage_out, self._content_out, held, self._frozen(value))
        if isinstance(content, Declined):
            blocked = await self._guard.refuse(Content(content.stage, ()), content.verdict, run_id=run_id)
            return replace(blocked, declined=True)
        if isinstance(content, Verdict):
            return await self._guard.refuse(Content(self.stage_out, ()), content, run_id=run_id)
        outcome = await self._guard.check(content, run_id=run_id)
        return outcome if isinstance(outcome, Blocked) else Cleared(held, outcome.clearance, outcome.verdict)

    async def run(self, value: In, *, run_id: str) -> Cleared[Out] | Blocked:
        """Check, call and review in one. A block in front costs nothing: the callable was not run, or, if it is
        `pure`, was cancelled."""
        if self.pure:
            return await self._run_beside(value, run_id)
        admitted = await self.check(value, run_id=run_id)
        if isinstance(admitted, Blocked):
            return admitted
        output = await self.call(admitted.value, admitted.clearance, run_id=run_id)
        return await self.review(output, admitted.value, run_id=run_id)

    async def _run_beside(self, value: In, run_id: str) -> Cleared[Out] | Blocked:
        """As `run`, with the callable beside its check: its output is held, and recorded as an effect when it is let
        go, since before that nothing happened to anyone."""
        held = self._frozen(value)
        content = self._incoming(held)
        if isinstance(content, Verdict):
            return await self._guard.refuse(Content(self.stage_in, ()), content, run_id=run_id)
        given = self._frozen(held)
        checked = self._guard.check(content, run_id=run_id)
        admitted, output = await beside(checked, lambda: self._fn(given), passed=is_cleared)
        if isinstance(admitted, Blocked):
            return admitted
        self._guard.demand(admitted.clearance, content, run_id=run_id)
        await self._guard.record_effect(self.name, content, run_id=run_id)
        return await self.review(cast(Out, output), held, run_id=run_id)

    def _frozen(self, value: T) -> T:
        try:
            return cast(T, self._freeze(value))
        except Exception as error:
            raise ConfigError(
                f"Effect {self.name!r}: a {type(value).__name__} cannot be copied ({type(error).__name__}), and what "
                "is not held still cannot be judged. Use an immutable value, or pass `freeze` to `guard`."
            ) from error

    def _incoming(self, value: In) -> Content | Verdict:
        content = self._described(self.stage_in, self._content_in, value)
        if isinstance(content, Declined):
            return Verdict.failure(self.name, f"{self.name} declined its input before it was called")
        return content

    def _described(
        self, stage: Stage, describe: Callable[..., Content | Declined], *values: Any
    ) -> Content | Verdict | Declined:
        """The values as content at `stage`; or the failure, where they cannot be described: then nobody can judge."""
        try:
            content = describe(*values)
        except Exception as error:  # odd output from an untrusted tool must block, not crash a run
            return Verdict.failure(self.name, f"{self.name} could not be described ({type(error).__name__})")
        if type(content) is Declined and type(content.verdict) is Verdict and not content.verdict.allowed:
            return content
        if type(content) is not Content:
            return Verdict.failure(self.name, f"{self.name} was described as {type(content).__name__}, not as content")
        return content if content.stage is stage else content.at(stage)


def guard(
    fn: Callable[[In], Awaitable[Out]] | Callable[[In], Out],
    *,
    name: str | None = None,
    guard: Guard,
    stage_in: Stage,
    stage_out: Stage,
    content_in: Callable[[In], Content],
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
