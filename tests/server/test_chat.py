"""Chat over OpenAI's API, with OpenAI's own client."""

from __future__ import annotations

import base64
import re
import threading
import time
from typing import Any

import openai
import pytest

from safelight.agent.brief import Brief

LINK = re.compile(r"!\[[^\]]*\]\((http[^)]+)\)")


def brief_of(server: Any, answer_id: str) -> Brief:
    """The brief that a chat became."""
    import asyncio

    run_id = "run_" + answer_id.removeprefix("chatcmpl-")
    record = asyncio.run_coroutine_threadsafe(server.state.store.runs.get(run_id), server.loop).result(10)
    return Brief.model_validate(record.brief)


def ask(server: Any, messages: list[Any], **more: Any) -> Any:
    return server.client().chat.completions.create(
        model="safelight-thinking", messages=messages, extra_body={"size": "256x256"}, **more
    )


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def test_an_answer_shows_its_images(server: Any) -> None:
    tools: Any = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    answer = ask(server, [{"role": "system", "content": "Be kind."}, user("A lantern")], tools=tools, temperature=0.3)
    message = answer.choices[0].message
    assert "I think of a picture." in message.reasoning_content
    (link,) = LINK.findall(message.content)
    with server.http() as http:
        assert http.get(link).headers["content-type"] == "image/png"


def test_a_stream_thinks_first_and_shows_then(server: Any) -> None:
    stream = ask(server, [user("A lantern")], stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    kinds = [
        "thought" if getattr(chunk.choices[0].delta, "reasoning_content", None) else "text"
        for chunk in chunks[1:]
        if chunk.choices and (chunk.choices[0].delta.content or hasattr(chunk.choices[0].delta, "reasoning_content"))
    ]
    assert kinds == sorted(kinds, reverse=True)
    assert LINK.search("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.total_tokens == 0
    assert {chunk.id for chunk in chunks} == {chunks[0].id}


def test_a_refusal_does_not_poison_the_next_turn(server: Any) -> None:
    messages: list[Any] = [user("A forbidden lantern")]
    refused = ask(server, messages).choices[0].message
    assert refused.refusal == refused.content
    assert "instead" in refused.content
    for kept in ({"role": "assistant", "content": refused.content}, refused.model_dump(exclude_none=True)):
        answer = ask(server, [*messages, kept, user("A red lantern")])
        assert LINK.search(answer.choices[0].message.content)
        brief = brief_of(server, answer.id)
        assert (brief.prompt, brief.turns) == ("A red lantern", ())
    streamed = list(ask(server, messages, stream=True))
    assert streamed[-1].choices[0].delta.refusal == refused.content


def test_a_conversation_goes_on_from_its_images(server: Any) -> None:
    first = ask(server, [user("A lantern")])
    said = first.choices[0].message.content
    with server.http() as http:
        image = http.get(LINK.findall(said)[0]).content
    second = ask(server, [user("A lantern"), {"role": "assistant", "content": said}, user("Make it blue")])
    turns = brief_of(server, second.id).turns
    assert [turn.role for turn in turns] == ["user", "assistant"]
    assert len(turns[1].images) == 1
    assert "http" not in turns[1].text
    url = "data:image/png;base64," + base64.b64encode(image).decode()
    parts: Any = [{"type": "text", "text": "In red"}, {"type": "image_url", "image_url": {"url": url}}]
    third = ask(server, [{"role": "user", "content": parts}])
    assert brief_of(server, third.id).is_edit
    note = base64.b64encode(b"Lanterns are made of paper.").decode()
    parts = [{"type": "text", "text": "A lantern"}, {"type": "file", "file": {"filename": "a.txt", "file_data": note}}]
    assert [
        item.kind for item in brief_of(server, ask(server, [{"role": "user", "content": parts}]).id).attachments
    ] == ["document"]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "assistant", "content": "Hello"}],
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://10.0.0.1/a.png"}}]}],
        [{"role": "user", "content": 7}],
    ],
)
def test_what_is_no_conversation_is_told(server: Any, messages: list[Any]) -> None:
    with pytest.raises(openai.BadRequestError):
        ask(server, messages)


def test_a_run_ends_when_its_listener_leaves(server: Any) -> None:
    stream = ask(server, [user("An endless lantern")], stream=True)
    first = next(iter(stream))
    stream.close()
    run_id = "run_" + first.id.removeprefix("chatcmpl-")
    assert ended(server, run_id) == "cancelled"

    failed: list[BaseException] = []

    def wait() -> None:
        try:
            ask(server, [user("Another endless lantern")], timeout=1.0)
        except openai.APITimeoutError as error:
            failed.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()
    assert failed
    with server.http() as http:
        newest = http.get("/runs", params={"limit": 1}).json()["runs"][0]["id"]
    assert ended(server, newest) == "cancelled"


def ended(server: Any, run_id: str) -> str:
    """The status of a run, once it is not under way any more."""
    with server.http() as http:
        for _ in range(100):
            status = str(http.get(f"/runs/{run_id}").json()["status"])
            if status not in {"running", "interrupted"}:
                return status
            time.sleep(0.05)
    return "running"
