"""Responses over OpenAI's API, with OpenAI's own client, strict about what it gets."""

from __future__ import annotations

import base64
import time
from typing import Any

import openai
import pytest

from safelight.media import decode

TOOLS: Any = [{"type": "image_generation", "size": "256x256"}, {"type": "web_search"}]
OPEN_RESPONSES = {
    "id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "previous_response_id",
    "instructions", "output", "error", "tools", "tool_choice", "truncation", "parallel_tool_calls", "text", "top_p",
    "presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "user", "usage",
    "max_output_tokens", "max_tool_calls", "store", "background", "service_tier", "metadata", "safety_identifier",
    "prompt_cache_key",
}  # fmt: skip


def ask(server: Any, what: Any, **more: Any) -> Any:
    return server.client().responses.create(model="safelight-thinking", input=what, tools=TOOLS, **more)


def kinds(response: Any) -> list[str]:
    return [item.type for item in response.output]


def test_a_response_thinks_searches_draws_and_ends_with_a_message(server: Any) -> None:
    response = ask(server, "A lantern", metadata={"a": "b"}, instructions="Be kind.", user="u")
    assert response.status == "completed"
    assert kinds(response)[-1] == "message"
    assert {"reasoning", "image_generation_call"} <= set(kinds(response))
    image = next(item for item in response.output if item.type == "image_generation_call")
    assert decode(base64.b64decode(image.result)).image.size == (256, 256)
    assert "](http" in response.output_text
    assert response.metadata == {"a": "b"}
    assert set(response.to_dict()) >= OPEN_RESPONSES
    again = server.client().responses.retrieve(response.id)
    assert [item.id for item in again.output] == [item.id for item in response.output]
    assert again.completed_at == response.completed_at


def test_a_stream_is_well_formed(server: Any) -> None:
    with server.client().responses.stream(model="safelight-thinking", input="A lantern", tools=TOOLS) as stream:
        events = list(stream)
        response = stream.get_final_response()
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert kinds(response)[-1] == "message"
    raw = list(ask(server, "A lantern", stream=True))
    assert [event.sequence_number for event in raw] == list(range(len(raw)))
    added = [event.output_index for event in raw if event.type == "response.output_item.added"]
    done = [event.output_index for event in raw if event.type == "response.output_item.done"]
    assert added == sorted(set(added))
    assert sorted(done) == added
    assert raw[-1].response.output == [event.item for event in sorted(
        (event for event in raw if event.type == "response.output_item.done"), key=lambda event: event.output_index
    )]  # fmt: skip


def test_searches_and_pages_are_items_of_their_own(server: Any) -> None:
    raw = list(ask(server, "A researched lantern", stream=True))
    response = raw[-1].response
    calls = [item for item in response.output if item.type == "web_search_call"]
    assert [call.action.type for call in calls] == ["search", "open_page"]
    assert calls[0].action.query == "how lanterns work"
    assert calls[1].action.url == "https://example.org/lantern"
    assert {call.status for call in calls} == {"completed"}
    for call in calls:
        told = [event.type for event in raw if getattr(event, "item_id", "") == call.id]
        assert told == [f"response.web_search_call.{step}" for step in ("in_progress", "searching", "completed")]
        added = next(e for e in raw if e.type == "response.output_item.added" and e.item.id == call.id)
        done = next(e for e in raw if e.type == "response.output_item.done" and e.item.id == call.id)
        assert (added.item.status, done.item.status) == ("in_progress", "completed")
        assert added.sequence_number < done.sequence_number
    first_image = next(i for i, item in enumerate(response.output) if item.type == "image_generation_call")
    assert all(response.output.index(call) < first_image for call in calls)
    assert [item.id for item in server.client().responses.retrieve(response.id).output] == [
        item.id for item in response.output
    ]


def test_a_stream_is_taken_up_again(server: Any) -> None:
    raw = list(ask(server, "A lantern", stream=True, background=True))
    response_id = raw[0].response.id
    again = list(server.client().responses.retrieve(response_id, stream=True, starting_after=5))
    shown = [(event.type, event.sequence_number) for event in raw[6:]]
    assert [(event.type, event.sequence_number) for event in again] == shown


