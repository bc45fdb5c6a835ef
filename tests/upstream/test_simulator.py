"""The simulator speaks what the SDK understands: its strict validation is the judge."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI, BadRequestError, InternalServerError, NotFoundError, RateLimitError
from PIL import Image
from pydantic import BaseModel, ValidationError

from . import Config, Fault, Simulator


class Castle(BaseModel):
    name: str
    towers: int


@pytest.fixture
async def client(upstream: Simulator) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        api_key="k", base_url=upstream.url, max_retries=0, timeout=2, _strict_response_validation=True
    ) as client:
        yield client


async def test_responses_whole_and_streamed(upstream: Simulator, client: AsyncOpenAI) -> None:
    upstream.answer({"json": {"name": "Rock", "towers": 4}}, schema="Castle", contains="castle")
    answer = await client.responses.parse(model="gpt-6-luna", input="a castle", text_format=Castle)
    assert answer.output_parsed == Castle(name="Rock", towers=4)
    async with client.responses.stream(
        model="gpt-6-luna", input="a castle", text_format=Castle, reasoning={"effort": "low", "summary": "auto"}
    ) as stream:
        kinds = [event.type async for event in stream]
        assert (await stream.get_final_response()).output_parsed == Castle(name="Rock", towers=4)
    assert "response.reasoning_summary_text.delta" in kinds
    assert upstream.count("responses") == 2


async def test_chat_whole_and_streamed(upstream: Simulator, client: AsyncOpenAI) -> None:
    asked = [{"role": "user", "content": "a castle"}]
    whole = await client.chat.completions.create(model="m", messages=asked)  # type: ignore[arg-type]
    parts = [
        chunk.choices[0].delta.content or ""
        async for chunk in await client.chat.completions.create(model="m", messages=asked, stream=True)  # type: ignore[arg-type]
    ]
    assert whole.choices[0].message.content == "".join(parts) == "Stub answer to: a castle"


async def test_a_picture_keeps_the_flags_of_its_prompt(upstream: Simulator, client: AsyncOpenAI) -> None:
    made = await client.images.generate(model="gpt-image-2.6-flare", prompt="war [[flag:violence]]", n=2)
    assert made.data is not None
    first, second = (item.b64_json for item in made.data)
    assert first != second
    address = f"data:image/png;base64,{first}"
    judged = await client.moderations.create(input=[{"type": "image_url", "image_url": {"url": address}}])
    assert judged.results[0].categories.violence
    edited = await client.images.edit(model="gpt-image-2.6-flare", prompt="x", image=("a.png", _png(), "image/png"))
    assert edited.data
    assert upstream.asked("images.edits")[0].files["image"] == [_png()]


@pytest.mark.parametrize(
    ("kind", "error"),
    [("429", RateLimitError), ("500", InternalServerError), ("404", NotFoundError), ("400", BadRequestError)],
)
async def test_errors_are_those_of_the_api(
    kind: str, error: type[Exception], upstream: Simulator, client: AsyncOpenAI
) -> None:
    upstream.config.faults = [Fault.model_validate({"kind": kind, "times": 1})]
    with pytest.raises(error):
        await client.responses.create(model="m", input="x")
    await client.responses.create(model="m", input="x")
    assert [call.fault for call in upstream.calls] == [kind, ""]


async def test_a_prompt_orders_its_own_fault(client: AsyncOpenAI) -> None:
    with pytest.raises(BadRequestError) as caught:
        await client.images.generate(model="m", prompt="x [[stub:moderation_blocked]]")
    assert caught.value.code == "moderation_blocked"


def test_a_misspelt_order_is_an_error() -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({"faults": [{"kind": "429", "fist": 1}]})


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(out, "PNG")
    return out.getvalue()
