"""Pydantic AI: hooks before the run and around the tool."""

from __future__ import annotations

from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

import workload
from pydantic_ai import Agent
from pydantic_ai.capabilities import Hooks
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel
from workload import Refused

VERSION = f"pydantic-ai {version('pydantic-ai-slim')}"
FLOORS = {"strict": workload.STRICT}


async def planner(messages: Any, info: Any) -> ModelResponse:
    """Plans in its first answer; a second one, which costs nothing, ends the turn."""
    parts = messages[-1].parts
    results = [part.content for part in parts if isinstance(part, ToolReturnPart)]
    if results:
        return ModelResponse(parts=[TextPart("\n".join(results))])
    prompts = await workload.plan(parts[-1].content)
    return ModelResponse(parts=[ToolCallPart("generate_image", {"prompt": prompt}) for prompt in prompts])


async def open_turn(variant: str, exits: AsyncExitStack) -> Any:
    hooks: Any = Hooks()

    @hooks.on.before_run
    async def prompt_guard(context: Any) -> None:
        if not await workload.prompt_guard(context.prompt):
            raise Refused

    @hooks.on.tool_execute
    async def guarded(context: Any, *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:
        if not await workload.input_guard(args["prompt"]):
            raise Refused
        image = await handler(args)
        if not await workload.output_guard(image):
            raise Refused
        return image

    agent: Any = Agent(FunctionModel(planner), capabilities=[hooks])

    @agent.tool_plain
    async def generate_image(prompt: str) -> str:
        """Generate one image."""
        return await workload.generate(prompt)

    async def turn(prompt: str) -> list[str]:
        return (await agent.run(prompt)).output.split("\n")

    return turn
