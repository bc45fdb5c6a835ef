"""From what a client sends to a brief: images and files from wherever they are, and the conversation before."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from pydantic import ValidationError

from ..agent.brief import Attachment, Brief, Turn
from ..errors import BadInput, FetchRefused
from ..graphs.result import RunResult
from ..intake import MAX_FILE_BYTES, keep_document, keep_image
from ..media import sanitize
from ..tools.fetch import FetchLimits, fetch_bytes
from ..tools.net import AddressPolicy
from .auth import Caller
from .errors import ApiError, bad_request, not_found
from .links import parse_file_id
from .state import ServerState
from .telling import is_refusal

__all__ = ["Inputs", "Spoken", "brief_from", "conversation", "decode_base64"]

MAX_IMAGES = 16
_HISTORY_TURNS = 24
_LIMITS = FetchLimits(bytes=MAX_FILE_BYTES, seconds=20.0)
_MARKDOWN_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Spoken:
    """One message of a conversation: who, what, and which images and files (addresses, data URLs or file ids) with it.
    `refused` marks an answer that was a refusal."""

    role: Literal["user", "assistant", "system"]
    text: str = ""
    images: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()  # name, data URL
    refused: bool = False


@dataclass
class Inputs:
    """Takes in what one caller refers to."""

    server: ServerState
    caller: Caller
    _taken: dict[str, Attachment] = field(default_factory=dict)

    async def image(self, source: str, *, kind: Literal["image", "mask"] = "image", param: str = "image") -> Attachment:
        """The image at an address, in a data URL, or behind one of the caller's own file ids or links.

        Raises:
            ApiError: 400 for one that cannot be had, 404 for a file that is not the caller's.
        """
        if (kind + source) not in self._taken:
            self._taken[kind + source] = await self._image(source, kind, param)
        return self._taken[kind + source]

    async def given(
        self, source: bytes | str, *, kind: Literal["image", "mask"] = "image", param: str = "image"
    ) -> Attachment:
        """The image that was sent itself, or told where it is, as `image`. Raises as that does."""
        if isinstance(source, str):
            return await self.image(source, kind=kind, param=param)
        try:
            return await keep_image(source, kind, self.server.store, kind=kind)
        except BadInput as error:
            raise bad_request(str(error), param=param, code="invalid_image") from error

    async def pixels(self, source: str, *, param: str = "image") -> tuple[bytes, str]:
        """The image and its media type, as `image` takes it in, and not kept. Raises as that does."""
        if self._own_name(source) is not None:
            taken = await self.image(source, param=param)
            return await self.server.store.blobs.get(taken.ref), taken.media_type
        try:
            return await asyncio.to_thread(sanitize, await self._bytes(source, param))
        except BadInput as error:
            raise bad_request(str(error), param=param, code="invalid_image") from error

    async def document(self, name: str, source: str, *, param: str = "file") -> Attachment:
        """A document from a data URL or plain base64. Raises ApiError 400."""
        data = data_url(source) if source.startswith("data:") else decode_base64(source, param)
        return await keep_document(data, _name(name), self.server.store)

    async def own(self, name: str, *, param: str = "file_id") -> tuple[str, str]:
        """Reference and media type of a delivered image of the caller's. Raises ApiError 404."""
        place = parse_file_id(name)
        if place is None:
            raise not_found("file", param=param)
        record = await self.server.runs.owned(place[0], self.caller)
        images = RunResult.model_validate(record.result).images if record.result else ()
        found = next((image for image in images if image.index == place[1] and image.ref), None)
        if found is None:
            raise not_found("file", param=param)
        return found.ref, found.media_type

    async def _image(self, source: str, kind: Literal["image", "mask"], param: str) -> Attachment:
        name = self._own_name(source)
        if name is not None:
            ref, media_type = await self.own(name, param=param)
            return Attachment(ref=ref, name=name, media_type=media_type, kind=kind)
        return await self.given(await self._bytes(source, param), kind=kind, param=param)

    def _own_name(self, source: str) -> str | None:
        """The file id that this is, or that a link of ours holds."""
        link = self.server.links.file_of(source)
        name = link[0] if link else source
        return name if parse_file_id(name) is not None else None

    async def _bytes(self, source: str, param: str) -> bytes:
        if source.startswith("data:"):
            return data_url(source)
        if not source.startswith(("http://", "https://")):
            return decode_base64(source, param)
        try:
            return (await fetch_bytes(source, policy=AddressPolicy(), limits=_LIMITS)).data
        except FetchRefused as error:
            raise bad_request(str(error), param=param, code="image_unreachable") from error


