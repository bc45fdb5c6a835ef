"""Edits of an image that we have only as pixels: crop, extend, recolor, overlay, caption, blur, redact.

An earlier image of our own is better edited by re-planning its spec and drawing again. For any other image the
instruction is read as a list of `EditOp`s, carried out in order; what it asks beyond them is said, not guessed at.
"""

# ruff: noqa: E501 (regular expressions stay in one piece)
from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from ....errors import BadImage, BadInput
from ..generator import ImageRequest
from ..spec import ImageSpec
from .color import parse
from .direction import ArtDirection, resolve
from .page import Box, Page, Setting
from .raster import PIXELS, open_image
from .render import compose
from .text import clean, direction, language_of
from .typeset import Text, Typesetter

__all__ = ["EditOp", "Edited", "Kind", "edit", "read_instruction"]

Kind = Literal[
    "crop", "extend", "resize", "grayscale", "sepia", "duotone", "warm", "cool", "brighter", "darker", "contrast", "vivid",
    "muted", "invert", "tint", "blur", "pixelate", "redact", "sharpen", "flip", "rotate", "title", "caption", "border", "vignette",
]  # fmt: skip

_COLORS = {
    "red": "#d7263d", "orange": "#f2762e", "yellow": "#f7c843", "green": "#2f9e63", "teal": "#1f8a8a", "blue": "#2566c8",
    "navy": "#12264a", "purple": "#7148b8", "violet": "#7148b8", "pink": "#e85d93", "brown": "#7a4f2e", "black": "#000000",
    "white": "#ffffff", "gray": "#808080", "grey": "#808080", "gold": "#d4a72c", "cyan": "#22b8cf", "magenta": "#c2258f",
}  # fmt: skip


@dataclass(frozen=True)
class EditOp:
    """One step. `amount` is a strength (1 is usual) or degrees; `aspect` width over height; `text` what to set;
    `color` a hex color; `where` a side or corner; `masked` limits the step to the mask."""

    kind: Kind
    amount: float = 1.0
    aspect: float | None = None
    text: str = ""
    color: str = ""
    where: str = ""
    masked: bool = False


@dataclass(frozen=True)
class Edited:
    """The edited pixels (h, w, 3) and what could not be done as asked."""

    pixels: NDArray[np.uint8] = field(repr=False)
    notes: tuple[str, ...]


_QUOTED = re.compile(r"[\"“”«»„‟]([^\"“”«»„‟]{1,400})[\"“”«»„‟]|(?<![\w])['‘]([^'’]{1,400})['’](?!\w)")
_RATIO = re.compile(r"\b(\d{1,4}(?:\.\d+)?)\s*(?::|x|×|/| by | to )\s*(\d{1,4}(?:\.\d+)?)\b")
_ASPECTS = {
    "square": 1.0,
    "widescreen": 16 / 9,
    "panorama": 3.0,
    "portrait": 4 / 5,
    "landscape": 3 / 2,
    "story": 9 / 16,
    "wallpaper": 9 / 16,
    "banner": 3.0,
    "vertical": 9 / 16,
    "horizontal": 16 / 9,
}
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("grayscale", r"black[ -]?(?:and|&|n)[ -]?white|\bb\s?[&/]\s?w\b|gr[ae]y[ -]?scale|monochrom|desaturat|no colou?r|remove (?:the |all )?colou?rs?"),
    ("sepia", r"sepia|vintage|old photo|antique|nostalgi"),
    ("duotone", r"duotone|two[ -]tone|two colou?rs"),
    ("warm", r"warm(?:er|th|ing)?\b|sunnier|golden hour"),
    ("cool", r"\bcool(?:er)?\b|colder"),
    ("brighter", r"bright(?:er|en)|lighter\b|lighten|more light|increase (?:the )?(?:brightness|exposure)"),
    ("darker", r"dark(?:er|en)\b|dimmer|decrease (?:the )?(?:brightness|exposure)"),
    ("contrast", r"(?:more|higher|increase|boost|add)\b[^.,;]{0,16}\bcontrast|punchier"),
    ("vivid", r"vivid|vibran|more colou?rful|saturat(?!ion down)|more saturat"),
    ("muted", r"\bmuted\b|pastel|less (?:saturat|colou?rful)|faded?\b|softer colou?rs"),
    ("invert", r"\binvert|negative\b"),
    ("pixelate", r"pixel(?:ate|ize|ise|ated)|mosaic|censor"),
    ("redact", r"redact|black out|blackout|cover up|hide (?:the )?(?:name|number|text|plate|part|region|area)"),
    ("blur", r"\bblur"),
    ("sharpen", r"sharp(?:en|er)"),
    ("flip", r"\bflip|\bmirror"),
    ("rotate", r"rotat|\bturn (?:it |the (?:image|picture|photo) )?(?:by )?(?:-?\d+|left|right|upside)"),
    ("vignette", r"vignette"),
    ("border", r"\bborder|\bframe\b"),
    ("extend", r"extend|outpaint|expand|widen|uncrop|add (?:more )?(?:space|room|margin)|zoom out"),
    ("crop", r"\bcrop|\btrim|cut (?:it )?(?:to|down)|zoom in|make (?:it|this|the (?:image|picture|photo)) (?:a )?square|square\b"),
)  # fmt: skip
_CAPTION = re.compile(r"\b(?:caption|subtitle|footer|credit|below|under|at the bottom|watermark)\b", re.I)
_BEYOND = re.compile(
    r"\b(?:remove|delete|erase|replace|swap|insert|change)\b(?! (?:the |all )?colou?rs?\b)[^.;]*|\b(?:add|put|give|draw)\b (?:a|an|some|more|him|her|it|them) [^.;\"“]*|\bmake (?:him|her|them|the (?:man|woman|person|dog|cat|car|sky|face|people))\b[^.;]*",
    re.I,
)


