"""Plain asyncio, by hand: the floor that nothing can be quicker than."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import workload
from workload import Refused

VERSION = f"Python {platform.python_version()}"
FLOORS = {"strict": workload.STRICT, "held": workload.ALL_HELD}

T = TypeVar("T")


async def strict(prompt: str) -> list[str]:
    await _passed(workload.prompt_guard(prompt))
    return await asyncio.gather(*map(_image, await workload.plan(prompt)))


async def held(prompt: str) -> list[str]:
    prompts = await _beside(workload.prompt_guard(prompt), workload.plan(prompt))
    return await asyncio.gather(*map(_held_image, prompts))


async def _image(prompt: str) -> str:
    await _passed(workload.input_guard(prompt))
    image = await workload.generate(prompt)
    await _passed(workload.output_guard(image))
    return image


async def _held_image(prompt: str) -> str:
    image = await _beside(workload.input_guard(prompt), workload.generate(prompt))
    await _passed(workload.output_guard(image))
    return image


async def _beside(guard: Awaitable[bool], work: Awaitable[T]) -> T:
    """The result of `work`, once the guard that ran beside it has said yes; a no cancels it."""
    running = asyncio.ensure_future(work)
    try:
        await _passed(guard)
        return await running
    finally:
        running.cancel()


async def _passed(guard: Awaitable[bool]) -> None:
    if not await guard:
        raise Refused


async def open_turn(variant: str, exits: AsyncExitStack) -> Any:
    return {"strict": strict, "held": held}[variant]
