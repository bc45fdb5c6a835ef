"""How good it is, in figures with intervals: the table of layers, and the attacks it is put to."""

from __future__ import annotations

__all__: list[str] = []
