"""What comes of a guarded step: let through with its clearance, or not, with the verdict that says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from .clearance import Clearance
from .content import Stage
from .verdict import Verdict

__all__ = ["Blocked", "Cleared", "Declined", "is_cleared"]

T = TypeVar("T")


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
