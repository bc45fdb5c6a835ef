"""What the agent decided to make."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..tools.images.spec import ImageSpec, StyleSheet, prompt_text

__all__ = ["Plan"]


class Plan(BaseModel):
    """A shared `StyleSheet` and one `ImageSpec` an image, in order.

    `intent` is our own summary of what the whole set is for, in plain words: it is judged with the set. `notes` are
    honest remarks for the user (what is not researched, what the generator cannot do).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intent: str
    style: StyleSheet
    images: tuple[ImageSpec, ...] = Field(min_length=1, max_length=8)
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _numbered(self) -> Plan:
        if [spec.index for spec in self.images] != list(range(len(self.images))):
            raise ValueError("the images of a plan must be numbered 0, 1, 2 …")
        return self

    def text(self) -> str:
        """Everything that the plan says, as one text: what the plan guard judges."""
        return "\n\n".join([self.intent, *(prompt_text(spec, self.style) for spec in self.images)])

    def public(self) -> dict[str, Any]:
        """The plan as JSON, for events and the run record."""
        return self.model_dump(mode="json")
