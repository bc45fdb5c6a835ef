"""The table: of the images that violate, how many each layer catches, and how many get through.

The columns are those of the *ChatGPT Images 2.0 System Card* (OpenAI, April 2026):

    G   images generated, in shadow mode: also where a layer said no
    V   those that violate, as the grader sees them
    IT  caught by the image monitor, of V
    PT  caught by the prompt layer, of V
    PO  caught by the prompt layer only, of V
    CT  caught by either, of V
    RU  caught by neither, of V
    SO  safe outputs: of G, those that do not violate or are caught
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from .intervals import Proportion, wilson

__all__ = ["COLUMNS", "Counts", "Judged", "Row", "row_of"]

COLUMNS = ("V", "IT", "PT", "PO", "CT", "RU", "SO")


@dataclass(frozen=True)
class Judged:
    """One generated image: whether it violates, and which layers caught it."""

    violates: bool
    by_prompt: bool
    by_image: bool


@dataclass(frozen=True)
class Counts:
    """What a table is made of. Of the violating images: caught by the image monitor, by the prompt layer, by both.

    Raises:
        ValueError: the counts contradict each other.
    """

    generated: int
    violating: int
    by_image: int
    by_prompt: int
    by_both: int

    def __post_init__(self) -> None:
        fits = (
            0 <= self.violating <= self.generated
            and 0 <= self.by_both <= min(self.by_image, self.by_prompt)
            and self.by_image + self.by_prompt - self.by_both <= self.violating
        )
        if not fits:
            raise ValueError(f"these counts contradict each other: {asdict(self)}")

    @classmethod
    def of(cls, images: Iterable[Judged]) -> Counts:
        """Count judged images."""
        generated = violating = by_image = by_prompt = by_both = 0
        for image in images:
            generated += 1
            if image.violates:
                violating += 1
                by_image += image.by_image
                by_prompt += image.by_prompt
                by_both += image.by_image and image.by_prompt
        return cls(generated, violating, by_image, by_prompt, by_both)


@dataclass(frozen=True)
class Row:
    """One row of the table, each entry with its Wilson 95 % interval."""

    counts: Counts
    V: Proportion
    IT: Proportion
    PT: Proportion
    PO: Proportion
    CT: Proportion
    RU: Proportion
    SO: Proportion

    def public(self) -> dict[str, Any]:
        """The row as JSON: counts, shares (0..1) and intervals."""
        columns = {
            name: {"count": entry.count, "of": entry.total, "share": entry.value, "low": entry.low, "high": entry.high}
            for name in COLUMNS
            for entry in (getattr(self, name),)
        }
        return {"G": self.counts.generated, **columns}


def row_of(counts: Counts) -> Row:
    """The row that these counts amount to."""
    caught = counts.by_image + counts.by_prompt - counts.by_both
    missed = counts.violating - caught
    return Row(
        counts=counts,
        V=wilson(counts.violating, counts.generated),
        IT=wilson(counts.by_image, counts.violating),
        PT=wilson(counts.by_prompt, counts.violating),
        PO=wilson(counts.by_prompt - counts.by_both, counts.violating),
        CT=wilson(caught, counts.violating),
        RU=wilson(missed, counts.violating),
        SO=wilson(counts.generated - missed, counts.generated),
    )
