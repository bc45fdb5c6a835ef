"""LangChain: `create_agent` with a middleware that guards the turn and every tool call."""

from __future__ import annotations

from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

import workload
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, hook_config
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from workload import Refused

VERSION = f"langchain {version('langchain')}"
FLOORS = {"strict": workload.STRICT}


class Planner(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "planner"

    def bind_tools(self, tools: Any, **options: Any) -> Planner:
        return self

    def _generate(self, *arguments: Any, **options: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(self, messages: Any, *arguments: Any, **options: Any) -> ChatResult:
        calls = [
            {"name": "generate_image", "args": {"prompt": prompt}, "id": f"call-{number}"}
            for number, prompt in enumerate(await workload.plan(messages[-1].content))
        ]
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="", tool_calls=calls))])


@tool(return_direct=True)
async def generate_image(prompt: str) -> str:
    """Generate one image."""
    return await workload.generate(prompt)


class Guards(AgentMiddleware):
    @hook_config(can_jump_to=["end"])
    async def abefore_agent(self, state: Any, runtime: Any) -> dict[str, str] | None:
        return None if await workload.prompt_guard(state["messages"][-1].content) else {"jump_to": "end"}

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        if not await workload.input_guard(request.tool_call["args"]["prompt"]):
            raise Refused
        result = await handler(request)
        if not await workload.output_guard(result.content):
            raise Refused
        return result


async def open_turn(variant: str, exits: AsyncExitStack) -> Any:
    agent: Any = create_agent(Planner(), [generate_image], middleware=[Guards()])

    async def turn(prompt: str) -> list[str]:
        state = await agent.ainvoke({"messages": [("user", prompt)]})
        return [message.content for message in state["messages"] if message.type == "tool"]

    return turn
