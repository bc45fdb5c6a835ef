"""How a model's picture becomes the size that was asked of us."""

from __future__ import annotations

from PIL import Image

from .spec import Size

__all__ = ["fitted"]


def fitted(picture: Image.Image, size: Size) -> tuple[Image.Image, str]:
    """The picture at exactly this size, and a remark on what was done to it ("" for nothing).

    Scaled to cover, then cropped evenly on both sides: nothing is distorted.
    """
    width, height = picture.size
    if (width, height) == (size.width, size.height):
        return picture, ""
    scale = max(size.width / width, size.height / height)
    # The box of the picture that ends up in the image, in its own pixels.
    across, down = min(width, size.width / scale), min(height, size.height / scale)
    left, top = (width - across) / 2, (height - down) / 2
    fit = picture.resize(
        (size.width, size.height), Image.Resampling.LANCZOS, box=(left, top, left + across, top + down)
    )
    cropped = round(across) < width - 1 or round(down) < height - 1
    what = "scaled and cropped" if cropped else "scaled"
    return fit, f"the model's picture had {width}x{height} pixels; it was {what} to {size.width}x{size.height}"
