"""Whose image is this? For programs that want the answer and nothing else of the house."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from ..blocking import run_blocking
from ..config import Settings, load_settings
from ..errors import BadImage
from ..png import encode_png
from ..store.opening import open_store
from .stamp import Assessment
from .stamper import open_stamper

__all__ = ["assess"]


def assess(image: bytes | str | Path | Image.Image, *, settings: Settings | None = None) -> Assessment:
    """Whether an image is ours, by which evidence, and what was changed since; for scripts that have no event loop.

    `image` is an encoded image, the path of one, or decoded pixels, which have no manifest left. It is compared with
    the registry and keys of `settings`, which are read from the environment where not given. In an event loop await
    `Safelight().assess(data)`.

    Raises:
        BadImage: the image cannot be read, or does not decode within bounds.
        SafelightError: broken machinery, or a call from within a running event loop.
    """
    return run_blocking(
        lambda: _assess(_encoded(image), settings or load_settings()), name="assess", instead="Safelight().assess(…)"
    )


async def _assess(data: bytes, settings: Settings) -> Assessment:
    async with open_store(settings) as (store, _):
        return await (await open_stamper(settings, store)).assess(data)


def _encoded(image: bytes | str | Path | Image.Image) -> bytes:
    if isinstance(image, bytes):
        return image
    if isinstance(image, Image.Image):
        return encode_png(image)
    try:
        return Path(image).read_bytes()
    except OSError as error:
        raise BadImage(f"{image} cannot be read: {error.strerror}.") from error
