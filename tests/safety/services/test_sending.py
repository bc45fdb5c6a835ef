"""Pictures on their way to a remote judge: whole where they can be, smaller or of another type where they must."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from safelight.errors import BadImage
from safelight.safety.content import Content, ImagePart, Stage
from safelight.safety.moderators.sending import data_url
from safelight.services import Bill, PriceTable, billing
from safelight.tests.upstream import Simulator

from .conftest import MakeMonitor


def encoded(form: str, side: int) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (side, side // 2), "teal").save(target, form)
    return target.getvalue()


def sent(data: bytes) -> tuple[str, bytes]:
    head, _, body = data_url(ImagePart(data)).partition(";base64,")
    return head.removeprefix("data:"), base64.b64decode(body)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_what_services_take_goes_as_it_is(form: str) -> None:
    data = encoded(form, 512)
    assert sent(data) == (f"image/{form.lower()}", data)


@pytest.mark.parametrize(("form", "side"), [("GIF", 300), ("PNG", 4000), ("BMP", 300)])
def test_anything_else_goes_as_a_png_of_at_most_2048_pixels(form: str, side: int) -> None:
    media_type, data = sent(encoded(form, side))
    assert media_type == "image/png"
    assert Image.open(io.BytesIO(data)).width == min(side, 2048)


def test_what_does_not_decode_goes_nowhere() -> None:
    with pytest.raises(BadImage):
        data_url(ImagePart(b"<svg/>"))


async def test_a_judgement_is_on_the_bill_of_its_run(upstream: Simulator, monitor: MakeMonitor) -> None:
    upstream.answer({"json": {"decision": "allow", "findings": []}})
    bill = Bill(PriceTable({}), limit=0.0)
    with billing(bill):
        verdict = await monitor().moderate(Content.of_text(Stage.PROMPT, "a cat"))
    assert verdict.allowed, "a budget that is used up stops no judgement"
    (line,) = bill.public()
    assert (line["model"], line["calls"]) == ("gpt-6-luna", 1)
    assert line["usage"]["input_tokens"] > 0
