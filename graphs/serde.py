"""Checkpoints as data: a serializer that rebuilds nothing but the types it was given."""

from __future__ import annotations

from collections.abc import Iterable

from langgraph.checkpoint.serde import _msgpack
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from ..errors import ConfigError

__all__ = ["require_strict_msgpack", "strict_serializer"]


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


def strict_serializer(allowed: Iterable[type] = ()) -> JsonPlusSerializer:
    """A checkpoint serializer that rebuilds plain data, LangGraph's own safe types, and `allowed`.

    Anything else comes back as the plain data that it was made of. Pydantic models that are allowed are rebuilt
    without validation, so validate them again. There is no pickle fallback.
    """
    names = sorted({(each.__module__, each.__qualname__) for each in allowed})
    return JsonPlusSerializer(pickle_fallback=False, allowed_json_modules=None, allowed_msgpack_modules=names or None)
