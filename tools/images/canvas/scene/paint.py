"""What painting a scene gives."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Picture"]


@dataclass(frozen=True)
class Picture:
    """An SVG fragment in page coordinates, with the definitions that it needs."""

    defs: str
    body: str
