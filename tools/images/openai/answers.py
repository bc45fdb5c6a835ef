"""What an image service answers: pictures, previews, and its own refusals; everything else is an error by name."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from .... import media
from ....errors import BadImage, GeneratorError
from ....safety.categories import policies_for
from ....services import ServiceFault
from ..fitting import fitted
from ..generator import DeclinedImage, ImageRequest

__all__ = ["Answer", "address_of", "declined", "encoded_image", "finished", "generator_error", "usage_of"]

_TYPES = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp"}
_WORD = 60


@dataclass(frozen=True)
class Answer:
    """A picture of the asked size and type, encoded, with remarks on what it took."""

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    notes: tuple[str, ...] = ()


def declined(fault: ServiceFault, model: str) -> DeclinedImage:
    """The service's refusal as an outcome. Of its categories, words from outside, those are kept that look like one."""
    stage = fault.details.get("moderation_stage")
    listed = fault.details.get("categories")
    words = tuple(word for word in listed if _plain(word)) if isinstance(listed, list) else ()
    return DeclinedImage(
        model=model,
        stage=stage if stage in {"input", "output"} else "unknown",
        categories=words,
        policies=policies_for(words or ((fault.code,) if fault.code else ())),
    )


def generator_error(fault: ServiceFault) -> GeneratorError:
    """A service's fault as the generator's."""
    return GeneratorError(
        str(fault),
        retryable=fault.retryable,
        charged=fault.charged,
        code=fault.code,
        kind=fault.kind,
        unknown_end=fault.unknown_end,
    )


def encoded_image(entry: Any, role: str, name: str = "b64_json") -> bytes:
    """The image bytes in one entry of an answer. Raises ServiceFault where there are none."""
    text = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(text, str) or not text:
        raise ServiceFault(f"The {role} answered without an image in its answer.", kind="empty")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ServiceFault(f"The {role} answered with an image that is not base64.", kind="malformed") from None


def address_of(entry: Any) -> str | None:
    """The address in an entry that has no bytes."""
    url = entry.get("url") if isinstance(entry, dict) and not entry.get("b64_json") else None
    return url if isinstance(url, str) and url else None


async def finished(data: bytes, request: ImageRequest, role: str) -> Answer:
    """The image as it was asked for. Bytes that are right already stay as they are.

    Raises:
        ServiceFault: malformed: it does not decode within bounds, or is of a type that no image model was asked for.
    """
    return await asyncio.to_thread(_finished, data, request, role)


def usage_of(answer: dict[str, Any]) -> dict[str, int]:
    """The token counts in an answer, nested ones by a dotted name; whatever is no count is left out. Those of the
    input that bills tell apart stand under their own names too."""
    counts: dict[str, int] = {}
    usage = answer.get("usage")
    for name, value in usage.items() if isinstance(usage, dict) else ():
        nested = value.items() if isinstance(value, dict) else [(None, value)]
        for inner, number in nested:
            if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**40:
                counts[f"{name}.{inner}" if inner else str(name)] = number
    for name in ("image_tokens", "cached_tokens"):
        counts[name] = counts.get(f"input_tokens_details.{name}", 0)
    return counts


def _finished(data: bytes, request: ImageRequest, role: str) -> Answer:
    size, wanted = request.spec.size, f"image/{request.format}"
    found = media.sniff(data)
    if found not in _TYPES:
        named = found or "something that is no image"
        raise ServiceFault(f"The {role} answered with {named} where {wanted} was asked for.", kind="malformed")
    try:
        picture = media.decode(data).image
    except BadImage as error:
        raise ServiceFault(
            f"The {role} answered with an image that cannot be read: {error}", kind="malformed"
        ) from None
    fit, note = fitted(picture, size)
    if not note and found == wanted:
        return Answer(data, found, *fit.size)
    if found != wanted:
        note = "; ".join(part for part in (note, f"the model gave {found}; it was re-encoded as {wanted}") if part)
    return Answer(media.encode(fit, request.format, quality=95), wanted, *fit.size, (note,))


def _plain(word: Any) -> bool:
    return isinstance(word, str) and 0 < len(word) <= _WORD and word.replace("/", "").replace("_", "").replace(
        "-", "").isalnum()  # fmt: skip
