"""The embedded illustrator: an `ImageGenerator` that draws by layout, with no model."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ....errors import BadInput
from ....png import encode_png
from ..generator import Capabilities, GeneratedImage, ImageFormat, ImageRequest
from ..vector import NO_VECTOR, VectorKind
from . import figures, fonts, icons
from .edits import edit
from .engrave import engrave
from .imprint import imprinted
from .render import draw
from .typeset import Typesetter

__all__ = ["HONEST_NOTE", "Canvas", "encode"]

HONEST_NOTE = "illustrated by layout, not by an image model"
_MEDIA_TYPES = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}


class Canvas:
    """Draws an `ImageSpec` as a typeset, illustrated page. The same request gives the same bytes, at no cost.

    `workers` images are drawn at a time, in threads: typesetting and painting release the interpreter lock."""

    def __init__(self, *, workers: int = 2) -> None:
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="canvas")
        self._typesetter = Typesetter()

    @property
    def name(self) -> str:
        return "canvas"

    @property
    def algorithmic(self) -> bool:
        return True

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(edit=True, mask=True, references=True, idempotent=True)

    async def generate(self, request: ImageRequest) -> GeneratedImage:
        """Draws the spec; where `spec.edit_of` names an image among `request.images`, edits that image
        instead, unless `spec.redraw` says that the spec is the image's own.

        Raises `BadInput` for a request that cannot be drawn, `GeneratorError` when drawing fails, `ConfigError`
        where a package is missing."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._generate, request)

    async def engrave(self, request: ImageRequest, kind: VectorKind) -> bytes:
        """The image of that request as a vector file, without the grain of its surface.

        Raises `BadInput` where the image is made of pixels (an edit of a picture, a picture shown in the page)."""
        spec = request.spec
        if (spec.edit_of and not spec.redraw) or spec.references:
            raise BadInput(NO_VECTOR)
        spec, _ = imprinted(spec)
        run = asyncio.get_running_loop().run_in_executor
        return await run(self._pool, engrave, spec, request.style, request.seed, self._typesetter, kind)

    def close(self) -> None:
        """Lets the worker threads end."""
        self._pool.shutdown(wait=False)

    def _generate(self, request: ImageRequest) -> GeneratedImage:
        spec = request.spec
        if request.format not in _MEDIA_TYPES:
            raise BadInput(f"format {request.format!r} is not one of png, webp, jpeg")
        if spec.size.aspect > 3.001 or spec.size.aspect < 1 / 3.001:
            raise BadInput(f"{spec.size.width}x{spec.size.height} is beyond the aspect ratios 1:3 to 3:1")
        if spec.edit_of and not spec.redraw:
            edited = edit(request, self._typesetter)
            pixels, notes = edited.pixels, edited.notes
        else:
            photo = self._photo(request)
            spec, limits = imprinted(spec)
            drawn = draw(spec, request.style, request.seed, self._typesetter, photo)
            pixels, notes = drawn.pixels, (*limits, *drawn.notes)
            if photo is not None:
                notes = (*notes, "the given picture is shown as it is, cropped and toned; nothing in it was redrawn")
        return GeneratedImage(
            data=encode(pixels, request.format),
            media_type=_MEDIA_TYPES[request.format],
            width=pixels.shape[1],
            height=pixels.shape[0],
            model="canvas-1",
            version=metadata.version("safelight"),
            notes=(HONEST_NOTE, *notes),
            licences=(figures.LICENSE, icons.LICENSE, fonts.LICENSE),
        )

    @staticmethod
    def _photo(request: ImageRequest) -> bytes | None:
        """The first reference image: it is shown in the page, in the place of a drawn scene."""
        for reference in request.spec.references[:1]:
            if reference not in request.images:
                raise BadInput(f"the reference image {reference} was not passed with the request")
            return request.images[reference]
        return None


def encode(pixels: NDArray[np.uint8], format_: ImageFormat) -> bytes:
    """RGB pixels (h, w, 3) as an image file without metadata. The same pixels give the same bytes."""
    image = Image.fromarray(pixels) if pixels.shape[2] == 3 else Image.fromarray(pixels).convert("RGB")
    if format_ == "png":
        return encode_png(image)
    out = io.BytesIO()
    if format_ == "webp":
        image.save(out, "WEBP", quality=92, method=4)
    else:
        image.save(out, "JPEG", quality=93, subsampling=0)
    return out.getvalue()
