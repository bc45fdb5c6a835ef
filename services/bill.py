"""What a run has spent so far, and how much it may spend.

The bill of a run is found through a context variable, so that whatever calls a service books it there without having to
be handed it: LangGraph gives every step the context that the run was started in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from .prices import PriceTable

__all__ = ["Bill", "Line", "billing", "current_bill"]

Keep = Callable[[dict[str, Any]], Awaitable[None]]
"""Keeps one entry, so that it survives the process."""

_COUNTED = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "image_tokens", "images", "searches")


@dataclass
class Line:
    """What one model was used for in one role. `unpriced` and `unknown` count calls whose cost is not in `cost`:
    the model has no price, or nobody can know whether the service billed them."""

    calls: int = 0
    cost: float = 0.0
    unpriced: int = 0
    unknown: int = 0
    usage: dict[str, int] = field(default_factory=dict)


class Bill:
    """Adds up calls by role and model. `limit` is in US dollars, None for none.

    Not shared between runs; one event loop at a time.
    """

    def __init__(self, prices: PriceTable, *, limit: float | None = None, keep: Keep | None = None) -> None:
        self.prices = prices
        self.limit = limit
        self.lines: dict[tuple[str, str], Line] = {}
        self._keep = keep

    @property
    def total(self) -> float:
        """US dollars, as far as they are known."""
        return sum(line.cost for line in self.lines.values())

    def tokens(self, role: str) -> int:
        """Tokens that a role has used, in and out."""
        lines = [line for (name, _), line in self.lines.items() if name == role]
        return sum(line.usage.get(kind, 0) for line in lines for kind in ("input_tokens", "output_tokens"))

    def allows(self, more: float = 0.0) -> bool:
        """Whether another call, of `more` dollars where that is known, stays within the limit."""
        return self.limit is None or (self.total < self.limit and self.total + more <= self.limit)

    async def book(self, role: str, model: str, usage: Mapping[str, int] | None, *, cost: float | None = None) -> None:
        """Enter one call. `usage` None: it was sent, and whether it was billed is unknown. `cost` where it is known
        better than by the table."""
        entry: dict[str, Any] = {"role": role, "model": model, "cost": cost}
        if usage is not None:
            entry["usage"] = {name: int(usage[name]) for name in _COUNTED if usage.get(name)}
            if cost is None:
                entry["cost"] = self.prices.cost(model, entry["usage"])
        self.restore(entry)
        if self._keep is not None and entry["cost"] != 0:
            await self._keep(entry)

    def restore(self, entry: Mapping[str, Any]) -> None:
        """Enter what was kept before."""
        line = self.lines.setdefault((entry["role"], entry["model"]), Line())
        line.calls += 1
        if "usage" not in entry and entry["cost"] is None:
            line.unknown += 1
            return
        line.cost += entry["cost"] or 0.0
        line.unpriced += entry["cost"] is None
        for name, number in entry.get("usage", {}).items():
            line.usage[name] = line.usage.get(name, 0) + number

    def costs(self) -> dict[str, float]:
        """US dollars by role, and in `total`."""
        roles: dict[str, float] = {}
        for (role, _), line in self.lines.items():
            roles[role] = roles.get(role, 0.0) + line.cost
        return {"total": round(self.total, 6), **{role: round(cost, 6) for role, cost in sorted(roles.items())}}

    def public(self) -> tuple[dict[str, Any], ...]:
        """The lines, as JSON."""
        return tuple(
            {
                "role": role,
                "model": model,
                "calls": line.calls,
                "cost": round(line.cost, 6) if line.unpriced + line.unknown < line.calls else None,
                "unpriced": line.unpriced,
                "unknown": line.unknown,
                "usage": dict(line.usage),
            }
            for (role, model), line in sorted(self.lines.items())
        )


_BILL: ContextVar[Bill | None] = ContextVar("bill", default=None)


def current_bill() -> Bill | None:
    """The bill of the run under way; None outside of any."""
    return _BILL.get()


@contextmanager
def billing(bill: Bill) -> Iterator[Bill]:
    """Everything called within is booked on `bill`."""
    token = _BILL.set(bill)
    try:
        yield bill
    finally:
        _BILL.reset(token)
