"""Edits of an image that we have only as pixels: crop, extend, recolor, overlay, caption, blur, redact.

An earlier image of our own is better edited by re-planning its spec and drawing again. For any other image the
instruction is read as a list of `EditOp`s, carried out in order; what it asks beyond them is said, not guessed at.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from ....errors import BadImage, BadInput
from ..generator import ImageRequest
from ..spec import ImageSpec
from .direction import ArtDirection, resolve
from .instruction import EditOp, read_instruction
from .overlay import overlay
from .raster import PIXELS, open_image
from .typeset import Typesetter

__all__ = ["Edited", "edit"]


@dataclass(frozen=True)
class Edited:
    """The edited pixels (h, w, 3) and what could not be done as asked."""

    pixels: NDArray[np.uint8] = field(repr=False)
    notes: tuple[str, ...]


def edit(request: ImageRequest, typesetter: Typesetter) -> Edited:
    """Carries out `spec.instruction` on the image that `spec.edit_of` names; a title or caption in the spec is set too.

    Raises `BadInput` where the image was not passed or nothing of the instruction can be done, `BadImage` where it
    does not decode."""
    spec = request.spec
    data = request.images.get(spec.edit_of or "")
    if data is None:
        raise BadInput(f"the image to edit ({spec.edit_of}) was not passed with the request")
    image = _bounded(open_image(data, "the image to edit"))
    mask = _mask(request, image.size)
    ops, notes = read_instruction(spec.instruction, mask is not None)
    ops = (*ops, *_from_fields(spec, ops))
    if not ops:
        reason = notes[0] if notes else "it names no edit that can be made without an image model"
        raise BadInput(
            f"cannot edit as asked: {reason}. Possible: crop, extend, recolor, blur, redact, rotate, title, caption"
        )
    said = list(notes)
    if mask is None and any(op.kind == "redact" for op in ops):
        said.append("redacting needs a mask that says where: nothing was redacted")
        ops = tuple(op for op in ops if op.kind != "redact")
        if not ops:
            raise BadInput("redacting needs a mask that says where")
    art = resolve(request.style)
    for op in ops:
        before = image.size
        if op.kind in {"blur", "pixelate"} and mask is None and op.where != "background":
            said.append(f"no mask was given: {op.kind} was applied to the whole image")
        image = _apply(image, op, mask, spec, art, typesetter, said)
        if mask is not None and image.size != before:
            mask = None if op.kind in {"crop", "extend", "rotate"} else mask.resize(image.size)
    return Edited(np.asarray(_bounded(image)), tuple(dict.fromkeys(said)))


def _bounded(image: Image.Image) -> Image.Image:
    """No side beyond 3840 px."""
    k = 3840 / max(image.size)
    return (
        image.resize((max(1, round(image.width * k)), max(1, round(image.height * k))), Image.Resampling.LANCZOS)
        if k < 1
        else image
    )


def _from_fields(spec: ImageSpec, ops: tuple[EditOp, ...]) -> list[EditOp]:
    kinds = {op.kind for op in ops}
    extra: list[EditOp] = []
    if spec.title and "title" not in kinds:
        extra.append(EditOp("title", text=spec.title))
    if spec.caption and "caption" not in kinds:
        extra.append(EditOp("caption", text=spec.caption))
    return extra


def _mask(request: ImageRequest, size: tuple[int, int]) -> Image.Image | None:
    """White (or, where the file has transparency, what is transparent) is where the edit goes."""
    reference = request.spec.mask
    if reference is None:
        return None
    data = request.images.get(reference)
    if data is None:
        raise BadInput("the mask was not passed with the request")
    try:
        with Image.open(io.BytesIO(data)) as raw:
            if raw.width * raw.height > PIXELS:
                raise BadImage("the mask is too large")
            alpha = raw.convert("RGBA").getchannel("A") if raw.mode in {"RGBA", "LA", "PA"} else None
            transparent = alpha is not None and int(np.asarray(alpha).min()) < 255
            mask = ImageOps.invert(alpha) if alpha is not None and transparent else raw.convert("L")
    except BadImage:
        raise
    except Exception as error:  # as above
        raise BadImage(f"the mask cannot be decoded: {type(error).__name__}") from error
    return mask.resize(size, Image.Resampling.BILINEAR)


def _apply(
    image: Image.Image,
    op: EditOp,
    mask: Image.Image | None,
    spec: ImageSpec,
    art: ArtDirection,
    typesetter: Typesetter,
    notes: list[str],
) -> Image.Image:
    if op.kind in {"title", "caption"}:
        return overlay(image, op, spec, art, typesetter, notes)
    if op.kind in _SHAPES:
        return _SHAPES[op.kind](image, op, spec)
    changed = _PIXEL_OPS[op.kind](image, op)
    if op.where == "background" and mask is None:
        notes.append("there is no mask of the background: the edit was applied to the whole image")
    return Image.composite(changed, image, mask) if op.masked and mask is not None else changed


def _tinted(image: Image.Image, rgb: tuple[float, float, float], amount: float) -> Image.Image:
    pixels = np.asarray(image, dtype=np.float32)
    gain = np.array([1 + (c - 1) * amount for c in rgb], dtype=np.float32)
    return Image.fromarray(np.clip(pixels * gain + 0.5, 0, 255).astype(np.uint8))


def _sepia(image: Image.Image, op: EditOp) -> Image.Image:
    toned = ImageOps.colorize(ImageOps.grayscale(image), "#20140a", "#fbf0d9", mid="#a07c50")
    return Image.blend(image, toned, min(1.0, 0.9 * op.amount))


def _duotone(image: Image.Image, op: EditOp) -> Image.Image:
    color = op.color or "#d2452e"
    return ImageOps.colorize(
        ImageOps.autocontrast(ImageOps.grayscale(image), cutoff=1), "#0d0a0a", "#fff6ea", mid=color
    )


def _wash_over(image: Image.Image, op: EditOp) -> Image.Image:
    gray = ImageOps.grayscale(image)
    toned = ImageOps.colorize(gray, "#000000", "#ffffff", mid=op.color or "#808080")
    return Image.blend(image, toned, min(0.85, 0.55 * op.amount))


def _pixelate(image: Image.Image, op: EditOp) -> Image.Image:
    cells = max(4, int(26 / op.amount))
    k = cells / max(image.size)
    small = image.resize((max(1, round(image.width * k)), max(1, round(image.height * k))), Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.NEAREST)


def _vignette(image: Image.Image, op: EditOp) -> Image.Image:
    y = np.linspace(-1, 1, image.height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, image.width, dtype=np.float32)[None, :]
    fall = 1 - 0.6 * min(1.5, op.amount) * np.clip((x * x + y * y) / 2 - 0.15, 0, 1)
    return Image.fromarray(np.clip(np.asarray(image, dtype=np.float32) * fall[..., None], 0, 255).astype(np.uint8))


_PIXEL_OPS: dict[str, Callable[[Image.Image, EditOp], Image.Image]] = {
    "grayscale": lambda i, o: ImageOps.grayscale(i).convert("RGB"),
    "sepia": _sepia,
    "duotone": _duotone,
    "warm": lambda i, o: _tinted(i, (1.10, 1.02, 0.86), o.amount),
    "cool": lambda i, o: _tinted(i, (0.88, 0.99, 1.12), o.amount),
    "brighter": lambda i, o: ImageEnhance.Brightness(i).enhance(1 + 0.25 * o.amount),
    "darker": lambda i, o: ImageEnhance.Brightness(i).enhance(1 - 0.25 * o.amount),
    "contrast": lambda i, o: ImageEnhance.Contrast(i).enhance(1 + 0.3 * o.amount),
    "vivid": lambda i, o: ImageEnhance.Color(i).enhance(1 + 0.45 * o.amount),
    "muted": lambda i, o: ImageEnhance.Color(i).enhance(max(0.0, 1 - 0.45 * o.amount)),
    "invert": lambda i, o: ImageOps.invert(i),
    "tint": _wash_over,
    # Twice the radius hides nothing more, but three box passes leave no recoverable edge.
    "blur": lambda i, o: i.filter(ImageFilter.GaussianBlur(max(i.size) * 0.022 * o.amount)),
    "pixelate": _pixelate,
    "redact": lambda i, o: Image.new("RGB", i.size, o.color or "#000000"),
    "sharpen": lambda i, o: i.filter(ImageFilter.UnsharpMask(2, int(120 * o.amount), 2)),
    "vignette": _vignette,
}


def _target(op: EditOp, spec: ImageSpec, image: Image.Image) -> float:
    if op.aspect is not None:
        return op.aspect
    return (
        spec.size.aspect
        if abs(spec.size.aspect - image.width / image.height) > 0.02
        else (1.0 if op.kind == "crop" else 16 / 9)
    )


def _crop(image: Image.Image, op: EditOp, spec: ImageSpec) -> Image.Image:
    aspect, (w, h) = _target(op, spec, image), image.size
    cw, ch = (w, round(w / aspect)) if w / h < aspect else (round(h * aspect), h)
    x = {"left": 0, "right": w - cw}.get(op.where, (w - cw) // 2)
    y = {"top": 0, "bottom": h - ch}.get(op.where, (h - ch) // 2)
    return image.crop((x, y, x + cw, y + ch))


def _extend(image: Image.Image, op: EditOp, spec: ImageSpec) -> Image.Image:
    """Grows the canvas to an aspect; the new margin is the picture's own edge, mirrored and blurred."""
    aspect, (w, h) = _target(op, spec, image), image.size
    nw, nh = (round(h * aspect), h) if w / h < aspect else (w, round(w / aspect))
    if (nw, nh) == (w, h):
        nw, nh = round(w * 1.25), round(h * 1.25)
    x = {"left": nw - w, "right": 0}.get(op.where, (nw - w) // 2)
    y = {"top": nh - h, "bottom": 0}.get(op.where, (nh - h) // 2)
    pixels = np.pad(np.asarray(image), ((y, nh - h - y), (x, nw - w - x), (0, 0)), mode="symmetric")
    ground = Image.fromarray(pixels)
    soft = ground.filter(ImageFilter.GaussianBlur(max(nw, nh) * 0.012))
    veil = np.zeros((nh, nw), dtype=np.float32)
    distance_x = np.clip(np.maximum(x - np.arange(nw), np.arange(nw) - (x + w - 1)), 0, None)[None, :]
    distance_y = np.clip(np.maximum(y - np.arange(nh), np.arange(nh) - (y + h - 1)), 0, None)[:, None]
    veil += np.clip(np.maximum(distance_x, distance_y) / max(1.0, max(nw, nh) * 0.03), 0, 1)
    return Image.composite(soft, ground, Image.fromarray((veil * 255).astype(np.uint8)))


def _border(image: Image.Image, op: EditOp, spec: ImageSpec) -> Image.Image:
    del spec
    return ImageOps.expand(image, round(min(image.size) * 0.04 * op.amount), fill=op.color or "#ffffff")


def _rotate(image: Image.Image, op: EditOp, spec: ImageSpec) -> Image.Image:
    del spec
    return image.rotate(-op.amount, expand=True, resample=Image.Resampling.BICUBIC, fillcolor="#ffffff")


_SHAPES: dict[str, Callable[[Image.Image, EditOp, ImageSpec], Image.Image]] = {
    "crop": _crop,
    "extend": _extend,
    "resize": lambda i, o, s: i.resize((s.size.width, s.size.height), Image.Resampling.LANCZOS),
    "flip": lambda i, o, s: ImageOps.flip(i) if o.where == "vertical" else ImageOps.mirror(i),
    "rotate": _rotate,
    "border": _border,
}
