"""The image service through the real SDK: every parameter arrives, every fault has its name, nothing is paid twice."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image

from safelight import media
from safelight.errors import BadInput, GeneratorError
from safelight.tests.upstream import Simulator
from safelight.tools.images.generator import DeclinedImage, GeneratedImage, ImageGenerator, StreamingGenerator

from .conftest import Images, request

GENERATE, EDIT = "images.generations", "images.edits"


def png(color: str = "red", side: int = 256) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (side, side), color).save(target, "PNG")
    return target.getvalue()


async def test_an_image_comes_as_it_was_asked_for(upstream: Simulator, images: Images) -> None:
    upstream.config.image.mode = "sized"
    generator = images(quality="high", background="opaque", moderation="low", complexity="medium")
    made = await generator.generate(request(safety_identifier="f" * 64))
    assert isinstance(made, GeneratedImage)
    assert (made.width, made.height, made.media_type) == (512, 512, "image/png")
    assert made.notes == ()
    assert made.usage["output_tokens"] == 1056
    assert made.usage["input_tokens_details.text_tokens"] == 10
    (call,) = upstream.asked(GENERATE)
    sent = call.body
    assert sent["size"] == "512x512"
    assert sent["n"] == 1
    assert sent["safety_identifier"] == "f" * 64
    assert {name: sent[name] for name in ("quality", "background", "moderation", "complexity", "output_format")} == {
        "quality": "high",
        "background": "opaque",
        "moderation": "low",
        "complexity": "medium",
        "output_format": "png",
    }
    assert "response_format" not in sent
    assert "input_fidelity" not in sent


@pytest.mark.parametrize("form", ["webp", "jpeg"])
async def test_compression_is_asked_for_and_a_wrong_size_is_mended_and_said(
    upstream: Simulator, images: Images, form: str
) -> None:
    made = await images(compression=70).generate(request(format=form))
    assert isinstance(made, GeneratedImage)
    assert made.media_type == media.sniff(made.data) == f"image/{form}"
    assert (made.width, made.height) == (512, 512)
    assert "scaled" in made.notes[0]
    assert upstream.asked(GENERATE)[0].body["output_compression"] == 70


async def test_an_edit_sends_the_image_first_with_references_mask_and_fidelity(
    upstream: Simulator, images: Images
) -> None:
    given = {"sha256:a": png("red"), "sha256:b": png("blue"), "sha256:m": png("white")}
    asked = request(edit_of="sha256:a", references=("sha256:b",), mask="sha256:m", instruction="night", images=given)
    made = await images(fidelity="high", moderation="low").generate(asked)
    assert isinstance(made, GeneratedImage)
    (call,) = upstream.asked(EDIT)
    assert call.files["image[]"] == [given["sha256:a"], given["sha256:b"]]
    assert call.files["mask"] == [given["sha256:m"]]
    assert call.body["input_fidelity"] == "high"
    assert "moderation" not in call.body, "the edits endpoint has no such parameter"
    assert "night" in call.body["prompt"]
    assert upstream.count(GENERATE) == 0


async def test_a_markup_goes_along_but_not_beside_a_mask(upstream: Simulator, images: Images) -> None:
    given = {"sha256:a": png("red"), "sha256:m": png("white")}
    await images().generate(request(edit_of="sha256:a", markup="sha256:m", images=given))
    assert upstream.asked(EDIT)[0].files["markup"] == [given["sha256:m"]]
    with pytest.raises(BadInput, match="not both"):
        await images().generate(request(edit_of="sha256:a", markup="sha256:m", mask="sha256:m", images=given))
    with pytest.raises(BadInput, match="not passed"):
        await images().generate(request(edit_of="sha256:x"))
    with pytest.raises(BadInput, match="PNG, JPEG or WebP"):
        await images().generate(request(references=("sha256:g",), images={"sha256:g": b"GIF89a"}))
    many = {f"sha256:{n}": png() for n in range(17)}
    with pytest.raises(BadInput, match="more than the 16"):
        await images().generate(request(references=tuple(many), images=many))
    assert upstream.count(EDIT) == 1


async def test_previews_come_while_the_image_is_made(upstream: Simulator, images: Images) -> None:
    seen: list[tuple[int, bytes, str]] = []

    async def show(number: int, data: bytes, media_type: str) -> None:
        seen.append((number, data, media_type))

    generator = images(partials=3)
    assert isinstance(generator, ImageGenerator)
    assert isinstance(generator, StreamingGenerator)
    made = await generator.generate_showing(request(), show)
    assert isinstance(made, GeneratedImage)
    assert [number for number, _, _ in seen] == [0, 1, 2]
    assert {media.sniff(data) for _, data, _ in seen} == {"image/png"}
    assert upstream.asked(GENERATE)[0].body["partial_images"] == 3
    edited = await generator.generate_showing(
        request(edit_of="sha256:a", instruction="night", images={"sha256:a": png()}), show
    )
    assert isinstance(edited, GeneratedImage)
    assert len(seen) == 6


# What is done once is billed once: only what certainly was not done is sent again.
FAULTS = [
    ("429", 4, "rate_limited", True, False),
    ("429_quota", 1, "quota", False, False),
    ("500", 4, "unavailable", True, False),
    ("503", 4, "unavailable", True, False),
    ("502", 1, "dropped", True, True),
    ("408", 1, "timeout", True, True),
    ("hang", 1, "timeout", True, True),
    ("drop", 1, "dropped", True, True),
    ("drop_mid", 1, "dropped", True, True),
    ("truncated", 1, "dropped", True, True),
    ("malformed", 1, "malformed", True, True),
    ("html", 1, "html", True, True),
    ("nothing", 1, "empty", True, True),
    ("empty", 1, "empty", True, True),
    ("400", 1, "rejected", False, False),
    ("401", 1, "unauthorized", False, False),
    ("404", 1, "no_such_model", False, False),
]


@pytest.mark.parametrize(("fault", "sent", "kind", "retryable", "unknown"), FAULTS)
async def test_every_fault_has_a_name_and_its_price(
    upstream: Simulator, images: Images, fault: str, sent: int, kind: str, retryable: bool, unknown: bool
) -> None:
    upstream.fault(fault, endpoint=GENERATE, **({"retry_after": 0.01} if fault.startswith("429") else {}))  # type: ignore[arg-type]
    with pytest.raises(GeneratorError) as caught:
        await images(seconds=0.5 if fault == "hang" else 5.0).generate(request("a secret garden"))
    error = caught.value
    assert error.kind == kind or {error.kind, kind} == {"dropped", "truncated"}
    assert (error.retryable, error.unknown_end) == (retryable, unknown)
    assert upstream.count(GENERATE) == sent
    assert "secret" not in str(error)
    assert error.charged is (None if unknown else False)


STREAM_FAULTS = [
    ("drop_mid", "truncated"),
    ("truncated", "truncated"),
    ("malformed", "malformed"),
    ("html", "html"),
    ("plain", "malformed"),
    ("stream_error", "dropped"),
    ("empty", "truncated"),
]


@pytest.mark.parametrize(("fault", "kind"), STREAM_FAULTS)
async def test_a_stream_that_does_not_end_with_its_image_is_an_error_by_name(
    upstream: Simulator, images: Images, fault: str, kind: str
) -> None:
    upstream.fault(fault, endpoint=GENERATE)  # type: ignore[arg-type]

    async def show(number: int, data: bytes, media_type: str) -> None: ...

    with pytest.raises(GeneratorError) as caught:
        await images().generate_showing(request(), show)
    # Whether a reset comes before or after what was sent is the network's to say.
    assert caught.value.kind in {kind, "dropped"}
    assert caught.value.unknown_end
    assert upstream.count(GENERATE) == 1


async def test_a_rate_limit_is_waited_out(upstream: Simulator, images: Images) -> None:
    upstream.fault("429", endpoint=GENERATE, times=2, retry_after=0.05)
    assert isinstance(await images().generate(request()), GeneratedImage)
    assert upstream.count(GENERATE) == 3


@pytest.mark.parametrize("edit", [False, True])
async def test_a_block_is_an_outcome_and_is_not_asked_again(upstream: Simulator, images: Images, edit: bool) -> None:
    upstream.fault("moderation_blocked")
    asked = request(edit_of="sha256:a", images={"sha256:a": png()}) if edit else request()
    made = await images().generate(asked)
    assert made == DeclinedImage("gpt-image-2.6-sunburst", "input", ("violence",), ("violence_graphic",))
    assert upstream.count() == 1


NO_IMAGES = [b"GIF89a" + bytes(40), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n broken"]


@pytest.mark.parametrize("data", NO_IMAGES)
async def test_what_is_no_image_that_was_asked_for_is_an_error_by_name(
    images: Images, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr("safelight.tests.upstream.images.make_picture", lambda *_: data)
    with pytest.raises(GeneratorError) as caught:
        await images().generate(request())
    assert caught.value.kind == "malformed"
    assert "image" in str(caught.value)


async def test_an_image_by_address_is_fetched_from_its_own_service_only(
    upstream: Simulator, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_address(host: str):  # type: ignore[no-untyped-def]
        def entry(simulator: Simulator, exchange: object, body: object, picture: bytes, form: str) -> dict[str, str]:
            return {"url": f"http://{host}/img/{simulator.keep_picture(picture)}.{form}"}

        return entry

    monkeypatch.setattr("safelight.tests.upstream.images._entry", by_address(f"127.0.0.1:{upstream.port}"))
    assert isinstance(await images().generate(request()), GeneratedImage)
    monkeypatch.setattr("safelight.tests.upstream.images._entry", by_address("127.0.0.1:9"))
    with pytest.raises(GeneratorError, match="another host"):
        await images().generate(request())


async def test_calls_share_the_limits_of_their_service(upstream: Simulator, images: Images) -> None:
    upstream.config = upstream.config.model_validate({"latency": {"*": {"ms": 40}}})
    generator = images()
    await asyncio.gather(*(generator.generate(request(f"hill {n}")) for n in range(20)))
    assert upstream.count(GENERATE) == 20
    assert upstream.max_inflight <= 8
