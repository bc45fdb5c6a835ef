"""Image models of any OpenAI-compatible service (`/v1/images/generations` and `/v1/images/edits`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ....errors import BadInput
from ....services import Service, ServiceFault, read_events, read_json
from ..generator import Capabilities, DeclinedImage, GeneratedImage, ImageRequest, ShowPartial
from ..prompt import image_prompt
from .answers import address_of, declined, encoded_image, finished, generator_error, usage_of
from .download import download
from .options import ImageOptions
from .sizes import askable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["OpenAIImages"]

_MOST_INPUTS = 16
_MOST_BYTES = 50_000_000
_ENDS = {"image_generation.completed", "image_edit.completed"}
_PARTIALS = {"image_generation.partial_image", "image_edit.partial_image"}
_SUFFIX = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


class OpenAIImages:
    """Makes and edits images with `model`, one image a call.

    A spec with references or with an image to edit goes to the edits endpoint, that image first. Nothing is sent a
    second time whose end is unknown: the service may have billed it.
    """

    algorithmic = False

    def __init__(
        self,
        service: Service,
        model: str,
        *,
        options: ImageOptions | None = None,
    ) -> None:
        self._service = service
        self._model = model
        self._options = options or ImageOptions(inline=not service.endpoint.is_openai)

    @property
    def name(self) -> str:
        return f"openai:{self._model}"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(edit=True, mask=True, references=True, remote=True)

    async def generate(self, request: ImageRequest) -> GeneratedImage | DeclinedImage:
        """One image, whole.

        Raises:
            BadInput: more or larger input images than the service takes.
            GeneratorError: the service failed; `kind` and `unknown_end` say how.
        """
        parameters = self._parameters(request)

        async def attempt(client: AsyncOpenAI) -> GeneratedImage:
            async with self._call(client, request, parameters) as response:
                answer = await read_json(response, self._service.role)
            listed = answer.get("data")
            entry = listed[0] if isinstance(listed, list) and listed else None
            url = address_of(entry)
            data = await download(self._service, url) if url else encoded_image(entry, self._service.role)
            return await self._image(data, request, answer)

        return await self._outcome(attempt)

    async def generate_showing(self, request: ImageRequest, show: ShowPartial) -> GeneratedImage | DeclinedImage:
        """As `generate`, streamed: `show` is given each preview as it comes."""
        if not self._options.partials:
            return await self.generate(request)
        parameters = {**self._parameters(request), "stream": True, "partial_images": self._options.partials}

        async def attempt(client: AsyncOpenAI) -> GeneratedImage:
            role = self._service.role
            async with self._call(client, request, parameters) as response:
                async for event in read_events(response, role):
                    if event.get("type") in _PARTIALS:
                        await show(_number(event), encoded_image(event, role), _media_type(event, request))
                    elif event.get("type") in _ENDS:
                        return await self._image(encoded_image(event, role), request, event)
            raise ServiceFault(f"The {role} ended its stream before the image was complete.", kind="truncated")

        return await self._outcome(attempt)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.aclose()

    async def _outcome(self, attempt: Callable[[AsyncOpenAI], Any]) -> GeneratedImage | DeclinedImage:
        try:
            image: GeneratedImage = await self._service.call(attempt, repeatable=False)
        except ServiceFault as fault:
            if fault.kind == "blocked":
                return declined(fault, self._model)
            raise generator_error(fault) from fault
        return image

    async def _image(self, data: bytes, request: ImageRequest, answer: dict[str, Any]) -> GeneratedImage:
        done = await finished(data, request, self._service.role)
        return GeneratedImage(
            data=done.data,
            media_type=done.media_type,
            width=done.width,
            height=done.height,
            model=self._model,
            notes=done.notes,
            usage=usage_of(answer),
        )

    def _call(self, client: AsyncOpenAI, request: ImageRequest, parameters: dict[str, Any]) -> Any:
        images = client.images.with_streaming_response
        files = _files(request)
        return images.edit(**parameters, **files) if files else images.generate(**parameters)

    def _parameters(self, request: ImageRequest) -> dict[str, Any]:
        spec, edit = request.spec, bool(_inputs(request))
        width, height = askable(spec.size, self._model, self._options.sizes)
        parameters = {
            "model": self._model,
            "prompt": image_prompt(spec, request.style),
            "n": 1,
            "size": f"{width}x{height}",
            **self._options.parameters(request.format, edit=edit),
        }
        if request.safety_identifier:
            parameters["safety_identifier"] = request.safety_identifier
        return parameters


def _inputs(request: ImageRequest) -> list[str]:
    """References of the images that go along, the one to edit first."""
    spec = request.spec
    return list(dict.fromkeys(ref for ref in (spec.edit_of, *spec.references) if ref))


def _files(request: ImageRequest) -> dict[str, Any]:
    """The uploads of an edit; nothing for a generation."""
    spec, refs = request.spec, _inputs(request)
    if not refs:
        return {}
    if len(refs) > _MOST_INPUTS:
        raise BadInput(f"{len(refs)} input images are more than the {_MOST_INPUTS} that an image service takes.")
    if spec.mask and spec.markup:
        raise BadInput("An edit takes a mask or a markup, not both.")
    files: dict[str, Any] = {"image": [_upload(request, ref, f"image-{n}") for n, ref in enumerate(refs)]}
    for name, ref in (("mask", spec.mask), ("markup", spec.markup)):
        if ref:
            files[name] = _upload(request, ref, name)
    return files


def _upload(request: ImageRequest, ref: str, name: str) -> tuple[str, bytes, str]:
    from .... import media

    if ref not in request.images:
        raise BadInput(f"The input image {ref[:19]}… was not passed with the request.")
    data = request.images[ref]
    media_type = media.sniff(data) or ""
    if len(data) > _MOST_BYTES:
        raise BadInput(f"An input image has {len(data) / 1e6:.0f} MB; an image service takes {_MOST_BYTES // 10**6}.")
    suffix = next((suffix for suffix, known in _SUFFIX.items() if known == media_type), None)
    if suffix is None:
        raise BadInput(f"An image service takes PNG, JPEG or WebP as input, not {media_type or 'this'}.")
    return f"{name}.{suffix}", data, media_type


def _number(event: dict[str, Any]) -> int:
    number = event.get("partial_image_index")
    return number if isinstance(number, int) and 0 <= number < 64 else 0


def _media_type(event: dict[str, Any], request: ImageRequest) -> str:
    return _SUFFIX.get(str(event.get("output_format")), f"image/{request.format}")
