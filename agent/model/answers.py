"""The forms that a model's answers must have: what it may say, and no more.

They are plainer than what they become (`Understanding`, `Plan`, …), since every field is one that a model can get
wrong: identifiers, numbering, references to images and provenance are put in by code.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ...tools.images.spec import Direction, Role

__all__ = ["Further", "Judged", "Lifted", "LiftedFact", "Planned", "PlannedChart", "PlannedImage", "PlannedItem",
           "Reworded", "Said", "Understood"]  # fmt: skip

Basis = Literal["request", "fact", "wording"]


class _Answer(BaseModel):
    # Not "forbid": a service without strict schemas adds fields of its own, and they harm nobody unread.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Understood(_Answer):
    summary: str = Field(min_length=1, max_length=2000)
    language: str = "en"
    count: int = Field(ge=1, le=8)
    audience: str = ""
    tone: str = ""
    kind: str = ""
    subject: str = ""
    texts: list[str] = Field(default_factory=list, max_length=40)
    points: list[str] = Field(default_factory=list, max_length=60)
    queries: list[str] = Field(default_factory=list, max_length=12)


class LiftedFact(_Answer):
    text: str
    quote: str


class Lifted(_Answer):
    facts: list[LiftedFact] = Field(max_length=40)


class Further(_Answer):
    queries: list[str] = Field(max_length=12)


class Said(_Answer):
    """A text to set, and what it rests on. `source` is the id of a fact's source where `basis` is `fact`."""

    text: str = ""
    basis: Basis = "wording"
    source: str = ""


class PlannedItem(_Answer):
    label: str
    detail: str = ""
    value: str = ""
    icon: str = ""
    basis: Basis = "wording"
    source: str = ""


class PlannedSeries(_Answer):
    name: str
    values: list[float]


class PlannedChart(_Answer):
    """`table` is the id of a table that was given, or `request` where the request itself brings the numbers."""

    kind: Literal["bar", "line", "pie", "scatter"]
    table: str
    x_title: str = ""
    y_title: str = ""
    categories: list[str]
    series: list[PlannedSeries]


class PlannedImage(_Answer):
    role: Role = "scene"
    prompt: str = Field(min_length=1, max_length=6000)
    title: Said = Said()
    subtitle: Said = Said()
    caption: Said = Said()
    quote: Said = Said()
    items: list[PlannedItem] = Field(default_factory=list, max_length=12)
    chart: PlannedChart | None = None
    subject: str = ""
    icons: list[str] = Field(default_factory=list, max_length=12)
    subjects: list[str] = Field(default_factory=list, max_length=12)
    width: int = 1024
    height: int = 1024
    alt: str = ""
    instruction: str = ""


class Subject(_Answer):
    id: str = Field(min_length=1, max_length=40)
    description: str = Field(min_length=1, max_length=1200)


class Color(_Answer):
    role: Literal["paper", "ink", "accent", "accent2", "muted"]
    hex: str


class Planned(_Answer):
    intent: str = Field(min_length=1, max_length=2000)
    direction: Direction = "editorial"
    palette: list[Color] = Field(default_factory=list, max_length=5)
    motif: str = ""
    tone: str = ""
    audience: str = ""
    subjects: list[Subject] = Field(default_factory=list, max_length=12)
    images: list[PlannedImage] = Field(min_length=1, max_length=8)


class Reworded(_Answer):
    possible: bool
    prompt: str = ""
    changes: list[str] = Field(default_factory=list, max_length=12)
    offer: list[str] = Field(default_factory=list, max_length=6)


class Judged(_Answer):
    fits: bool
    problems: list[str] = Field(default_factory=list, max_length=12)
    prompt: str = Field(default="", max_length=6000)
