"""The reasoning monitor: any chat model, given our policies, as one more moderator."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ....errors import BadImage
from ....services import Service, ServiceFault, current_bill
from ...content import Content
from ...policy import PolicySet, StackName
from ...verdict import Decision, Verdict
from .answers import SCHEMA, NoVerdict, message_of, verdict_in
from .instructions import content_parts, instruction

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["STACKS", "ReasoningMonitor"]

# The order in which policies are told: those of the strict stacks first, which are sent alone more often.
STACKS: tuple[StackName, ...] = ("minors", "bio", "general")


class ReasoningMonitor:
    """Judges content under the policies of `stacks`, all of them unless told otherwise.

    Anything but a valid verdict (a refusal, an empty, cut-off or decorated answer, a policy that it was not given, a
    score that is none) is a block marked `failed`. Without `vision` pictures are not shown, and not said to be checked.
    A service that does not know JSON schemas is asked without from then on; policy models of the gpt-oss-safeguard kind
    are from the start.
    """

    def __init__(
        self,
        service: Service,
        model: str,
        policies: PolicySet,
        *,
        stacks: frozenset[str] = frozenset(STACKS),
        vision: bool = True,
        schema: bool | None = None,
        effort: str | None = None,
    ) -> None:
        self._service = service
        self._model = model
        self._all = policies
        self._policies = {
            policy.id: policy for stack in STACKS if stack in stacks for policy in policies if policy.stack == stack
        }
        self._stacks = stacks
        self._vision = vision and "safeguard" not in model
        self._schema = "safeguard" not in model if schema is None else schema
        self._effort = effort

    @property
    def name(self) -> str:
        return f"monitor:{self._model}"

    async def moderate(self, content: Content) -> Verdict:
        if not content.texts and not self._vision:
            return Verdict(decision=Decision.ALLOW, moderator=self.name)  # nothing seen, nothing checked
        try:
            parts = await asyncio.to_thread(content_parts, content, vision=self._vision)
            answer = await self._ask(parts, content)
            await self._book(answer)
            text = message_of(answer)
            verdict = verdict_in(text, content, self._policies, self.name)
        except NoVerdict as error:
            return Verdict.failure(self.name, f"{self.name} {error}")
        except ServiceFault as fault:
            return Verdict.failure(self.name, f"cannot judge: {fault}")
        except BadImage as error:
            return Verdict.failure(self.name, f"an image could not be read: {error}")
        except ValueError as error:
            return Verdict.failure(self.name, f"cannot judge: {error}")
        return verdict.model_copy(update={"checked": self._checked(content)})

    async def _ask(self, parts: list[dict[str, Any]], content: Content) -> dict[str, Any]:
        """The answer. Judging twice does no harm but cost: where no usable answer came, it is asked again."""
        try:
            return await self._send(parts, content, schema=self._schema)
        except ServiceFault as fault:
            if not self._schema or fault.kind != "rejected":
                raise
            answer = await self._send(parts, content, schema=False)
            self._schema = False
            return answer

    async def _send(self, parts: list[dict[str, Any]], content: Content, *, schema: bool) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": instruction(self._policies.values(), content.stage)},
                {"role": "user", "content": parts},
            ],
        }
        if schema:
            form = {"name": "verdict", "strict": True, "schema": SCHEMA}
            asked["response_format"] = {"type": "json_schema", "json_schema": form}
        if self._effort:
            asked["reasoning_effort"] = self._effort
        if self._service.endpoint.is_openai:
            told = "-".join(stack for stack in STACKS if stack in self._stacks)
            asked["prompt_cache_key"] = f"safelight-{self._all.version}-{told}"

        def send(client: AsyncOpenAI) -> Any:
            return client.chat.completions.with_streaming_response.create(**asked)

        return await self._service.ask(send, repeatable=True)

    async def _book(self, answer: dict[str, Any]) -> None:
        """Enter the call on the run's bill. A budget that is used up stops no judgement."""
        bill, usage = current_bill(), answer.get("usage")
        if bill is None or not isinstance(usage, dict):
            return
        details = usage.get("prompt_tokens_details")
        counted = {
            "input_tokens": usage.get("prompt_tokens"),
            "output_tokens": usage.get("completion_tokens"),
            "cached_tokens": details.get("cached_tokens") if isinstance(details, dict) else 0,
        }
        numbers = {name: count for name, count in counted.items() if type(count) is int and count >= 0}
        await bill.book(self._service.role, self._model, numbers)

    def _checked(self, content: Content) -> frozenset[str]:
        seen = [kind for kind in content.modalities if kind == "text" or self._vision]
        return frozenset(f"{kind}:{policy}" for kind in seen for policy in self._policies)
