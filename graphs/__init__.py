"""How steps are wired: the guarded graph, its proof, and the graphs of the modes."""

from __future__ import annotations

from .serde import require_strict_msgpack

__all__: list[str] = []

# Before anything of a graph is built: a permissive serializer imports and calls what a checkpoint row names.
require_strict_msgpack()
