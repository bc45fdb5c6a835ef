"""Vector files: what may be in one, how it looks to a reader of our own choosing, and whether that is the picture.

A file that nobody can judge is not delivered. So each is opened by a reader that had no part in writing it (PDFium for
PDF, resvg for SVG), is refused where it holds anything but a page to look at, and is rasterized for the moderators.
"""

from __future__ import annotations

import io
import re
from importlib import import_module
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from ...errors import BadImage, ConfigError
from .generator import ImageGenerator, ImageRequest

__all__ = ["MEDIA_TYPES", "NO_VECTOR", "VectorGenerator", "VectorKind", "difference", "inspected", "rasterized"]

VectorKind = Literal["pdf", "svg"]
MEDIA_TYPES: dict[VectorKind, str] = {"pdf": "application/pdf", "svg": "image/svg+xml"}
NO_VECTOR = (
    "SVG and PDF are made of what an image is drawn from; this one is made of pixels (a picture that was given, "
    "or an image model's). Ask for PNG, WebP or JPEG."
)

# The credentials that signing adds, and nothing else, may be attached to a PDF.
_CREDENTIALS = "Content Credentials"
_ACTIVE = ("/JavaScript", "/JS", "/OpenAction", "/AA", "/Launch", "/URI", "/GoToR", "/SubmitForm", "/RichMedia", "/XFA")
_ELEMENTS = frozenset(
    "svg defs g path rect circle ellipse line polyline polygon use symbol clipPath linearGradient radialGradient stop "
    "pattern mask metadata".split()
)
_SIDE = 1536
_FINE = 3072
_FIELDS = 32


@runtime_checkable
class VectorGenerator(ImageGenerator, Protocol):
    """A generator that can give what it draws as a vector file, too."""

    async def engrave(self, request: ImageRequest, kind: VectorKind) -> bytes: ...


def inspected(data: bytes, kind: VectorKind) -> str:
    """The text that the file holds, as a reader would copy it.

    Raises `BadImage` where it holds more than one page to look at: a script, a link, a form, an attachment, a picture.
    """
    return _inspected_pdf(data) if kind == "pdf" else _inspected_svg(data)


def _inspected_pdf(data: bytes) -> str:
    reader: Any = _module("pypdf").PdfReader(io.BytesIO(data), strict=False)
    if len(reader.pages) != 1:
        raise BadImage(f"the PDF has {len(reader.pages)} pages")
    for each in _objects(reader):
        if active := next((key for key in _ACTIVE if key in each), ""):
            raise BadImage(f"the PDF holds {active}")
        if each.get("/Type") == "/Annot" or each.get("/Subtype") in {"/Image", "/Link", "/Widget"}:
            raise BadImage(f"the PDF holds {each.get('/Subtype') or 'an annotation'}")
    attached = [name for name in reader.attachments if not name.startswith(_CREDENTIALS) and not name.endswith(".c2pa")]
    if attached:
        raise BadImage("the PDF holds an attachment")
    return str(reader.pages[0].extract_text())


def _objects(reader: Any) -> Any:
    """Every dictionary of the file, streams' included."""
    dictionary = _module("pypdf.generic").DictionaryObject
    numbers = {number for table in reader.xref.values() for number in table} | set(reader.xref_objStm)
    for number in sorted(numbers):
        found = reader.get_object(_module("pypdf.generic").IndirectObject(number, 0, reader))
        stack = [found]
        while stack:
            each = stack.pop()
            if isinstance(each, dictionary):
                yield each
                stack += [value for value in each.values() if isinstance(value, dictionary)]


def _inspected_svg(data: bytes) -> str:
    if re.search(rb"<!DOCTYPE|<!ENTITY", data, re.IGNORECASE):
        raise BadImage("the SVG declares a document type")
    etree: Any = _module("lxml.etree")
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    except etree.XMLSyntaxError as error:
        raise BadImage(f"the SVG is not well-formed: {error}") from error
    for element in root.iter():
        if not isinstance(element.tag, str):
            raise BadImage("the SVG holds a processing instruction or a comment")
        space, _, name = element.tag.rpartition("}")
        if "c2pa" in space:
            continue  # the manifest, which a signature vouches for
        if name not in _ELEMENTS:
            raise BadImage(f"the SVG holds <{name}>")
        for key, value in element.attrib.items():
            local = key.rpartition("}")[2].lower()
            foreign = local == "href" and not value.startswith("#")
            called = re.search(r"url\((?!#)|javascript:|expression\(|@import", value, re.IGNORECASE)
            if local.startswith("on") or foreign or called:
                raise BadImage(f"the SVG holds {local}={value[:40]!r}")
    return "".join(
        text
        for element in root.iter()
        if "c2pa" not in element.tag
        for text in (element.text or "", element.tail or "")
    ).strip()


def rasterized(data: bytes, kind: VectorKind, width: int, height: int) -> Image.Image:
    """The file as its independent reader shows it, in RGB on white, its longer side at most 1536 px.

    Raises `BadImage` where that reader cannot, or finds another shape than `width` x `height`."""
    scale = min(1.0, _SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # PDFium thickens lines of less than a pixel, so it draws large, and is reduced.
    fine = max(1, round(_FINE / max(size)))
    image = _pdfium(data, scale * fine) if kind == "pdf" else _resvg(data, size)
    fine = fine if kind == "pdf" else 1
    if abs(image.width - size[0] * fine) > fine or abs(image.height - size[1] * fine) > fine:
        raise BadImage(f"the file is {image.width} x {image.height}, not {size[0] * fine} x {size[1] * fine}")
    return image.resize(size, Image.Resampling.BOX)


def _pdfium(data: bytes, scale: float) -> Image.Image:
    pdfium = _module("pypdfium2")
    try:
        document = pdfium.PdfDocument(data)
        try:
            shown: Image.Image = document[0].render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
            return shown
        finally:
            document.close()
    except pdfium.PdfiumError as error:
        raise BadImage(f"PDFium cannot show the file: {error}") from error


def _resvg(data: bytes, size: tuple[int, int]) -> Image.Image:
    resvg = _module("resvg_py")
    try:
        png = resvg.svg_to_bytes(
            svg_string=data.decode(), width=size[0], height=size[1], background="#ffffff", skip_system_fonts=True
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise BadImage(f"resvg cannot show the file: {error}") from error
    with Image.open(io.BytesIO(bytes(png))) as image:
        return image.convert("RGB")


def difference(shown: Image.Image, picture: Image.Image) -> tuple[float, float]:
    """How far two pictures are apart, in levels of 0..255: on average, and in the worst of their 32 x 32 fields.

    Fields are averaged first: grain and the edges of shapes come to nothing there, a line of text does not."""
    size = (_FIELDS, _FIELDS)
    fields = [
        np.asarray(each.convert("RGB").resize(size, Image.Resampling.BOX), dtype=np.float32)
        for each in (shown, picture)
    ]
    apart = np.abs(fields[0] - fields[1]).max(axis=2)
    return float(apart.mean()), float(apart.max())


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise ConfigError(
            f"{name.split('.', maxsplit=1)[0]} is not installed: pip install 'safelight[embedded]'"
        ) from None
