"""OpenAI Agents SDK: an input guardrail, and guardrails on the tool; tracing off.

strict    the input guardrail first (`run_in_parallel=False`)
default   as it comes: the guardrail beside the planner, which may call the tool before the verdict
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

import workload
from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    ModelResponse,
    Runner,
    ToolGuardrailFunctionOutput,
    ToolsToFinalOutputResult,
    Usage,
    function_tool,
    set_tracing_disabled,
    tool_input_guardrail,
    tool_output_guardrail,
)
from agents.models.interface import Model
from openai.types.responses import ResponseFunctionToolCall

VERSION = f"openai-agents {version('openai-agents')}"
FLOORS = {"strict": workload.STRICT, "default": workload.PLANNER_HELD}


class Planner(Model):
    async def get_response(self, system_instructions: Any, input: Any, *more: Any, **options: Any) -> ModelResponse:
        calls = [
            ResponseFunctionToolCall(
                id=f"item-{number}",
                call_id=f"call-{number}",
                type="function_call",
                name="generate_image",
                arguments=json.dumps({"prompt": prompt}),
            )
            for number, prompt in enumerate(await workload.plan(_text(input)))
        ]
        return ModelResponse(output=calls, usage=Usage(), response_id=None)

    def stream_response(self, *arguments: Any, **options: Any) -> Any:
        raise NotImplementedError


@tool_input_guardrail
async def before(data: Any) -> ToolGuardrailFunctionOutput:
    return _answer(await workload.input_guard(json.loads(data.context.tool_arguments)["prompt"]))


@tool_output_guardrail
async def after(data: Any) -> ToolGuardrailFunctionOutput:
    return _answer(await workload.output_guard(data.output))


@function_tool(tool_input_guardrails=[before], tool_output_guardrails=[after])
async def generate_image(prompt: str) -> str:
    """Generate one image."""
    return await workload.generate(prompt)


def _answer(allowed: bool) -> ToolGuardrailFunctionOutput:
    return ToolGuardrailFunctionOutput.allow() if allowed else ToolGuardrailFunctionOutput.raise_exception()


def _text(given: Any) -> str:
    return given if isinstance(given, str) else given[-1]["content"]


def _final(context: Any, results: Any) -> ToolsToFinalOutputResult:
    return ToolsToFinalOutputResult(is_final_output=True, final_output="\n".join(item.output for item in results))


async def open_turn(variant: str, exits: AsyncExitStack) -> Any:
    set_tracing_disabled(True)

    async def check(context: Any, agent: Any, given: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(None, tripwire_triggered=not await workload.prompt_guard(_text(given)))

    agent: Any = Agent(
        name="thinking",
        model=Planner(),
        tools=[generate_image],
        input_guardrails=[InputGuardrail(check, run_in_parallel=variant == "default")],
        tool_use_behavior=_final,
    )

    async def turn(prompt: str) -> list[str]:
        return (await Runner.run(agent, prompt)).final_output.split("\n")

    return turn
