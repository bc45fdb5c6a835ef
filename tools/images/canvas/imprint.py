"""What the illustrator cannot do, said on the image and in its notes: it has no photographs to give."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from ..spec import ImageSpec

__all__ = ["NO_PHOTOGRAPH", "imprinted"]

NO_PHOTOGRAPH = (
    "a photograph was asked for: this is an illustrated card, drawn by layout, and no likeness of anyone; "
    "for photographs configure an image model with SAFELIGHT_GENERATOR (docs/settings.md)"
)


def imprinted(spec: ImageSpec) -> tuple[ImageSpec, tuple[str, ...]]:
    """`spec` as it is, or, where its prompt asks for a photograph, with a caption that says what it is not."""
    if spec.references or spec.chart or not _asked_for().search(spec.prompt):
        return spec, ()
    notes: dict[str, str] = _data()["note"]
    caption = notes.get(spec.language, notes["en"])
    return (spec if spec.caption else spec.model_copy(update={"caption": caption})), (NO_PHOTOGRAPH,)


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((files(__package__) / "imprint.yaml").read_text(encoding="utf-8"))
    return data


@cache
def _asked_for() -> re.Pattern[str]:
    words = [re.escape(word).replace(r"\*", r"\w*") for word in _data()["words"]]
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})", re.IGNORECASE)
