"""Has a judged image made once more as a vector file, which is let out only if it is that image."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from io import BytesIO

from .. import media
from ..errors import BadInput, GeneratorError
from ..safety.content import Content, ImagePart, Stage, TextPart
from ..tools.images.vector import MEDIA_TYPES, NO_VECTOR, VectorGenerator, VectorKind, difference, inspected, rasterized
from .drawn import ImageJob, picture_content, request_content
from .services import Services

__all__ = [
    "Engraving",
    "VectorFile",
    "VectorJob",
    "engraver",
    "file_part",
    "opened",
    "vector_content",
    "vector_request",
]

# Levels of 0..255 between the file, as another program shows it, and the picture. Over all directions, at four shapes,
# they are 2.5 apart on average at most and 11 in the worst field, by grain and the pores of chalk; one line of print of
# 14 px, added by nobody's leave, makes 28 and more there.
_MEAN, _WORST = 4.0, 16.0


@dataclass(frozen=True)
class VectorJob:
    """One vector file: what the image was drawn from, and the stamped image itself (encoded)."""

    image: ImageJob
    kind: VectorKind
    picture: bytes = field(repr=False)


@dataclass(frozen=True)
class VectorFile:
    """A file, not yet signed; how it looks (PNG), and the text that can be copied out of it."""

    data: bytes = field(repr=False)
    kind: VectorKind
    shown: bytes = field(repr=False)
    text: str

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.kind]


class Engraving:
    """The callable behind the guards: engrave, open with another program, compare with the judged picture."""

    __name__ = "engrave"

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, job: VectorJob) -> VectorFile:
        """Raises BadInput where that image cannot be a vector file, GeneratorError where the file is not that image."""
        generator = engraver(self._services)
        if generator is None:
            raise BadInput(NO_VECTOR)
        data = await generator.engrave(job.image.request, job.kind)
        return await asyncio.to_thread(opened, data, job.kind, job.picture)


def engraver(services: Services) -> VectorGenerator | None:
    """The generator that can engrave what it draws; None where the first one, which draws, cannot."""
    generator = services.tools.generator
    return generator if isinstance(generator, VectorGenerator) else None


def opened(data: bytes, kind: VectorKind, picture: bytes) -> VectorFile:
    """The file as others will see it. Raises GeneratorError where it is not `picture`, BadImage where it holds what no
    picture does."""
    wanted = media.flatten(media.open_image(picture))
    text = inspected(data, kind)
    shown = rasterized(data, kind, wanted.width, wanted.height)
    mean, worst = difference(shown, wanted)
    if mean > _MEAN or worst > _WORST:
        raise GeneratorError(
            f"The {kind.upper()} file does not look like the judged image ({mean:.1f} levels off on average and "
            f"{worst:.1f} in the worst place; at most {_MEAN:g} and {_WORST:g}): it was not kept."
        )
    out = BytesIO()
    shown.save(out, "PNG", compress_level=1)
    return VectorFile(data, kind, out.getvalue(), text)


def vector_request(job: VectorJob) -> Content:
    """What is asked for: all that the image was drawn from, in that form."""
    content = request_content(job.image, generator="engrave")
    form = TextPart(f"form {job.kind} of {hashlib.sha256(job.picture).hexdigest()}", source="digest")
    return Content(content.stage, (*content.parts, form), context=content.context)


def vector_content(file: VectorFile, job: VectorJob) -> Content:
    """The file as its moderators see it: how it looks, what can be copied out of it, and the digest of its bytes."""
    picture = picture_content(file.shown, "image/png", job.image)
    text = TextPart(file.text or "(no text)", source="text of the file")
    parts = (ImagePart(file.shown, "image/png", source="output"), text, file_part(file.data))
    return Content(Stage.GENERATOR_OUTPUT, parts, context=picture.context)


def file_part(data: bytes) -> TextPart:
    """Stands for a file among the parts of a content, so that a clearance binds to its bytes."""
    return TextPart(f"file sha256:{hashlib.sha256(data).hexdigest()}", source="digest")
