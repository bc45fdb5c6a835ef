"""LangChain tools between two guards.

What a guarded tool gives its model is a cleared result, or a message that names the policy and never quotes the
result. That holds for its side doors too: a `ToolException`'s text is judged like a result, any other error is
reported by its type alone, `Command`s and images by address are blocked (nobody can judge what they bring), and the
inner tool's callbacks are silenced, since tracers and `astream_events` would show its raw output before its guard ran.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException
from langgraph.errors import GraphBubbleUp
from pydantic import BaseModel, PrivateAttr, ValidationError

from ..errors import SafelightError, ToolError
from .content import Content, ImagePart, Part, Stage, TextPart
from .guard import Blocked, Effect, Guard, guard

__all__ = ["guarded_tool"]

RunId = str | Callable[[RunnableConfig], str] | None

_DATA_URL = re.compile(r"data:(?P<type>image/[\w.+-]+);base64,(?P<data>.*)", re.DOTALL)


def guarded_tool(
    tool: BaseTool,
    *,
    guard: Guard,
    stage_in: Stage = Stage.TOOL_CALL,
    stage_out: Stage = Stage.TOOL_RESULT,
    content_in: Callable[[dict[str, Any]], Content] | None = None,
    content_out: Callable[[Any, dict[str, Any]], Content] | None = None,
    run_id: RunId = None,
) -> BaseTool:
    """The same tool to a model (name, description, schema), judged on its arguments and on its result.

    It is asynchronous only: `invoke` raises NotImplementedError. `content_in` describes the arguments (without those
    that LangGraph injects: state, store, runtime), `content_out` what came back (a ToolMessage, where the tool was
    called by a tool call) and the arguments; the defaults describe every argument, and text, images and JSON in
    results, and block what they cannot describe. `run_id` is the run's, or says it from the config; by default the
    config's `thread_id`.
    """
    return _GuardedTool(
        tool,
        guard,
        stage_in=stage_in,
        stage_out=stage_out,
        content_in=content_in or (lambda args: _described_args(tool.name, args)),
        content_out=content_out or (lambda answer, _: _described_answer(tool.name, answer)),
        run_id=run_id,
    )


@dataclass(frozen=True)
class _Call:
    """One call: the arguments that are judged, and those that the framework brings. `single` is a bare string."""

    args: dict[str, Any]
    single: str | None = None
    injected: Mapping[str, Any] = field(default_factory=dict)
    call_id: str | None = None
    config: RunnableConfig = field(default_factory=RunnableConfig)

    @property
    def judged(self) -> dict[str, Any]:
        return self.args if self.single is None else {"input": self.single}


@dataclass(frozen=True)
class _Raised:
    """The text of a ToolException: it goes to the model, so it is a result like any other."""

    text: str


class _GuardedTool(BaseTool):
    _effect: Effect[_Call, Any] = PrivateAttr()
    _policies: Any = PrivateAttr()
    _run_id: RunId = PrivateAttr()
    _injected: frozenset[str] = PrivateAttr()
    _schema: Callable[..., Any] = PrivateAttr()
    _args: dict[str, Any] = PrivateAttr()

    def __init__(
        self,
        tool: BaseTool,
        by: Guard,
        *,
        stage_in: Stage,
        stage_out: Stage,
        content_in: Callable[[dict[str, Any]], Content],
        content_out: Callable[[Any, dict[str, Any]], Content],
        run_id: RunId,
    ) -> None:
        super().__init__(
            name=tool.name,
            description=tool.description,
            args_schema=tool.args_schema,
            return_direct=tool.return_direct,
            tags=tool.tags,
            metadata=tool.metadata,
            extras=tool.extras,
        )
        self._policies, self._run_id, self._schema = by.stack.policies, run_id, tool.get_input_schema
        self._args = dict(tool.args)
        schema = tool.args_schema
        fields = set(schema.model_fields) if isinstance(schema, type) and issubclass(schema, BaseModel) else set()
        # What a model never sees and the framework brings; every other key is judged, known or not.
        self._injected = frozenset((fields - set(self._args)) | tool._injected_args_keys)
        self._effect = guard(
            _runner(tool),
            name=tool.name,
            guard=by,
            stage_in=stage_in,
            stage_out=stage_out,
            content_in=lambda call: content_in(call.judged),
            content_out=lambda answer, call: content_out(
                answer.text if isinstance(answer, _Raised) else answer, call.judged
            ),
            freeze=_freeze,
        )

    @property
    def args(self) -> dict[str, Any]:
        return self._args

    @property
    def _injected_args_keys(self) -> frozenset[str]:
        return self._injected

    def get_input_schema(self, config: RunnableConfig | None = None) -> Any:
        return self._schema(config)

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """As they are: the inner tool validates them, once they are cleared."""
        return (tool_input,), {"tool_call_id": tool_call_id}

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"The guarded tool {self.name} is asynchronous: use `ainvoke`.")

    async def _arun(self, tool_input: Any, tool_call_id: str | None, config: RunnableConfig) -> Any:
        given = {} if isinstance(tool_input, str) else dict(tool_input)
        call = _Call(
            args={key: value for key, value in given.items() if key not in self._injected},
            single=tool_input if isinstance(tool_input, str) else None,
            injected={key: value for key, value in given.items() if key in self._injected},
            call_id=tool_call_id,
            config=config,
        )
        outcome = await self._effect.run(call, run_id=_run_of(self._run_id, config))
        if isinstance(outcome, Blocked):
            text = self._told(outcome)
            if tool_call_id is None:
                return text
            return ToolMessage(text, tool_call_id=tool_call_id, name=self.name, status="error")
        if isinstance(outcome.value, _Raised):
            raise ToolException(outcome.value.text)
        return outcome.value

    def _told(self, outcome: Blocked) -> str:
        """The block in words for a model: policies and offers, nothing of the content and nothing of its evidence."""
        verdict, what = outcome.verdict, "call" if outcome.stage is self._effect.stage_in else "result"
        if verdict.failed:
            return f"The {what} of {self.name} could not be checked for safety, so it was not let through."
        known = [self._policies[policy] for policy in verdict.policies if policy in self._policies]
        named = ", ".join(f"{policy.title} ({policy.id})" for policy in known) or "the safety policies"
        offers = " ".join(dict.fromkeys(offer for policy in known for offer in policy.offer[:1]))
        hint = f" What can be done instead: {offers}" if offers else ""
        return f"The {what} of {self.name} was blocked under: {named}.{hint}"


def _runner(tool: BaseTool) -> Callable[[_Call], Any]:
    """The inner tool as a callable of one argument, which tells its errors apart."""

    async def run(call: _Call) -> Any:
        config: RunnableConfig = {**call.config, "callbacks": []}
        given: Any = call.single if call.single is not None else {**call.args, **call.injected}
        if call.call_id is not None and call.single is None:
            given = {"type": "tool_call", "name": tool.name, "args": given, "id": call.call_id}
        try:
            return await tool.ainvoke(given, config)
        except ToolException as error:
            return _Raised(str(error))
        except (GraphBubbleUp, ValidationError, SafelightError):
            raise  # LangGraph's own control flow; arguments (cleared by now) that do not fit; our own typed errors
        except Exception as error:
            raise ToolError(f"The tool {tool.name} failed ({type(error).__name__}).") from error

    return run


def _freeze(value: Any) -> Any:
    """A deep copy; of a call, a deep copy of what is judged (stores and runtimes cannot be copied)."""
    return replace(value, args=copy.deepcopy(value.args)) if isinstance(value, _Call) else copy.deepcopy(value)


def _run_of(run_id: RunId, config: RunnableConfig) -> str:
    if callable(run_id):
        return run_id(config)
    given = run_id or str(config.get("configurable", {}).get("thread_id") or "local")
    # A thread may be named with anything; a run id stands in tokens.
    return given if re.fullmatch(r"[\w:@-]{1,200}", given, re.ASCII) else hashlib.sha256(given.encode()).hexdigest()


def _described_args(name: str, args: dict[str, Any]) -> Content:
    """One part an argument, `key: text` or `key = JSON`, so that no two argument lists share an encoding."""
    parts = []
    for key in sorted(args):
        label = key if key.isidentifier() else json.dumps(key)
        value = args[key]
        text = f"{label}: {value}" if isinstance(value, str) else f"{label} = {_json(value)}"
        parts.append(TextPart(text, source=f"{name} argument"))
    return Content(Stage.TOOL_CALL, tuple(parts))


def _described_answer(name: str, answer: Any) -> Content:
    """A tool's result: text and images as such, artifacts and other objects as JSON. Raises TypeError for the rest."""
    source = f"result of {name}"
    if isinstance(answer, ToolMessage):
        parts = list(_parts(answer.content, source))
        if answer.artifact is not None:
            parts.append(TextPart(_json(answer.artifact), source=f"artifact of {name}", trusted=False))
    else:
        parts = list(_parts(answer, source))
    return Content(Stage.TOOL_RESULT, tuple(parts))


