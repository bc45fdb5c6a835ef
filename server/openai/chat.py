"""`/v1/chat/completions`: thinking as `reasoning_content`, images as Markdown with signed links."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from ...events import RunFinished
from ...graphs.result import RunResult
from ..asking import Inputs, brief_from, conversation
from ..auth import Caller, allowed
from ..errors import ApiError, error_body
from ..quota import check_quota
from ..runs import Asked
from ..sse import EventStream, sse
from ..state import Server, ServerState
from ..telling import answer_text, refusal_text, suspended_text, thought
from ..waiting import asked_for, attended, finished, outcome
from .blocks import raise_if_broken
from .models import THINKING, mode_of
from .parts import spoken

__all__ = ["router"]

router = APIRouter(prefix="/v1/chat", tags=["openai"])

_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
_PIECE = 400


class ChatRequest(BaseModel):
    """What is understood of a chat request. Tools, sampling and the like are accepted and have no effect."""

    model_config = ConfigDict(extra="allow")

    messages: list[dict[str, Any]] = Field(min_length=1, max_length=500)
    model: str | None = None
    stream: bool | None = False
    stream_options: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    size: str | None = None
    seed: int | None = None


class Message(BaseModel):
    """The answer. `reasoning_content` is a summary of the thinking; `refusal` repeats a refusal's text."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: str | None = None
    reasoning_content: str | None = None


class Choice(BaseModel):
    """The one choice that there is."""

    index: int = 0
    message: Message
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


class ChatCompletion(BaseModel):
    """An answer, whole."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: dict[str, int]


@router.post("/completions", response_model=ChatCompletion, responses={200: {"content": {"text/event-stream": {}}}})
async def complete(
    asked_chat: ChatRequest,
    request: Request,
    server: Server,
    caller: Annotated[Caller, Depends(allowed("generate"))],
) -> Any:
    """Images for a conversation, told as a chat tells them."""
    messages = [spoken(message, param="messages") for message in asked_chat.messages]
    talk = await conversation(Inputs(server, caller), [each for each in messages if each is not None])
    seed = asked_chat.seed % 2**31 if asked_chat.seed is not None else None
    brief = brief_from(
        mode=mode_of(asked_chat.model, asked_chat.reasoning_effort), size=asked_chat.size, seed=seed,
        account=caller.account, **talk,
    )  # fmt: skip
    await check_quota(server, caller, None)
    asked = asked_for(request, caller, brief, "chat")
    run_id = await server.runs.start(brief, caller, asked)
    telling = _Telling(asked_chat, request, server, caller.account, run_id)
    if asked_chat.stream:
        return EventStream(telling.stream(asked))
    record = await finished(server, request, run_id, asked)
    text, refused = telling.answer(outcome(record))
    thoughts = [line for event in await server.store.runs.events(run_id) if (line := thought(event))]
    message = Message(content=text, refusal=text if refused else None, reasoning_content="\n".join(thoughts) or None)
    created = int(record.created_at.timestamp())
    return ChatCompletion(
        id=telling.id, created=created, model=telling.model, choices=[Choice(message=message)], usage=_USAGE
    )


class _Telling:
    """One run, told as a chat completion."""

    def __init__(
        self, asked_chat: ChatRequest, request: Request, server: ServerState, account: str, run_id: str
    ) -> None:
        self.id = f"chatcmpl-{run_id.removeprefix('run_')}"
        self.model = asked_chat.model or THINKING
        self._usage = bool((asked_chat.stream_options or {}).get("include_usage"))
        self._base = str(request.base_url)
        self._server = server
        self._account = account
        self._run_id = run_id
        self._created = 0

    def answer(self, result: RunResult) -> tuple[str, bool]:
        """The text, and whether it is a refusal. Raises ApiError for what is neither: broken machinery."""
        raise_if_broken(result)
        if result.status == "suspended":
            return suspended_text(result.run_id), False
        if result.refusal is not None:
            return refusal_text(result.refusal), True
        link = self._server.links.make
        return answer_text(
            result, lambda image: link(self._base, self._account, self._run_id, image.index)
        ), False  # fmt: skip

    async def stream(self, asked: Asked) -> AsyncGenerator[bytes, None]:
        """The chunks: thoughts as they come, the answer once the set is cleared."""
        server, run_id = self._server, self._run_id
        try:
            async with attended(server, run_id, asked), aclosing(server.runs.events(run_id)) as events:
                async for event in events:
                    if not self._created:
                        self._created = int(event.at.timestamp())
                        yield self._chunk({"role": "assistant", "content": ""})
                    if line := thought(event):
                        yield self._chunk({"reasoning_content": line + "\n"})
                    if isinstance(event, RunFinished):
                        break
                record = await server.runs.wait(run_id)
                if record.status in {"running", "interrupted"}:
                    raise ApiError(503, "The server is shutting down.", code="server_shutting_down")
                text, refused = self.answer(outcome(record))
                for start in range(0, len(text), _PIECE):
                    yield self._chunk({"content": text[start : start + _PIECE]})
                yield self._chunk({"refusal": text} if refused else {}, finish_reason="stop")
                if self._usage:
                    yield sse({**self._head(), "choices": [], "usage": _USAGE})
                yield sse("[DONE]")
        except ApiError as error:
            yield sse(error.body(run_id))
        except Exception:
            yield sse(error_body("The server failed.", "server_error", "server_error", None, run_id))
            raise

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return sse({**self._head(), "choices": [choice]})

    def _head(self) -> dict[str, Any]:
        return {"id": self.id, "object": "chat.completion.chunk", "created": self._created, "model": self.model}
