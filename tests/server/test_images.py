"""Images over OpenAI's API, with OpenAI's own client, strict about what it gets."""

from __future__ import annotations

import base64
import io
from typing import Any

import openai
import pytest
from PIL import Image

from safelight.media import decode

SIZE: Any = "256x256"


def png(color: str = "teal", size: tuple[int, int] = (64, 64)) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, color).save(target, "PNG")
    return target.getvalue()


def test_models_are_listed(server: Any) -> None:
    client = server.client()
    assert [model.id for model in client.models.list()] == ["safelight-thinking", "safelight-instant"]
    assert client.models.retrieve("gpt-image-2").id == "gpt-image-2"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("llama")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("model", ["safelight-thinking", "safelight-instant", "gpt-image-2.5-flare", None])
def test_images_are_generated(server: Any, model: str | None) -> None:
    named = {"model": model} if model else {}
    answer = server.client().images.generate(prompt="A lantern", n=2, size=SIZE, user="someone", **named)
    assert len(answer.data) == 2
    for image in answer.data:
        assert decode(base64.b64decode(image.b64_json)).image.size == (256, 256)
    assert answer.size == "256x256"


def test_images_as_links(server: Any) -> None:
    answer = server.client().images.generate(
        prompt="A lantern", model="safelight-instant", size=SIZE, response_format="url", output_format="webp"
    )
    with server.http() as http:
        got = http.get(answer.data[0].url)
    assert got.headers["content-type"] == "image/webp"
    assert decode(got.content).image.size == (256, 256)


def test_a_blocked_image_is_an_error_that_helps(server: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        server.client().images.generate(prompt="A forbidden lantern", model="safelight-instant", size=SIZE)
    error = caught.value
    assert (error.code, error.type) == ("moderation_blocked", "image_generation_user_error")
    assert isinstance(error.body, dict)
    details = error.body["moderation_details"]
    assert details["moderation_stage"] == "input"
    assert details["categories"] == ["violence_graphic"]
    assert details["offer"]
    assert details["offer"][0].rstrip(".") in error.message
    assert error.request_id
    assert error.response.headers["x-should-retry"] == "false"


def test_a_partly_blocked_set_is_delivered_with_a_gap(server: Any) -> None:
    answer = server.client().images.generate(prompt="A gapped lantern", model="safelight-thinking", n=3, size=SIZE)
    assert [image.index for image in answer.data] == [0, 2]
    (gap,) = answer.gaps
    assert (gap["type"], gap["index"], gap["code"]) == ("gap", 1, "moderation_blocked")
    assert gap["moderation_details"]["categories"] == ["violence_graphic"]


def test_a_generator_that_fails_is_no_block(server: Any) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        server.client().images.generate(prompt="A broken lantern", model="safelight-instant", size=SIZE)
    assert caught.value.code == "image_generation_failed"


def test_a_stream_gives_each_image(server: Any) -> None:
    stream = server.client().images.generate(
        prompt="A lantern", model="safelight-instant", n=2, size=SIZE, stream=True, partial_images=1
    )
    events = list(stream)
    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"] * 2
    assert events[0].b64_json == events[1].b64_json
    with pytest.raises(openai.APIError) as caught:
        list(server.client().images.generate(prompt="A forbidden lantern", size=SIZE, stream=True))
    assert caught.value.code == "moderation_blocked"


def test_images_are_edited(server: Any) -> None:
    client = server.client()
    one = client.images.edit(image=png(), prompt="Make it a lantern", size=SIZE)
    assert len(one.data) == 1
    mask = png("white")
    many = client.images.edit(image=[png(), png("red")], mask=mask, prompt="A lantern of both", n=2, size=SIZE)
    assert len(many.data) == 2
    streamed = list(client.images.edit(image=png(), prompt="Make it a lantern", size=SIZE, stream=True))
    assert [event.type for event in streamed] == ["image_edit.completed"]
    with server.http() as http:
        url = "data:image/png;base64," + base64.b64encode(png()).decode()
        answer = http.post(
            "/v1/images/edits", json={"prompt": "A lantern", "images": [{"image_url": url}], "size": "256x256"}
        )
        assert answer.status_code == 200, answer.text
        again = {"prompt": "A red lantern", "images": [{"file_id": answer.json()["data"][0]["id"]}], "n": "1"}
        assert http.post("/v1/images/edits", json=again).status_code == 200


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"n": 9}, "n"),
        ({"size": "10000x10"}, "size"),
        ({"output_format": "gif"}, "output_format"),
        ({"background": "transparent"}, "background"),
    ],
)
def test_what_cannot_be_made_is_named(server: Any, change: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        server.client().images.generate(**{"prompt": "A lantern", "size": SIZE, **change})
    assert caught.value.param == param


def test_a_bad_upload_is_told(server: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        server.client().images.edit(image=b"not an image", prompt="A lantern")
    assert (caught.value.code, caught.value.param) == ("invalid_image", "image")
    with server.http() as http:
        assert http.post("/v1/images/edits", data={"prompt": "x"}).json()["error"]["code"] == "unsupported_content_type"
        broken = http.post(
            "/v1/images/edits", content=b"nonsense", headers={"content-type": "multipart/form-data; boundary=x"}
        )
        assert broken.status_code == 400


def test_the_same_key_gives_the_same_answer(server: Any) -> None:
    client = server.client()
    before = len(server.calls())

    def ask(prompt: str) -> Any:
        return client.images.generate(
            prompt=prompt, model="safelight-instant", size=SIZE, extra_headers={"Idempotency-Key": "one"}
        )

    first, second = ask("A kept lantern"), ask("A kept lantern")
    assert first.data[0].b64_json == second.data[0].b64_json
    assert first.created == second.created
    assert len(server.calls()) == before + 1
    with pytest.raises(openai.ConflictError) as caught:
        ask("Another lantern")
    assert caught.value.code == "idempotency_key_in_use"
