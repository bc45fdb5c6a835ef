"""Asynchronous work for scripts that have no event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from .errors import SafelightError

__all__ = ["run_blocking"]

T = TypeVar("T")


def run_blocking(work: Callable[[], Coroutine[Any, Any, T]], *, name: str, instead: str) -> T:
    """What `work` gives, in a loop of its own. `name` is the function that blocks, `instead` what to await in a loop.

    Raises:
        SafelightError: an event loop is running here.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    raise SafelightError(f"{name}() blocks, and an event loop is running here: await {instead} instead.")
