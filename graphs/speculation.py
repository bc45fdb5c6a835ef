"""A check and the work that runs beside it, as one step of a graph."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langgraph._internal._constants import CONF, CONFIG_KEY_RUNTIME, CONFIG_KEY_STREAM
from langgraph.errors import GraphBubbleUp
from langgraph.runtime import Runtime
from langgraph.types import Command, Send

from ..errors import GraphError
from ..safety.guard import Blocked, Cleared, is_cleared
from ..safety.hold import Hold, beside, current_hold
from .effect_step import settled
from .signatures import positional_parameters

__all__ = ["Speculation"]


@dataclass(frozen=True)
class Speculation:
    """What `GuardedGraph.add_speculative` declares.

    `check(state[, runtime])` gives the outcome of a guard; `work(state[, runtime])` an update of the state, which
    counts only after a yes; `write(state, outcome[, runtime])` the update that the verdict makes either way.
    """

    name: str
    check: Callable[..., Any]
    work: Callable[..., Any]
    write: Callable[..., Any]
    guards: tuple[str, ...]

    async def fused(self, state: Any, config: RunnableConfig, runtime: Runtime[Any]) -> Any:
        """Check and work at once. Returns as soon as the check says no, whatever the work is at."""
        work = partial(self._worked, state, config, runtime)
        outcome, found = await beside(self._checked(state, runtime), work, passed=is_cleared)
        update = await settled(self.write(state, outcome, *self._more(self._takes["write"] > 2, runtime)))
        # Two updates of one step, which meet in the reducers as those of parallel steps do.
        return [Command(update=each) for each in (update, found) if each]

    async def _checked(self, state: Any, runtime: Runtime[Any]) -> Cleared[Any] | Blocked:
        outcome = await settled(self.check(state, *self._more(self._takes["check"] > 1, runtime)))
        if not isinstance(outcome, Cleared | Blocked):
            raise GraphError(
                f"The check of '{self.name}' returned {type(outcome).__name__}: return what Guard.check gave, "
                "Cleared or Blocked."
            )
        return outcome

    async def _worked(self, state: Any, config: RunnableConfig, runtime: Runtime[Any]) -> Any:
        hold = current_hold()
        if hold is not None:
            runtime = runtime.override(stream_writer=partial(_write_held, hold, runtime.stream_writer))
            var_child_runnable_config.set(_muted(config, runtime))
        arguments = (state, *self._more(self._takes["work"] > 1, runtime))
        try:
            if inspect.iscoroutinefunction(self.work):
                found = await self.work(*arguments)
            else:
                found = await settled(await asyncio.to_thread(self.work, *arguments))
        except GraphBubbleUp as jump:
            raise GraphError(
                f"The work of '{self.name}' runs ahead of its verdict and may not interrupt or jump."
            ) from jump
        if isinstance(found, Command | Send | list | tuple):
            raise GraphError(f"The work of '{self.name}' may return an update, and no routes: they follow the verdict.")
        return found

    @cached_property
    def _takes(self) -> dict[str, int]:
        return {part: positional_parameters(getattr(self, part)) for part in ("check", "work", "write")}

    @staticmethod
    def _more(wanted: bool, runtime: Runtime[Any]) -> tuple[Runtime[Any], ...]:
        return (runtime,) if wanted else ()


def _write_held(hold: Hold, writer: Callable[[Any], None], item: Any) -> None:
    if not hold.defer(partial(writer, item)):
        writer(item)


def _muted(config: RunnableConfig, runtime: Runtime[Any]) -> RunnableConfig:
    """For whoever looks the writer up instead of taking it from the runtime: the held one, and no parent's stream."""
    inside = {key: value for key, value in config.get(CONF, {}).items() if key != CONFIG_KEY_STREAM}
    return {**config, CONF: {**inside, CONFIG_KEY_RUNTIME: runtime}}
