"""An effect with its guards as steps of a graph: one fused step, or three with a vault between them."""

from __future__ import annotations

import inspect
import secrets
import traceback
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import structlog
from langgraph.errors import GraphBubbleUp
from langgraph.runtime import Runtime
from langgraph.types import Command, RetryPolicy, Send

from ..errors import ConfigError, GraphError, SafelightError, StoreError, Uncleared
from ..safety.chain import EffectChain
from ..safety.guard import Blocked, Cleared, Effect
from .signatures import positional_parameters

__all__ = ["DeclaredEffect", "EffectError", "Vault", "settled"]

_log = structlog.get_logger(__name__)

# Broken machinery and attacks stop the run, which can be resumed; a tool that failed does not.
_STOPS_THE_RUN = (GraphBubbleUp, Uncleared, GraphError, StoreError, ConfigError)


@dataclass(frozen=True)
class EffectError:
    """An effect that failed, as a record: in a fan-out a raising branch would cancel its siblings.

    `message` is fit to be shown: of a foreign exception, whose text may quote what nobody has judged, it gives only the
    type. `retryable`, `charged` and `code` are those of a `GeneratorError`. `cause` is the exception itself, for
    whoever debugs; it goes into no state and no log.
    """

    effect: str
    message: str
    kind: str
    retryable: bool = False
    charged: bool | None = None
    code: str | None = None
    cause: Exception | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, effect: str, error: Exception) -> EffectError:
        own = isinstance(error, SafelightError)
        return cls(
            effect=effect,
            message=str(error) if own else f"{effect} failed ({type(error).__name__}).",
            kind=type(error).__name__,
            retryable=bool(getattr(error, "retryable", False)) if own else False,
            charged=getattr(error, "charged", None) if own else None,
            code=getattr(error, "code", None) if own else None,
            cause=error,
        )


Outcome = Cleared[Any] | Blocked | EffectError


@dataclass
class Vault:
    """What must not enter the state: values between their check, their effect and their review.

    In memory only, at most `capacity` entries, oldest dropped first. What is lost (a restart, an overflow) sends its
    branch back to the check.
    """

    capacity: int = 256
    entropy: Callable[[], str] = lambda: secrets.token_hex(16)
    _held: OrderedDict[str, Any] = field(default_factory=OrderedDict, repr=False)

    def put(self, value: Any) -> str:
        """Keep a value; returns the ticket that takes it out."""
        ticket = self.entropy()
        self._held[ticket] = value
        while len(self._held) > self.capacity:
            self._held.popitem(last=False)
        return ticket

    def look(self, ticket: str) -> Any:
        """The value, or None where it is lost. It stays, for a step that is run again."""
        return self._held.get(ticket)

    def drop(self, ticket: str) -> None:
        self._held.pop(ticket, None)


@dataclass(frozen=True)
class _Checked:
    """Behind the check: what the effect may be called with, or why not."""

    outcome: Cleared[Any] | Blocked


@dataclass(frozen=True)
class _Produced:
    """Behind the effect: its raw output, or the record of its failure."""

    value: Any
    output: Any = None
    error: EffectError | None = None


