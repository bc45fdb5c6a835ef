"""Pictures as a remote judge gets them: whole, in a type and size that services take."""

from __future__ import annotations

import base64

from ... import media
from ..content import ImagePart

__all__ = ["data_url"]

_TYPES = {"image/png", "image/jpeg", "image/webp"}
_BYTES = 8_000_000
_SIDE = 2048  # px; what services reduce a picture to anyway, or less


def data_url(part: ImagePart) -> str:
    """The picture as a `data:` address: as it is, or reduced to 2048 px and without loss where it is larger.

    Synchronous. Raises BadImage for what does not decode.
    """
    picture = media.decode(part.data)
    data, media_type = part.data, picture.media_type
    if media_type not in _TYPES or len(data) > _BYTES or max(picture.width, picture.height) > _SIDE:
        small = media.thumbnail(picture.image, _SIDE)
        data, media_type = media.encode(small, "png"), "image/png"
        if len(data) > _BYTES:
            data, media_type = media.encode(small, "jpeg", quality=95), "image/jpeg"
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