def _strength(clause: str) -> float:
    if re.search(r"slight|a (?:little|bit|touch)|subtl|gentl|somewhat", clause):
        return 0.5
    return 1.6 if re.search(r"very|much|strong|heav|a lot|extreme|really|complete", clause) else 1.0


def _aspect(clause: str) -> float | None:
    if match := _RATIO.search(clause):
        w, h = float(match[1]), float(match[2])
        if w > 0 and h > 0:
            return min(3.0, max(1 / 3, w / h))
    return next((aspect for word, aspect in _ASPECTS.items() if word in clause), None)


def _color(clause: str) -> str:
    if match := re.search(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b", clause):
        return match[0]
    return next((color for word, color in _COLORS.items() if re.search(rf"\b{word}(?:ish)?\b", clause)), "")


def read_instruction(instruction: str, has_mask: bool = False) -> tuple[tuple[EditOp, ...], tuple[str, ...]]:
    """The steps that an English instruction asks for, in its order, and notes on what it asks that is not served."""
    texts = [a or b for a, b in _QUOTED.findall(instruction)]
    plain = _QUOTED.sub(" \x00 ", instruction)
    ops: list[EditOp] = []
    notes: list[str] = []
    for clause in re.split(
        r"[.;\n]|,(?! ?\d)|\b(?:and then|then)\b|\band\b(?= (?:crop|blur|add|make|extend|rotate|flip|put|write|set|turn|sharpen|redact|pixelate|remove|tint))",
        plain,
    ):
        low = clause.lower().strip()
        if not low:
            continue
        found = _clause(low, texts, has_mask)
        ops += found
        if not found or (
            _BEYOND.search(low)
            and all(op.kind not in {"title", "caption", "border", "redact"} for op in found)
            and "\x00" not in low
        ):
            asked = _BEYOND.search(low)
            if (asked or not found) and not re.fullmatch(r"(?:please|thanks|thank you|and|also|with|to|it|this)?", low):
                notes.append(
                    f"not served without an image model: {(asked[0] if asked else low).strip().replace(chr(0), '…')[:80]!r}"
                )
    return tuple(ops), tuple(dict.fromkeys(notes))


def _clause(low: str, texts: list[str], has_mask: bool) -> list[EditOp]:
    ops: list[EditOp] = []
    masked = has_mask
    for kind, pattern in _PATTERNS:
        if not re.search(pattern, low):
            continue
        if kind == "crop" and any(op.kind == "extend" for op in ops):
            continue
        if kind == "border" and not re.search(r"add|put|with|give|white|black|colou?r", low):
            continue
        amount = _strength(low)
        if kind == "rotate":
            degrees = re.search(r"(-?\d+)\s*(?:°|deg)?", low)
            amount = (
                float(degrees[1])
                if degrees
                else 180.0
                if "upside" in low
                else -90.0
                if "left" in low or "counter" in low
                else 90.0
            )
        where = next(
            (
                w
                for w in ("top", "bottom", "left", "right", "center", "centre", "background", "vertical")
                if re.search(rf"\b{w}\b", low)
            ),
            "",
        )
        color = _color(low) if kind in {"duotone", "border", "redact"} else ""
        ops.append(EditOp(kind, amount, _aspect(low) if kind in {"crop", "extend"} else None, "", color, where, masked))
    if (
        not any(op.kind in {"grayscale", "duotone", "border", "redact"} for op in ops)
        and re.search(
            r"\btint|colou?r(?:ize|ise)?\b|more |recolou?r|palette|hue|make (?:it|everything|the (?:colou?rs|image|picture|photo))",
            low,
        )
        and (color := _color(low))
    ):
        ops.append(EditOp("tint", _strength(low), color=color, masked=masked))
    while "\x00" in low and texts:
        low = low.replace("\x00", "", 1)
        text = texts.pop(0)
        ops.append(
            EditOp(
                "caption" if _CAPTION.search(low) and not re.search(r"\btitle|headline|heading", low) else "title",
                text=text,
            )
        )
    return ops


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
        return _overlay(image, op, spec, art, typesetter, notes)
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


def _overlay(
    image: Image.Image, op: EditOp, spec: ImageSpec, art: ArtDirection, typesetter: Typesetter, notes: list[str]
) -> Image.Image:
    """A title on the calmer half of the picture, or a caption at its foot, in the set's type, with contrast kept."""
    w, h = image.size
    tidy = clean(op.text)
    if tidy.dropped:
        notes.append(f"no glyph for {' '.join(tidy.dropped[:8])}: left out")
    if not tidy.text:
        return image
    language = language_of(spec.language)
    page = Page(w, h, art, Setting(typesetter, language, direction(language) == "rtl"))
    u, margin = page.unit, 0.055 * min(w, h)
    pixels = np.asarray(image, dtype=np.float32)
    title = op.kind == "title"
    text = Text(
        "overlay",
        tidy.text,
        page.style("title" if title else "body"),
        w - 2 * margin,
        h * (0.3 if title else 0.16),
        max(9.0, 14 * u),
        (96 if title else 26) * u,
        balance=True,
    )
    fit = page.fit([text]).get("overlay")
    notes += page.notes
    if fit is None:
        return image
    bottom = not title or _restless(pixels[: int(h * 0.34)]) > _restless(pixels[-int(h * 0.34) :])
    y = h - margin - fit.height if bottom else margin
    ground = "#000000" if art.palette.dark or float(pixels.mean()) < 140 else "#ffffff"
    ink = "#ffffff" if ground == "#000000" else "#101010"
    reach = (fit.height + 2.4 * margin) / h
    pixels = _shaded(pixels, ground, bottom, reach)
    page.text(fit, Box(margin, y, w - 2 * margin, fit.height), ink)
    out, _ = compose(page, pixels, np.random.default_rng(0))
    return Image.fromarray(out)


def _restless(region: NDArray[np.float32]) -> float:
    gray = region.mean(axis=2)
    return (
        float(np.abs(np.diff(gray, axis=1)).mean() + np.abs(np.diff(gray, axis=0)).mean())
        if min(gray.shape) > 1
        else 0.0
    )


def _shaded(pixels: NDArray[np.float32], color: str, bottom: bool, reach: float) -> NDArray[np.float32]:
    h = pixels.shape[0]
    t = np.linspace(0, 1, h, dtype=np.float32)
    t = t if bottom else 1 - t
    alpha = np.clip((t - (1 - reach * 1.6)) / max(0.05, reach * 0.9), 0, 1)[:, None, None] * 0.72
    shade = np.array(parse(color), dtype=np.float32) * 255
    return np.asarray(pixels * (1 - alpha) + shade * alpha, dtype=np.float32)
