"""What `safelight doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "State"]

State = Literal["ok", "note", "missing"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `fix` is what to do where it is not `ok`."""

    what: str
    state: State
    detail: str
    fix: str = ""