def test_a_refusal_is_a_part_and_leaves_no_trace(server: Any) -> None:
    first = ask(server, "A lantern")
    refused = ask(server, "A forbidden lantern", previous_response_id=first.id)
    assert refused.status == "completed"
    (part,) = refused.output[-1].content
    assert part.type == "refusal"
    assert "instead" in part.refusal
    third = ask(server, "A red lantern", previous_response_id=refused.id)
    assert kinds(third)[-1] == "message"
    with server.http() as http:
        record = http.get(f"/runs/run_{third.id.removeprefix('resp_')}/record").json()
    assert [turn["text"] for turn in record["brief"]["turns"] if turn["role"] == "user"] == ["A lantern"]
    assert "forbidden" not in str(record["brief"])
    # The whole conversation sent again instead: the same holds.
    talk = [
        {"role": "user", "content": "A forbidden lantern"},
        *[item.to_dict() for item in refused.output],
        {"role": "user", "content": [{"type": "input_text", "text": "A blue lantern"}]},
    ]
    fourth = ask(server, talk)
    with server.http() as http:
        record = http.get(f"/runs/run_{fourth.id.removeprefix('resp_')}/record").json()
    assert record["brief"]["turns"] == []


def test_a_gap_is_a_failed_item(server: Any) -> None:
    tools = [{"type": "image_generation", "size": "256x256", "n": 3}]
    response = server.client().responses.create(model="safelight-thinking", input="A gapped lantern", tools=tools)
    images = [item for item in response.output if item.type == "image_generation_call"]
    assert [image.status for image in images] == ["completed", "failed", "completed"]
    assert images[1].error.code == "moderation_blocked"
    assert images[1].error.moderation_details.categories == ["violence_graphic"]


def test_images_and_files_are_taken_in(server: Any) -> None:
    made = next(item for item in ask(server, "A lantern").output if item.type == "image_generation_call").result
    note = base64.b64encode(b"Lanterns are made of paper.").decode()
    content = [
        {"type": "input_text", "text": "The same in red"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{made}", "detail": "auto"},
        {"type": "input_file", "filename": "notes.txt", "file_data": note},
    ]
    response = ask(server, [{"role": "user", "content": content}])
    assert response.status == "completed"
    items = server.client().responses.input_items.list(response.id)
    assert [part.type for part in items.data[0].content] == ["input_text", "input_image", "input_file"]
    follow = [{"role": "user", "content": "A lantern"}, *[item.to_dict() for item in response.output],
              {"role": "user", "content": "Make it blue"}]  # fmt: skip
    assert ask(server, follow).status == "completed"


def test_in_the_background(server: Any) -> None:
    client = server.client()
    response = ask(server, "A slow lantern", background=True)
    assert response.status == "queued"
    for _ in range(100):
        response = client.responses.retrieve(response.id)
        if response.status != "in_progress":
            break
        time.sleep(0.1)
    assert response.status == "completed"
    endless = ask(server, "An endless lantern", background=True)
    assert client.responses.retrieve(endless.id).status in {"queued", "in_progress"}
    assert client.responses.cancel(endless.id).status == "cancelled"
    assert client.responses.retrieve(endless.id).status == "cancelled"
    client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)


def test_what_was_not_to_be_kept_is_not(server: Any) -> None:
    response = ask(server, "A lantern", store=False)
    with pytest.raises(openai.NotFoundError):
        server.client().responses.retrieve(response.id)


def test_broken_machinery_is_a_failed_response(server: Any) -> None:
    response = ask(server, "A broken lantern")
    assert (response.status, response.error.code) == ("failed", "server_error")
    events = list(ask(server, "A broken lantern", stream=True))
    assert events[-1].type == "response.failed"


@pytest.mark.parametrize("change", [{"previous_response_id": "resp_none"}, {"model": "llama"}])
def test_what_is_not_there_is_told(server: Any, change: dict[str, Any]) -> None:
    with pytest.raises(openai.NotFoundError):
        server.client().responses.create(**{"model": "safelight-thinking", "input": "A lantern", **change})
