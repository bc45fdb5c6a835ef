"""NeMo Guardrails: `LLMRails` around the planner, and around each call of the generator, since it runs no tools."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

import workload
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.actions.rail_outcome import RailOutcome
from nemoguardrails.types import LLMResponse
from workload import Refused

VERSION = f"nemoguardrails {version('nemoguardrails')}"
FLOORS = {"strict": workload.STRICT}

_REFUSAL = "refused"
_FLOWS = f"""
define subflow before
  $found = execute check_in
  if $found.is_blocked
    bot refuse
    stop

define subflow after
  $found = execute check_out
  if $found.is_blocked
    bot refuse
    stop

define bot refuse
  "{_REFUSAL}"
"""
_SETTINGS = "models: []\npassthrough: true\nrails:\n  input: {flows: [before]}\n"
_OUTPUT = "  output: {flows: [after]}\n"

Ask = Callable[[str], Awaitable[Any]]


class Stub:
    """A language model that is one of the workload's functions."""

    model_name, provider_name, provider_url = "stub", "stub", None

    def __init__(self, answer: Ask) -> None:
        self._answer = answer

    async def generate_async(self, prompt: Any, *, stop: Any = None, **options: Any) -> LLMResponse:
        last = prompt if isinstance(prompt, str) else prompt[-1]
        text = last if isinstance(last, str) else getattr(last, "content", None) or last["content"]
        return LLMResponse(content=await self._answer(text))

    def stream_async(self, prompt: Any, **options: Any) -> Any:
        raise NotImplementedError


def rails(answer: Ask, check_in: Ask, check_out: Ask | None = None) -> LLMRails:
    settings = _SETTINGS + (_OUTPUT if check_out else "")
    made = LLMRails(RailsConfig.from_content(colang_content=_FLOWS, yaml_content=settings), llm=Stub(answer))

    async def before(context: Any = None) -> RailOutcome:
        return RailOutcome.allow() if await check_in(context["user_message"]) else RailOutcome.block()

    async def after(context: Any = None, **details: Any) -> RailOutcome:
        allowed = check_out is None or await check_out(context["bot_message"])
        return RailOutcome.allow() if allowed else RailOutcome.block()

    made.register_action(before, "check_in")
    made.register_action(after, "check_out")
    return made


async def open_turn(variant: str, exits: AsyncExitStack) -> Any:
    async def plan(text: str) -> str:
        return json.dumps(await workload.plan(text))

    planner = rails(plan, workload.prompt_guard)
    generator = rails(workload.generate, workload.input_guard, workload.output_guard)

    async def ask(which: LLMRails, text: str) -> str:
        answer: Any = await which.generate_async(messages=[{"role": "user", "content": text}])
        if answer["content"] == _REFUSAL:
            raise Refused
        return str(answer["content"])

    async def turn(prompt: str) -> list[str]:
        prompts = json.loads(await ask(planner, prompt))
        return await asyncio.gather(*(ask(generator, each) for each in prompts))

    return turn
