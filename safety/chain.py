"""Effects of one kind in a row: where one fails, the next is tried, guarded anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NoReturn, TypeVar

from ..errors import ConfigError
from .guard import Blocked, Cleared, Effect

__all__ = ["EffectChain"]

In = TypeVar("In")
Out = TypeVar("Out")


class EffectChain(Generic[In, Out]):
    """The first effect that does not fail. Each is a whole `Effect`: it checks, demands a clearance of its own and is
    reviewed; nothing is handed from one to the next but the value that `onward` makes.

    A block ends the chain: what may not be made is not asked of somebody else. An exception goes to
    `onward(value, error)`, which gives the next effect's value, or None where no other should be tried.

    Raises:
        ConfigError: it is given no effects, or something that is none.
    """

    __slots__ = ("_effects", "_onward")

    _effects: tuple[Effect[In, Out], ...]
    _onward: Callable[[In, Exception], In | None]

    def __init__(self, effects: Sequence[Effect[In, Out]], *, onward: Callable[[In, Exception], In | None]) -> None:
        if not effects or any(type(effect) is not Effect for effect in effects):
            raise ConfigError("A chain consists of one or more guarded effects: wrap each as safety.guard(fn, …).")
        object.__setattr__(self, "_effects", tuple(effects))
        object.__setattr__(self, "_onward", onward)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("An EffectChain is immutable: its guards cannot be exchanged.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("An EffectChain is immutable: its guards cannot be removed.")

    def __reduce__(self) -> NoReturn:
        raise TypeError("An EffectChain is not copied or pickled: it holds callables that only its guards may call.")

    def __copy__(self) -> EffectChain[In, Out]:
        return self

    def __deepcopy__(self, memo: object) -> EffectChain[In, Out]:
        return self

    def __repr__(self) -> str:
        return f"EffectChain({', '.join(map(repr, self._effects))})"

    @property
    def effects(self) -> tuple[Effect[In, Out], ...]:
        """The effects, in the order in which they are tried."""
        return self._effects

    @property
    def name(self) -> str:
        return self._effects[0].name

    async def run(self, value: In, *, run_id: str) -> Cleared[Out] | Blocked:
        """Run the first effect, and each further one that is due. Raises what the last of them raised."""
        for effect in self._effects[:-1]:
            try:
                return await effect.run(value, run_id=run_id)
            except Exception as error:
                onward = self._onward(value, error)
                if onward is None:
                    raise
                value = onward
        return await self._effects[-1].run(value, run_id=run_id)
