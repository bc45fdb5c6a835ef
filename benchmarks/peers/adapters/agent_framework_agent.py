"""Microsoft Agent Framework: middleware around the agent and around its tool."""

from __future__ import annotations

from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

import workload
from agent_framework import (
    Agent,
    AgentMiddleware,
    BaseChatClient,
    ChatResponse,
    Content,
    FunctionInvocationLayer,
    FunctionMiddleware,
    Message,
    tool,
)
from workload import Refused

VERSION = f"agent-framework-core {version('agent-framework-core')}"
FLOORS = {"strict": workload.STRICT}


class Planner(FunctionInvocationLayer, BaseChatClient):
    """Plans in its first answer; a second one, which costs nothing, ends the turn."""

    def _inner_get_response(self, *, messages: Any, stream: bool, options: Any, **more: Any) -> Any:
        return self._answer(messages)

    async def _answer(self, messages: Any) -> ChatResponse:
        results = [item.result for message in messages for item in message.contents if item.type == "function_result"]
        if results:
            return ChatResponse(messages=[Message("assistant", ["\n".join(map(str, results))])])
        calls = [
            Content.from_function_call(call_id=f"call-{number}", name="generate_image", arguments={"prompt": prompt})
            for number, prompt in enumerate(await workload.plan(messages[-1].text))
        ]
        return ChatResponse(messages=[Message("assistant", calls)])


class PromptGuard(AgentMiddleware):
    async def process(self, context: Any, call_next: Any) -> None:
        if not await workload.prompt_guard(context.messages[-1].text):
            raise Refused
        await call_next()


class ToolGuard(FunctionMiddleware):
    async def process(self, context: Any, call_next: Any) -> None:
        given = context.arguments
        if not await workload.input_guard(given["prompt"] if isinstance(given, dict) else given.prompt):
            raise Refused
        await call_next()
        result = context.result
        if not await workload.output_guard(result[0].text if isinstance(result, list) else str(result)):
            raise Refused


@tool(approval_mode="never_require")
async def generate_image(prompt: str) -> str:
    """Generate one image."""
    return await workload.generate(prompt)


async def open_turn(variant: str, exits: AsyncExitStack) -> Any:
    agent: Any = Agent(
        client=Planner(), instructions="", tools=[generate_image], middleware=[PromptGuard(), ToolGuard()]
    )

    async def turn(prompt: str) -> list[str]:
        return (await agent.run(prompt)).text.split("\n")

    return turn
