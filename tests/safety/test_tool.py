"""Guarded LangChain tools: the model sees a cleared result or a named block, by whichever door the result comes."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool, Tool, ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode
from langgraph.types import Command, interrupt
from pydantic import BaseModel, ValidationError

from safelight.errors import FetchRefused, ToolError
from safelight.safety import Content, ImagePart, Stage, TextPart, guard_tool
from safelight.testing import AllowAll, BlockOn, FailingModerator, MemoryRecorder, fake_guard

BLOCKER = BlockOn("bomb", "illicit_weapons")
PNG = base64.b64encode(b"png bytes").decode()


def tool_of(answer: Any, **options: Any) -> BaseTool:
    """A tool that answers with this, or raises it."""

    async def look(q: str, n: int = 3) -> Any:
        """Look it up."""
        if isinstance(answer, Exception):
            raise answer
        return answer

    return StructuredTool.from_function(coroutine=look, **options)


async def called(made: BaseTool, q: str = "fox", **args: Any) -> Any:
    return await made.ainvoke({"type": "tool_call", "name": made.name, "args": {"q": q, **args}, "id": "7"})


async def through_graph(made: BaseTool, args: dict[str, Any], **options: Any) -> ToolMessage:
    builder = StateGraph(MessagesState)
    builder.add_node("tools", ToolNode([made], **options))
    builder.set_entry_point("tools")
    call = {"name": made.name, "args": args, "id": "7", "type": "tool_call"}
    state = await builder.compile().ainvoke({"messages": [AIMessage("", tool_calls=[call])]})
    message = state["messages"][-1]
    assert isinstance(message, ToolMessage)
    return message


@tool
async def search(
    q: str, state: Annotated[dict[str, Any], InjectedState], call_id: Annotated[str, InjectedToolCallId], n: int = 3
) -> str:
    """Search the web."""
    return f"{n} results for {q} in call {call_id} after {len(state['messages'])} message(s)"


def test_to_a_model_it_is_the_same_tool() -> None:
    made = guard_tool(search, guard=fake_guard())
    assert (made.name, made.description) == ("search", "Search the web.")
    assert made.args == search.args == {key: search.args[key] for key in ("q", "n")}
    ours, theirs = made.tool_call_schema, search.tool_call_schema
    assert ours.model_json_schema() == theirs.model_json_schema()  # type: ignore[union-attr]
    assert made.get_input_schema().model_json_schema() == search.get_input_schema().model_json_schema()


async def test_in_a_graph_it_gets_what_the_framework_injects() -> None:
    message = await through_graph(guard_tool(search, guard=fake_guard(BLOCKER)), {"q": "fox"})
    assert message.content == "3 results for fox in call 7 after 1 message(s)"
    assert message.status == "success"


async def test_blocked_arguments_never_reach_it() -> None:
    message = await through_graph(guard_tool(search, guard=fake_guard(BLOCKER)), {"q": "how to build a bomb"})
    assert message.status == "error"
    assert "The call of search was blocked under: Weapons (illicit_weapons)." in str(message.content)
    assert "What can be done instead:" in str(message.content)
    assert message.tool_call_id == "7"


async def test_a_blocked_result_is_named_and_never_quoted() -> None:
    message = await called(guard_tool(tool_of("take one bomb and"), guard=fake_guard(BLOCKER)))
    assert message.status == "error"
    assert "The result of look was blocked under: Weapons" in message.content
    assert "bomb" not in repr(message)


async def test_called_directly_it_answers_in_words() -> None:
    assert await guard_tool(tool_of("red"), guard=fake_guard(BLOCKER)).ainvoke({"q": "fox"}) == "red"
    told = await guard_tool(tool_of("a bomb"), guard=fake_guard(BLOCKER)).ainvoke({"q": "fox"})
    assert told.startswith("The result of look was blocked")


async def test_a_broken_moderator_says_only_that() -> None:
    message = await called(guard_tool(tool_of("red"), guard=fake_guard(FailingModerator("raises"))))
    assert message.status == "error"
    assert message.content == "The call of look could not be checked for safety, so it was not let through."


async def test_every_argument_is_judged_and_told_apart() -> None:
    moderator = AllowAll()
    made = guard_tool(tool_of("red"), guard=fake_guard(moderator))
    await called(made, n=4)
    assert [part.text for part in moderator.seen[0].texts] == ["n = 4", "q: fox"]
    for args in ({"q": "1"}, {"q": "= 1"}, {"n": 1, "q": "x"}, {"n": 1.0, "q": "x"}, {"n": 10, "q": "x"}):
        await called(made, **args)
    digests = {content.digest for content in moderator.seen if content.stage is Stage.TOOL_CALL}
    assert len(digests) == 6


async def test_arguments_that_no_schema_knows_are_judged_too() -> None:
    schema = {"type": "object", "title": "look", "properties": {"q": {"type": "string"}}}

    async def look(**args: Any) -> str:
        return "red"

    raw = StructuredTool(name="look", description="Look it up.", args_schema=schema, coroutine=look)
    made = guard_tool(raw, guard=fake_guard(BLOCKER))
    assert (await called(made)).content == "red"
    assert (await called(made, hidden={"deep": ["bomb"]})).status == "error"
    assert (await called(made, **{"a bomb": 1})).status == "error"


async def test_a_tool_of_one_bare_string() -> None:
    async def ask(question: str) -> str:
        return f"{question}?"

    plain = Tool(name="ask", description="Ask.", func=None, coroutine=ask)
    made = guard_tool(plain, guard=fake_guard(BLOCKER))
    assert made.args == plain.args
    assert await made.ainvoke("fox") == "fox?"
    assert "was blocked" in await made.ainvoke("bomb")


def test_it_is_asynchronous_only() -> None:
    with pytest.raises(NotImplementedError, match="ainvoke"):
        guard_tool(tool_of("red"), guard=fake_guard()).invoke({"q": "fox"})


# -- the side doors -------------------------------------------------------------------------------------------------


async def test_an_artifact_is_judged_with_its_message() -> None:
    made = tool_of(("see the artifact", {"steps": ["take one bomb"]}), response_format="content_and_artifact")
    message = await called(guard_tool(made, guard=fake_guard(BLOCKER)))
    assert message.status == "error"
    assert message.artifact is None
    good = tool_of(("see", {"rows": [1, 2]}), response_format="content_and_artifact")
    message = await called(guard_tool(good, guard=fake_guard(BLOCKER)))
    assert (message.content, message.artifact) == ("see", {"rows": [1, 2]})


class Row(BaseModel):
    name: str


@dataclass
class Opaque:
    text: str = "a bomb"


@pytest.mark.parametrize(("artifact", "allowed"), [(Row(name="fox"), True), (Row(name="bomb"), False), (Opaque(), 0)])
async def test_objects_are_judged_by_what_they_hold_or_blocked(artifact: Any, allowed: bool) -> None:
    made = tool_of(("see", artifact), response_format="content_and_artifact")
    message = await called(guard_tool(made, guard=fake_guard(BLOCKER)))
    assert (message.status == "success") == allowed


async def test_the_text_of_a_tool_exception_is_a_result() -> None:
    for handled in (False, True):
        raw = tool_of(ToolException("no page; the page said: bomb"), handle_tool_error=handled)
        message = await called(guard_tool(raw, guard=fake_guard(BLOCKER)))
        assert message.status == "error"
        assert "bomb" not in repr(message)
    clean = guard_tool(tool_of(ToolException("no such page")), guard=fake_guard(BLOCKER))
    with pytest.raises(ToolException, match="no such page"):
        await called(clean)
    handled_clean = guard_tool(tool_of(ToolException("no such page"), handle_tool_error=True), guard=fake_guard())
    assert (await called(handled_clean)).content == "no such page"


async def test_any_other_error_is_told_by_its_type() -> None:
    made = guard_tool(tool_of(ValueError("while reading: bomb")), guard=fake_guard(BLOCKER))
    with pytest.raises(ToolError, match=r"^The tool look failed \(ValueError\)\.$"):
        await called(made)
    message = await through_graph(made, {"q": "fox"}, handle_tool_errors=True)
    assert "bomb" not in repr(message)
    with pytest.raises(FetchRefused):
        await called(guard_tool(tool_of(FetchRefused("that address is private")), guard=fake_guard()))


async def test_arguments_that_do_not_fit_are_reported_as_ever() -> None:
    made = guard_tool(tool_of("red"), guard=fake_guard())
    with pytest.raises(ValidationError):
        await called(made, n="many")
    message = await through_graph(made, {"n": 3})
    assert message.status == "error"
    assert "Field required" in str(message.content)


async def test_a_command_is_blocked() -> None:
    command = Command(update={"messages": [ToolMessage("a bomb", tool_call_id="7")]}, goto="generate")
    message = await called(guard_tool(tool_of(command), guard=fake_guard(BLOCKER)))
    assert isinstance(message, ToolMessage)
    assert message.content == "The result of look could not be checked for safety, so it was not let through."


async def test_a_suspension_goes_through() -> None:
    async def look(q: str) -> str:
        """Look it up."""
        return str(interrupt("which fox?"))

    made = guard_tool(StructuredTool.from_function(coroutine=look), guard=fake_guard(BLOCKER))
    builder = StateGraph(MessagesState)
    builder.add_node("tools", ToolNode([made]))
    builder.set_entry_point("tools")
    graph = builder.compile(checkpointer=InMemorySaver())
    config: RunnableConfig = {"configurable": {"thread_id": "a thread, with dots. and more"}}
    call = {"name": "look", "args": {"q": "fox"}, "id": "7", "type": "tool_call"}
    state = await graph.ainvoke({"messages": [AIMessage("", tool_calls=[call])]}, config)
    assert state["__interrupt__"][0].value == "which fox?"
    state = await graph.ainvoke(Command(resume="the bomb"), config)
    assert state["messages"][-1].status == "error", "what a resumption brings in is part of the result"


class _Eavesdropper(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[str] = []

    async def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.heard.append(repr(output))

    async def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self.heard.append(repr(error))


async def test_callbacks_and_event_streams_hear_only_what_was_cleared() -> None:
    for answer in ("take one bomb", ValueError("bomb"), ToolException("bomb")):
        ear = _Eavesdropper()
        made = guard_tool(tool_of(answer), guard=fake_guard(BLOCKER))
        call = {"type": "tool_call", "name": "look", "args": {"q": "fox"}, "id": "7"}
        with contextlib.suppress(ToolError):
            await made.ainvoke(call, {"callbacks": [ear]})
        assert len(ear.heard) == 1
        assert "bomb" not in ear.heard[0]
    streamed = [
        repr(event)
        async for event in guard_tool(tool_of("take one bomb"), guard=fake_guard(BLOCKER)).astream_events(
            {"q": "fox"}, version="v2"
        )
    ]
    assert streamed
    assert not any("bomb" in event for event in streamed)


# -- images in results ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/webp;base64,{PNG}"}},
        {"type": "image_url", "image_url": f"data:image/webp;base64,{PNG}"},
        {"type": "image", "base64": PNG, "mime_type": "image/webp"},
        {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/webp"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": PNG}},
    ],
)
async def test_an_image_is_judged_as_an_image(block: dict[str, Any]) -> None:
    moderator = AllowAll()
    made = guard_tool(tool_of([{"type": "text", "text": "a fox"}, block]), guard=fake_guard(moderator))
    message = await called(made)
    assert message.status == "success"
    assert moderator.seen[1].parts == (
        TextPart("a fox", "result of look", trusted=False),
        ImagePart(b"png bytes", "image/webp", "result of look"),
    )


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": "https://example.org/fox.png"}},
        {"type": "image", "url": "https://example.org/fox.png"},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/fox.png"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}, "base64": PNG},
        {"type": "image", "base64": "not base64!"},
        {"type": "image", "file_id": "file-7"},
        {"type": "file", "file_id": "file-7"},
    ],
)
async def test_what_nobody_can_look_at_is_blocked(block: dict[str, Any]) -> None:
    message = await called(guard_tool(tool_of([block]), guard=fake_guard()))
    assert message.status == "error"
    assert "could not be checked" in message.content


async def test_other_fields_of_a_block_are_judged() -> None:
    blocks = [{"type": "text", "text": "a fox", "annotations": [{"title": "bomb"}]}]
    assert (await called(guard_tool(tool_of(blocks), guard=fake_guard(BLOCKER)))).status == "error"
    audio = guard_tool(tool_of([{"type": "audio", "base64": PNG}]), guard=fake_guard())
    assert "could not be checked" in await audio.ainvoke({"q": "fox"})
    odd = [{"type": "search_result", "source": "x"}], [{"type": "json", "json": {"a": "bomb"}}], {"a": "bomb"}
    for answer in odd:
        assert (await called(guard_tool(tool_of(answer), guard=fake_guard(BLOCKER)))).status == "error"


async def test_own_descriptions_and_stages() -> None:
    recorder = MemoryRecorder()
    made = guard_tool(
        tool_of("a picture"),
        guard=fake_guard(recorder=recorder),
        stage_in=Stage.GENERATOR_INPUT,
        stage_out=Stage.GENERATOR_OUTPUT,
        content_in=lambda args: Content.of_text(Stage.GENERATOR_INPUT, args["q"]),
        content_out=lambda answer, args: Content.of_text(Stage.GENERATOR_OUTPUT, f"{args['q']}: {answer.content}"),
        run_id="run-7",
    )
    await called(made)
    contents = [details["content"] for kind, details in recorder.entries if kind == "verdict"]
    assert [(content.stage, content.texts[0].text) for content in contents] == [
        (Stage.GENERATOR_INPUT, "fox"),
        (Stage.GENERATOR_OUTPUT, "fox: a picture"),
    ]
    assert {details["run_id"] for _, details in recorder.entries} == {"run-7"}


@pytest.mark.parametrize(
    ("run_id", "thread", "expected"),
    [
        (None, "thread-1", "thread-1"),
        (None, None, "local"),
        (lambda config: f"of-{config['configurable']['thread_id']}", "t", "of-t"),
    ],
)
async def test_the_run_is_the_threads(run_id: Any, thread: str | None, expected: str) -> None:
    recorder = MemoryRecorder()
    made = guard_tool(tool_of("red"), guard=fake_guard(recorder=recorder), run_id=run_id)
    await made.ainvoke({"q": "fox"}, {"configurable": {"thread_id": thread}} if thread else None)
    assert {details["run_id"] for _, details in recorder.entries} == {expected}
