"""An effect: one callable between its two guards, reached in no other way. `guard.guard` makes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, cast

from ..errors import ConfigError, Uncleared
from .clearance import Clearance
from .content import Content, Stage
from .hold import beside, current_hold
from .outcome import Blocked, Cleared, Declined, is_cleared
from .verdict import Verdict

if TYPE_CHECKING:
    from .guard import Guard

__all__ = ["Describe", "Effect"]

T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")

Describe = Callable[[In], Content]
"""What of a value will move, as content. Must not change the value, and say the same of an equal value each time."""


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
    _content_in: Describe[In]
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
        content_in: Describe[In],
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
