"""No graph is built where LangGraph would run what a checkpoint names. See `store.strict_serializer` for ours."""

from __future__ import annotations

from langgraph.checkpoint.serde import _msgpack

from ..errors import ConfigError

__all__ = ["require_strict_msgpack"]


def require_strict_msgpack() -> None:
    """Return only if LangGraph's serializer is strict in this process.

    Raises:
        ConfigError: LangGraph was imported with `LANGGRAPH_STRICT_MSGPACK` off, and reads it only then.
    """
    if not _msgpack.STRICT_MSGPACK_ENABLED:
        raise ConfigError(
            "LangGraph was imported before Safelight with its strict serializer off, in which state a checkpoint row "
            "can name code to run. Import safelight first, or set LANGGRAPH_STRICT_MSGPACK=true."
        )
