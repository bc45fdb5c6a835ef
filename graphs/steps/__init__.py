"""The steps of a run, one module a part of the journey; `graphs.thinking` and its siblings wire them."""

from __future__ import annotations

__all__: list[str] = []
