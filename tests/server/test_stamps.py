"""No image leaves the server, by any of its ways and in any format, that is not stamped and known again."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

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


def test_streamed_images_are_stamped_partial_ones_too(server: Any) -> None:
    """What clients get as partial images are the finished ones."""
    client = server.client()
    events = list(
        client.images.generate(prompt="A lantern", model="safelight-instant", size=SIZE, stream=True, partial_images=2)
    )
    assert {event.type.rpartition(".")[2] for event in events} == {"partial_image", "completed"}
    tools: Any = [{"type": "image_generation", "size": "256x256", "partial_images": 1}]
    told = list(client.responses.create(model="safelight-instant", input="A lantern", tools=tools, stream=True))
    shown = [event.partial_image_b64 for event in told if event.type == "response.image_generation_call.partial_image"]
    done = [item.result for item in told[-1].response.output if item.type == "image_generation_call"]
    assert done
    for image in [*(event.b64_json for event in events), *shown, *done]:
        assert_is_ours(server, base64.b64decode(image))


def test_edited_images_are_stamped(server: Any) -> None:
    client = server.client()
    first = client.images.generate(prompt="A lantern", model="safelight-instant", size=SIZE).data[0].b64_json
    edit = client.images.edit(image=base64.b64decode(first), prompt="Make it a red lantern", size=SIZE)
    for image in edit.data:
        assert image.b64_json != first
        assert_is_ours(server, base64.b64decode(image.b64_json))


def test_chats_lead_to_stamped_images(server: Any) -> None:
    answer = server.client().chat.completions.create(
        model="safelight-instant", messages=[{"role": "user", "content": "A lantern, 256x256"}]
    )
    links = re.findall(r"\((http[^)\s]+/content[^)\s]*)\)", answer.choices[0].message.content)
    assert links
    with server.http() as http:
        for link in links:
            assert_is_ours(server, http.get(link).content)


def test_the_studio_hands_out_stamped_images(server: Any) -> None:
    with server.http() as http:
        http.headers["accept"] = "text/html"
        form = {"prompt": "A lantern", "n": "2", "size": "512x512", "mode": "instant"}
        address = http.post("/studio", data=form, files={"files": ("", b"")}).headers["location"]
        assert http.get(f"{address}/told").status_code == 200  # it is told to its end
        for index in range(2):
            for how in ("", "?download=1"):
                image = http.get(f"{address}/images/{index}{how}").content
                assert_is_ours(server, image)
            image_id = assess(image, settings=server.settings).image_id
            small = http.get(f"{address}/images/{index}?small=1").content
            assert max(Image.open(io.BytesIO(small)).size) <= 480
            found = assess(small, settings=server.settings).legs["watermark"]  # encoded anew for the list: no manifest
            assert f"img_{found.detail['payload']}" == image_id
        with zipfile.ZipFile(io.BytesIO(http.get(f"{address}/set.zip").content)) as archive:
            images = [name for name in archive.namelist() if name.startswith("image-")]
            assert len(images) == 2
            for name in images:
                assert_is_ours(server, archive.read(name))


def test_of_many_requests_at_once_each_gets_its_own_stamped_image(server: Any) -> None:
    clients = [server.client() for _ in range(8)]

    def ask(client: Any) -> bytes:
        answer = client.images.generate(prompt="A lantern", model="safelight-instant", size=SIZE)
        return base64.b64decode(answer.data[0].b64_json)

    with ThreadPoolExecutor(8) as threads:
        images = list(threads.map(ask, clients))
    found = [assess(image, settings=server.settings) for image in images]
    assert {each.verdict for each in found} == {"ours"}
    assert len({each.image_id for each in found}) == len({each.run_id for each in found}) == 8
