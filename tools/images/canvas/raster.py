"""Images from outside, opened within bounds."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps

from ....errors import BadImage

__all__ = ["PIXELS", "open_image"]

PIXELS = 64_000_000


def open_image(data: bytes, what: str) -> Image.Image:
    """An untrusted image as upright RGB, within 64 megapixels. Raises `BadImage`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as raw:
                if raw.width * raw.height > PIXELS:
                    raise BadImage(f"{what} has {raw.width}x{raw.height} pixels; at most {PIXELS:,} can be edited")
                upright = ImageOps.exif_transpose(raw)
                rgba = upright.convert("RGBA")
    except BadImage:
        raise
    except Exception as error:  # Pillow's decoders raise all kinds on damaged files
        raise BadImage(f"{what} cannot be decoded: {type(error).__name__}") from error
    ground = Image.new("RGBA", rgba.size, "#ffffff")
    ground.alpha_composite(rgba)
    return ground.convert("RGB")