async def conversation(inputs: Inputs, spoken: Sequence[Spoken]) -> dict[str, Any]:
    """`prompt`, `turns` and `attachments` of a brief: the last thing that the user said is the request.

    A request that was refused leaves no trace: neither it nor the refusal is among the turns.
    """
    last = max((index for index, each in enumerate(spoken) if each.role == "user"), default=None)
    if last is None:
        raise bad_request("There is no message of the user's.", param="messages")
    request = spoken[last]
    attachments = [await inputs.image(source) for source in request.images[:MAX_IMAGES]]
    attachments += [await inputs.document(name, data) for name, data in request.files[:MAX_IMAGES]]
    turns = [turn for each in without_refused(spoken[:last])[-_HISTORY_TURNS:] if (turn := await _turn(inputs, each))]
    text, _ = _without_images(request.text)
    return {"prompt": text, "turns": tuple(turns), "attachments": tuple(attachments)}


def without_refused(spoken: Sequence[Spoken]) -> list[Spoken]:
    """The messages without those that were refused, and without the refusals."""
    kept: list[Spoken] = []
    for each in spoken:
        if each.role == "assistant" and (each.refused or is_refusal(each.text)):
            while kept and kept[-1].role == "user":
                kept.pop()
            continue
        kept.append(each)
    return kept


def brief_from(**fields: Any) -> Brief:
    """The brief. Raises ApiError 400, naming the field, for what cannot be one."""
    try:
        return Brief(**{name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        where = str(first["loc"][0]) if first["loc"] else None
        message = str(first["msg"]).removeprefix("Value error, ")
        raise bad_request(message[:1].upper() + message[1:] + ".", param=where) from error


def decode_base64(text: str, param: str) -> bytes:
    """The bytes. Raises ApiError 400."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request("That is neither an address, a data URL nor base64.", param=param) from error


def data_url(url: str) -> bytes:
    """What a data URL holds. Raises ApiError 400."""
    head, comma, body = url.partition(",")
    if not comma:
        raise bad_request("A data URL needs a comma: data:image/png;base64,…")
    if head.endswith(";base64"):
        return decode_base64("".join(body.split()), "url")
    return unquote_to_bytes(body)


async def _turn(inputs: Inputs, spoken: Spoken) -> Turn | None:
    text, linked = _without_images(spoken.text)
    if spoken.role == "system":
        return Turn(role="assistant", text=f"Instructions: {text}") if text else None
    taken = []
    # Of addresses in running text only our own are followed: nobody offered the others as images.
    own = [source for source in linked if inputs.server.links.file_of(source)]
    for source in (*spoken.images, *own):
        # What an old message refers to may be gone by now: the conversation goes on without it.
        try:
            taken.append(await inputs.image(source))
        except ApiError:
            continue
    if not text and not taken:
        return None
    taken = taken[:MAX_IMAGES]
    manifests = {each.ref: each.manifest for each in taken if each.manifest is not None}
    return Turn(role=spoken.role, text=text, images=tuple(each.ref for each in taken), manifests=manifests)


def _without_images(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with the titles of its Markdown images in their place, and where they lie."""
    sources = tuple(match[2] for match in _MARKDOWN_IMAGE.finditer(text))
    return _MARKDOWN_IMAGE.sub(lambda match: match[1], text).strip(), sources


def _name(name: str) -> str:
    """A file name that is one: no path, nothing unprintable."""
    plain = "".join(char for char in name.replace("\\", "/").rpartition("/")[2] if char.isprintable())
    return plain[:120] or "file"
