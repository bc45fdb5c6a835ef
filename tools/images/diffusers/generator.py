"""Any local pipeline as an `ImageGenerator`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .... import media
from ....errors import BadInput, GeneratorError, SafelightError
from ..fitting import fitted
from ..generator import Capabilities, DeclinedImage, GeneratedImage, ImageRequest
from ..prompt import image_prompt, short_prompt
from .batches import Batches
from .options import DiffusersOptions
from .pipelines import Drawn, Pipelines, Task

__all__ = ["Diffusers"]

_TEXT_NOTE = "text in the image was drawn by the model, and may be misspelled"


class Diffusers:
    """Draws with the pipeline in a folder: text to image, and image to image where an image is to be edited.

    The model is loaded with the first request, once, and kept; everything that blocks runs in one thread. The same
    request costs nothing more and gives the same image, to within what the device rounds differently in another batch.
    """

    algorithmic = False

    def __init__(self, folder: Path, *, options: DiffusersOptions | None = None) -> None:
        self._folder = folder
        self._options = options or DiffusersOptions()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="diffusers")
        self._pipelines: Pipelines | None = None
        self._batches: Batches[Task, Drawn] = Batches(
            self._draw, self._pool, size=self._options.batch, wait=self._options.wait
        )

    @property
    def name(self) -> str:
        return f"diffusers:{self._folder.name}"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(edit=True, idempotent=True, batch=self._options.batch)

    async def generate(self, request: ImageRequest) -> GeneratedImage | DeclinedImage:
        """Draws the spec.

        Raises:
            BadInput: an edit by a model that cannot, a mask, or an input image that was not passed.
            ConfigError: the library or the pipeline is missing.
            GeneratorError: drawing failed.
        """
        spec = request.spec
        if spec.mask or spec.markup:
            raise BadInput(f"{self.name} takes no mask and no markup.")
        loop = asyncio.get_running_loop()
        task = await loop.run_in_executor(self._pool, self._task, request)
        try:
            drawn = await self._batches.ask(task, (task.width, task.height, task.source is None))
        except SafelightError:
            raise
        except Exception as error:  # whatever the library raises; its text may quote the prompt
            memory = "OutOfMemory" in type(error).__name__
            raise GeneratorError(
                f"{self.name} {'ran out of memory' if memory else 'failed'} ({type(error).__name__}).",
                retryable=memory,
                charged=False,
                kind="out_of_memory" if memory else "failed",
            ) from error
        if drawn.flagged:  # the picture is black then, which nobody could tell from a picture
            return DeclinedImage(self.name, "output", ("sexual",), ("sexual",))
        return await asyncio.to_thread(self._image, drawn, request)

    def close(self) -> None:
        """Let the thread end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _loaded(self) -> Pipelines:
        if self._pipelines is None:
            self._pipelines = Pipelines(self._folder, self._options)
        return self._pipelines

    def _draw(self, tasks: Sequence[Task]) -> list[Drawn]:
        return self._loaded().draw(tasks)

    def _task(self, request: ImageRequest) -> Task:
        spec, pipelines = request.spec, self._loaded()
        width, height = pipelines.frame(spec.size.width, spec.size.height)
        source = None
        if spec.edit_of:
            if not pipelines.edits:
                raise BadInput(f"{self.name} cannot edit images.")
            if spec.edit_of not in request.images:
                raise BadInput("The image to edit was not passed with the request.")
            source = media.flatten(media.open_image(request.images[spec.edit_of])).resize((width, height))
        seed = hashlib.sha256(f"{request.seed}:{spec.index}".encode()).digest()[:7]
        return Task(
            prompt=image_prompt(spec, request.style),
            caption=short_prompt(spec, request.style),
            seed=int.from_bytes(seed),
            width=width,
            height=height,
            source=source,
        )

    def _image(self, drawn: Drawn, request: ImageRequest) -> GeneratedImage:
        picture, note = fitted(drawn.picture.convert("RGB"), request.spec.size)
        notes = [note, _TEXT_NOTE if request.spec.texts() else ""]
        return GeneratedImage(
            data=media.encode(picture, request.format, quality=95),
            media_type=f"image/{request.format}",
            width=picture.width,
            height=picture.height,
            model=self.name,
            notes=tuple(each for each in notes if each),
        )
