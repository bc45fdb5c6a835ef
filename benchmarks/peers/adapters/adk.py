"""Google ADK: callbacks before the agent, and before and after its tool; sessions in memory."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

import workload
from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types
from workload import Refused

VERSION = f"google-adk {version('google-adk')}"
FLOORS = {"strict": workload.STRICT}


class Planner(BaseLlm):
    """Plans in its first answer; a second one, which costs nothing, ends the turn."""

    async def generate_content_async(self, llm_request: Any, stream: bool = False) -> AsyncIterator[LlmResponse]:
        parts = llm_request.contents[-1].parts
        results = [part.function_response.response["result"] for part in parts if part.function_response]
        if results:
            yield LlmResponse(content=_said("\n".join(results)))
            return
        calls = [
            types.Part(function_call=types.FunctionCall(name="generate_image", args={"prompt": prompt}))
            for prompt in await workload.plan(parts[-1].text)
        ]
        yield LlmResponse(content=types.Content(role="model", parts=calls))


async def generate_image(prompt: str) -> str:
    """Generate one image."""
    return await workload.generate(prompt)


async def before_agent(callback_context: Any) -> types.Content | None:
    allowed = await workload.prompt_guard(callback_context.user_content.parts[0].text)
    return None if allowed else _said("refused")


async def before_tool(tool: Any, args: Any, tool_context: Any) -> None:
    if not await workload.input_guard(args["prompt"]):
        raise Refused


async def after_tool(tool: Any, args: Any, tool_context: Any, tool_response: Any) -> None:
    image = tool_response["result"] if isinstance(tool_response, dict) else tool_response
    if not await workload.output_guard(image):
        raise Refused


def _said(text: str) -> types.Content:
    return types.Content(role="model", parts=[types.Part(text=text)])


async def open_turn(variant: str, exits: AsyncExitStack) -> Any:
    agent = LlmAgent(
        name="thinking",
        model=Planner(model="planner"),
        tools=[generate_image],
        before_agent_callback=before_agent,
        before_tool_callback=before_tool,
        after_tool_callback=after_tool,
    )
    runner = InMemoryRunner(agent=agent, app_name="turns")
    numbers = itertools.count()

    async def turn(prompt: str) -> list[str]:
        session = f"session-{next(numbers)}"
        await runner.session_service.create_session(app_name="turns", user_id="user", session_id=session)
        message = types.Content(role="user", parts=[types.Part(text=prompt)])
        last: Any = None
        async for event in runner.run_async(user_id="user", session_id=session, new_message=message):
            last = event
        return last.content.parts[0].text.split("\n")

    return turn
