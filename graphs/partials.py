"""Previews of an image that is still being made: nothing of one leaves unless it was judged, or cannot be recognized.

A preview leaves as a small, clean re-encoding, and exactly those bytes are what is judged. It is no delivered image: it
carries no stamp, and the run's record does not refer to it.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self

import structlog
from PIL import Image, ImageFilter

from .. import media
from ..events import ImagePartial
from ..safety.guard import Cleared
from .drawn import ImageJob, picture_content
from .services import Services

__all__ = ["PartialGate", "blurred", "preview"]

_log = structlog.get_logger(__name__)

_SIDE = 512  # px of a preview's longer side
_CELLS = 12  # cells along the longer side of a blurred one: colors and light, no shape that could be recognized


class PartialGate:
    """Takes the previews of one image, and lets out what may leave, for as long as the image is being made.

    `judged` previews leave cleared, the newest first and one at a time: one that is overtaken while another is being
    judged is dropped. `blurred` ones leave at once, as a blur of `_CELLS` cells. Where anything fails, nothing leaves.
    """

    def __init__(self, services: Services, job: ImageJob) -> None:
        self._services = services
        self._job = job
        self._newest: tuple[int, bytes] | None = None
        self._work: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The image is there, or there is none: what is still being judged comes too late."""
        if self._work is not None:
            self._work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._work

    async def show(self, number: int, data: bytes, media_type: str) -> None:
        """Take a preview; returns at once."""
        self._newest = (number, data)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._release_all())

    async def _release_all(self) -> None:
        while self._newest is not None:
            (number, data), self._newest = self._newest, None
            try:
                if self._services.partial_images == "blurred":
                    await self._announce(number, await asyncio.to_thread(blurred, data), blurred=True)
                elif self._services.partial_images == "judged":
                    await self._judge(number, await asyncio.to_thread(preview, data))
            except Exception as error:  # a preview is a courtesy: losing one must not lose the image
                _log.warning("preview dropped", run_id=self._job.run_id, kind=type(error).__name__)

    async def _judge(self, number: int, small: bytes) -> None:
        guard, run_id = self._services.guard, self._job.run_id
        content = picture_content(small, "image/webp", self._job)
        outcome = await guard.check(content, run_id=run_id)
        if isinstance(outcome, Cleared):
            guard.demand(outcome.clearance, content, run_id=run_id)
            await self._announce(number, small, blurred=False)

    async def _announce(self, number: int, data: bytes, *, blurred: bool) -> None:
        emitter = self._services.recorder.emitters.get(self._job.run_id)
        if emitter is None:
            return
        ref = await self._services.store.keep(self._job.run_id, data)
        image = self._job.request.spec.index
        await emitter.emit(ImagePartial, image=image, number=number, ref=ref, media_type="image/webp", blurred=blurred)


def preview(data: bytes) -> bytes:
    """The picture as a WebP of at most 512 px a side, without metadata. Raises BadImage."""
    return media.encode(media.thumbnail(media.flatten(media.open_image(data)), _SIDE), "webp", quality=80)


def blurred(data: bytes) -> bytes:
    """The picture's colors and light, as a smooth WebP of 12 cells along its longer side. Raises BadImage."""
    picture = media.flatten(media.open_image(data))
    scale = _CELLS / max(picture.size)
    cells = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    coarse = picture.resize(cells, Image.Resampling.BOX)
    smooth = coarse.resize((cells[0] * 32, cells[1] * 32), Image.Resampling.BICUBIC)
    return media.encode(smooth.filter(ImageFilter.GaussianBlur(16)), "webp", quality=60)