@dataclass(frozen=True)
class DeclaredEffect:
    """An effect as a graph's node: how its input is read from the state, and what becomes of its outcome.

    `read(state[, runtime])`, `write(state, outcome[, runtime])` and `run_id(state, runtime)` may be async. Under `Send`
    the state is the payload. `outcome` is `Cleared`, `Blocked` or `EffectError`.
    """

    name: str
    effect: Effect[Any, Any] | EffectChain[Any, Any]
    read: Callable[..., Any]
    write: Callable[..., Any]
    run_id: Callable[[Any, Runtime[Any]], Any]
    retry: tuple[RetryPolicy, ...] = ()
    separate: bool = False
    vault: Vault = field(default_factory=Vault)

    @cached_property
    def _read_takes_runtime(self) -> bool:
        return positional_parameters(self.read) > 1

    @cached_property
    def _write_takes_runtime(self) -> bool:
        return positional_parameters(self.write) > 2

    @property
    def _single(self) -> Effect[Any, Any]:
        """The effect, where it runs as separate steps: a chain does not."""
        if not isinstance(self.effect, Effect):
            raise GraphError(f"'{self.name}' is a chain of effects, which runs as one step.")
        return self.effect

    async def _read(self, state: Any, runtime: Runtime[Any]) -> Any:
        return await settled(self.read(state, runtime) if self._read_takes_runtime else self.read(state))

    async def _write(self, state: Any, outcome: Outcome, runtime: Runtime[Any]) -> Any:
        more = (runtime,) if self._write_takes_runtime else ()
        return await settled(self.write(state, outcome, *more))

    async def fused(self, state: Any, runtime: Runtime[Any]) -> Any:
        """Check, effect and review as one step."""
        value = await self._read(state, runtime)
        run_id = await self._run_id(state, runtime)
        outcome: Outcome
        try:
            outcome = await self.effect.run(value, run_id=run_id)
        except Exception as error:
            outcome = self._record(error, runtime)
        return await self._write(state, outcome, runtime)

    async def check(self, state: Any, runtime: Runtime[Any]) -> Command[str]:
        """The first of three steps: judge the input, and hand on a ticket."""
        value = await self._read(state, runtime)
        outcome = await self._single.check(value, run_id=await self._run_id(state, runtime))
        ticket = self.vault.put(_Checked(outcome))
        return Command(goto=Send(self.name, {"ticket": ticket, "state": state}))

    async def act(self, packet: Any, runtime: Runtime[Any]) -> Command[str]:
        """The second: call the effect with what was checked, and put its raw output in the vault.

        What the check blocked passes by, so that all branches of a fan-out arrive in the same step.
        """
        ticket, state = _opened(self.name, packet)
        held = self.vault.look(ticket)
        if held is None:
            return self._again(state)
        if not isinstance(held, _Checked):
            raise Uncleared(f"'{self.name}' was reached with a ticket that does not come from its check.")
        if isinstance(held.outcome, Cleared):
            produced = await self._produce(held.outcome, state, runtime)
            self.vault.drop(ticket)
            ticket = self.vault.put(produced)
        return Command(goto=Send(f"{self.name}.review", {"ticket": ticket, "state": state}))

    async def _produce(self, checked: Cleared[Any], state: Any, runtime: Runtime[Any]) -> _Produced:
        run_id = await self._run_id(state, runtime)
        try:
            output = await self._single.call(checked.value, checked.clearance, run_id=run_id)
        except Exception as error:
            return _Produced(checked.value, error=self._record(error, runtime))
        return _Produced(checked.value, output)

    async def review(self, packet: Any, runtime: Runtime[Any]) -> Any:
        """The third: judge the raw output, and write the outcome into the state."""
        ticket, state = _opened(self.name, packet)
        held = self.vault.look(ticket)
        if held is None:
            return self._again(state)
        outcome = await self._outcome(held, await self._run_id(state, runtime))
        update = await self._write(state, outcome, runtime)
        self.vault.drop(ticket)
        return update

    async def _outcome(self, held: _Checked | _Produced, run_id: str) -> Outcome:
        if isinstance(held, _Produced):
            return held.error or await self._single.review(held.output, held.value, run_id=run_id)
        if isinstance(held.outcome, Blocked):
            return held.outcome
        raise Uncleared(f"'{self.name}.review' was reached past the effect.", run_id=run_id)

    def _again(self, state: Any) -> Command[str]:
        return Command(goto=Send(f"{self.name}.check", state))

    async def _run_id(self, state: Any, runtime: Runtime[Any]) -> str:
        return cast(str, await settled(self.run_id(state, runtime)))

    def _record(self, error: Exception, runtime: Runtime[Any]) -> EffectError:
        """The failure as a record; raises it again where it stops the run, or where it is still to be retried."""
        if isinstance(error, _STOPS_THE_RUN) or self._will_retry(error, runtime):
            raise error
        # Neither the text nor the frames' values: both may hold the prompt, or output that nobody has judged.
        _log.warning("effect failed", effect=self.name, kind=type(error).__name__, at=_place(error))
        return EffectError.of(self.name, error)

    def _will_retry(self, error: Exception, runtime: Runtime[Any]) -> bool:
        info = runtime.execution_info
        attempt = info.node_attempt if info is not None else 1
        policy = next((policy for policy in self.retry if _matches(policy.retry_on, error)), None)
        return policy is not None and attempt < policy.max_attempts


def _opened(name: str, packet: Any) -> tuple[str, Any]:
    if not isinstance(packet, Mapping) or not isinstance(packet.get("ticket"), str) or "state" not in packet:
        raise Uncleared(f"'{name}' was reached without its check.")
    return packet["ticket"], packet["state"]


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else "unknown"


def _matches(retry_on: Any, error: Exception) -> bool:
    if isinstance(retry_on, type):
        return isinstance(error, retry_on)
    if isinstance(retry_on, Sequence):
        return isinstance(error, tuple(retry_on))
    return bool(retry_on(error))


async def settled(value: Any | Awaitable[Any]) -> Any:
    """The value, or what it comes to where it is awaitable: functions that users pass may be async or not."""
    return await value if inspect.isawaitable(value) else value