def _parts(value: Any, source: str) -> Iterator[Part]:
    if isinstance(value, str):
        yield TextPart(value, source=source, trusted=False)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item, source)
    elif isinstance(value, dict) and value.get("type") == "text" and isinstance(value.get("text"), str):
        yield TextPart(value["text"], source=source, trusted=False)
        if rest := {key: item for key, item in value.items() if key not in {"type", "text"}}:
            yield TextPart(_json(rest), source=source, trusted=False)
    elif isinstance(value, dict) and value.get("type") in {"image", "image_url"}:
        yield _image(value, source)
    elif isinstance(value, dict) and value.get("type") in {"audio", "video", "file", "document", "search_result"}:
        raise TypeError(f"a {value['type']} block cannot be judged")
    else:
        yield TextPart(_json(value), source=source, trusted=False)


def _image(block: dict[str, Any], source: str) -> ImagePart:
    """The image of a content block, in any of the three forms in use. Raises TypeError where it brings no bytes."""
    url = block.get("url") or block.get("image_url")
    url = url.get("url") if isinstance(url, dict) else url
    inner = block.get("source")
    data = block.get("base64") or block.get("data") or (inner.get("data") if isinstance(inner, dict) else None)
    media_type = block.get("mime_type") or (inner.get("media_type") if isinstance(inner, dict) else None)
    if isinstance(url, str):
        match = _DATA_URL.fullmatch(url)
        if match is None:
            raise TypeError("an image by address cannot be judged")
        if data is not None:
            raise TypeError("an image both by address and by value cannot be judged")
        data, media_type = match["data"], match["type"]
    if not isinstance(data, str):
        raise TypeError("an image without bytes cannot be judged")
    return ImagePart(base64.b64decode(data, validate=True), str(media_type or "image/png"), source=source)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"a {type(value).__name__} cannot be described")
