"""From a form to a brief: what was typed, what was attached, and what went before."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, get_args

from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from ...agent.brief import Attachment, Brief
from ...errors import BadBrief, BadFile, BadImage, BadInput
from ...intake import keep_document, keep_image
from ...media import sniff
from ...store import RunRecord, Store
from ...tools.images.spec import Direction
from ..auth import Caller
from ..history import turns_after
from ..state import ServerState
from .story import Story

__all__ = ["COUNTS", "GRID", "MODES", "SIZES", "STYLES", "Typed", "brief_of", "story_of"]

COUNTS = (("", "as many as fit"), *((str(n), str(n)) for n in range(1, 9)))
SIZES = (
    ("auto", "what suits"),
    ("1024x1024", "square"),
    ("1024x1280", "portrait 4:5"),
    ("1024x1536", "portrait 2:3"),
    ("1280x1024", "landscape 5:4"),
    ("1536x1024", "landscape 3:2"),
    ("1920x1080", "wide 16:9"),
    ("1080x1920", "tall 9:16"),
)
STYLES = (("", "what suits"), *((name, name) for name in get_args(Direction)))
MODES = (("thinking", "thinking"), ("instant", "instant"))

_MOST_FILES = 10
GRID = 6  # cells a side of the mask that is made without a brush


@dataclass(frozen=True)
class Typed:
    """The composer's fields as they were typed, to be shown again after a fault."""

    prompt: str = ""
    n: str = ""
    size: str = "auto"
    style: str = ""
    mode: str = "thinking"

    @classmethod
    def of(cls, form: FormData) -> Typed:
        """What a form holds of these fields."""
        given = {name: form.get(name) for name in cls.__dataclass_fields__}
        return cls(**{name: value for name, value in given.items() if isinstance(value, str)})


async def brief_of(form: FormData, server: ServerState, caller: Caller) -> Brief:
    """The brief that a form asks for.

    Raises:
        BadInput: something in it cannot be used; the message says how to mend it.
        ApiError: it goes on from a run that is not the caller's.
    """
    typed = Typed.of(form)
    after = form.get("after")
    record = await server.runs.owned(after, caller) if isinstance(after, str) and after else None
    turns = turns_after(record) if record else ()
    attachments = await _attachments(form, server.store)
    if record is not None and (picture := form.get("image")) is not None:
        attachments = await _edited(str(picture), record, form, server.store) + attachments
    try:
        return Brief(
            prompt=typed.prompt.replace("\r\n", "\n"),
            n=int(typed.n) if typed.n.isdecimal() else None,
            size=typed.size or "auto",
            style=typed.style or None,
            mode=typed.mode,
            attachments=attachments,
            turns=turns,
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = str(first["loc"][0]) if first["loc"] else "brief"
        message = str(first["msg"]).removeprefix("Value error, ")
        message = f"{message[:1].upper()}{message[1:]}." if where == "prompt" else f"{where}: {message}."
        raise BadBrief(message) from error


async def story_of(record: RunRecord, store: Store) -> Story:
    """A run's story as far as it is stored."""
    story = Story.told(record.id, await store.runs.events(record.id), prompt=str(record.brief.get("prompt", "")))
    story.mode = record.mode or story.mode
    if record.status in {"cancelled", "failed", "refused", "delivered", "partial", "suspended", "planned"}:
        story.status = record.status
    return story


async def _attachments(form: FormData, store: Store) -> tuple[Attachment, ...]:
    files = [item for item in form.getlist("files") if isinstance(item, UploadFile) and item.filename]
    if len(files) > _MOST_FILES:
        raise BadFile(f"{len(files)} files were attached; at most {_MOST_FILES} are taken.")
    return tuple([await _take(file, store) for file in files])


async def _take(file: UploadFile, store: Store) -> Attachment:
    """A file, decided by its content: an image is re-encoded without metadata, anything else is kept to be read."""
    data = await file.read()
    name = PurePath(file.filename or "file").name[:120]
    if not (sniff(data) or "").startswith("image/"):
        return await keep_document(data, name, store)
    try:
        return await keep_image(data, name, store)
    except BadImage as error:
        raise BadImage(f"{name}: {error}") from error


async def _edited(picture: str, record: RunRecord, form: FormData, store: Store) -> tuple[Attachment, ...]:
    """A delivered image of that run, as it was stamped, with the mask that was drawn on it, if any."""
    frames = {str(frame.index): frame for frame in (await story_of(record, store)).prints}
    if picture not in frames:
        raise BadInput("That image was not delivered, so it cannot be edited.")
    frame = frames[picture]
    image = Attachment(ref=frame.ref, name=f"image {frame.index + 1}", media_type=frame.media_type, kind="image")
    mask = form.get("mask")
    cells = [value for value in form.getlist("cell") if isinstance(value, str)]
    if isinstance(mask, UploadFile) and mask.size:
        drawn = await mask.read()
    elif cells:
        drawn = await asyncio.to_thread(_grid_mask, cells, frame.width, frame.height)
    else:
        return (image,)
    return image, await keep_image(drawn, "mask", store, kind="mask")


def _grid_mask(cells: Iterable[str], width: int, height: int) -> bytes:
    """A mask (PNG, white where the edit goes) from numbered cells of a grid, counted from the upper left."""
    from PIL import Image

    small = Image.new("L", (GRID, GRID), 0)
    for cell in cells:
        if cell.isdecimal() and int(cell) < GRID * GRID:
            small.putpixel((int(cell) % GRID, int(cell) // GRID), 255)
    out: Any = io.BytesIO()
    small.resize((width, height), Image.Resampling.NEAREST).save(out, "PNG")
    return bytes(out.getvalue())
