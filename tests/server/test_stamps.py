"""No image leaves the server, by any of its ways and in any format, that is not stamped and known again."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from safelight.provenance import assess

SIZE: Any = "256x256"


def assert_is_ours(server: Any, data: bytes) -> None:
    found = assess(data, settings=server.settings)
    assert found.verdict == "ours"
    assert found.legs["manifest"].state == "match"
    assert found.changes == ()


@pytest.mark.parametrize("format_", ["png", "jpeg", "webp"])
def test_images_are_stamped_in_every_format(server: Any, format_: Any) -> None:
    answer = server.client().images.generate(
        prompt="A lantern", model="safelight-instant", n=2, size=SIZE, output_format=format_
    )
    assert len(answer.data) == 2
    for image in answer.data:
        assert_is_ours(server, base64.b64decode(image.b64_json))


def test_links_lead_to_stamped_images(server: Any) -> None:
    answer = server.client().images.generate(
        prompt="A lantern", model="safelight-instant", size=SIZE, response_format="url"
    )
    with server.http() as http:
        assert_is_ours(server, http.get(answer.data[0].url).content)


def test_responses_are_stamped(server: Any) -> None:
    tools: Any = [{"type": "image_generation", "size": "256x256"}]
    response = server.client().responses.create(model="safelight-thinking", input="A lantern", tools=tools)
    images = [item.result for item in response.output if item.type == "image_generation_call"]
    assert images
    for image in images:
        assert_is_ours(server, base64.b64decode(image))
