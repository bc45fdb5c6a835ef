"""Safelight: an open thinking mode for image generation, in which nothing unmoderated moves.

    from safelight import Brief, Safelight

    async with Safelight() as safelight:
        result = await safelight.run(Brief(prompt="A four-part visual guide to how vaccines are made", n=4))

`generate(...)` is the same for scripts without an event loop.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Both are read once, when the library that they belong to is imported, so they must be set before anything else.
# onnxruntime ships a telemetry client that is on by default; LangGraph's serializer would otherwise import and call
# whatever a checkpoint row names.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
# LangSmith tracing would send prompts to a service, as soon as a key lies in the environment.
os.environ["LANGSMITH_TRACING"] = os.environ["LANGCHAIN_TRACING_V2"] = "false"

if TYPE_CHECKING:
    from .agent.brief import Brief
    from .client import Safelight, generate
    from .graphs.result import RunResult

__all__ = ["Brief", "RunResult", "Safelight", "__version__", "generate"]

__version__ = "0.1.0"

_HOMES = {
    "Brief": ".agent.brief",
    "RunResult": ".graphs.result",
    "Safelight": ".client",
    "generate": ".client",
}


def __getattr__(name: str) -> Any:
    """Import on first use: `safelight --help` should not wait for LangGraph."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
