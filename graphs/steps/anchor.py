"""Which image of a set goes first, so that the others can be made to look like it."""

from __future__ import annotations

from ...agent.plan import Plan
from ...tools.images.generator import ImageGenerator
from ...tools.images.spec import ImageSpec

__all__ = ["anchor_of", "subjects_of"]


def anchor_of(made: Plan, generator: ImageGenerator) -> int | None:
    """The image that goes first and then serves the others as a reference: the first that shows a subject which
    others show too. None where nothing recurs, or the generator is no image model that takes references."""
    if generator.algorithmic or not generator.capabilities.references:
        return None
    shown = [subjects_of(spec, made) for spec in made.images]
    for index, subjects in enumerate(shown):
        if any(subjects & others for place, others in enumerate(shown) if place != index):
            return None if made.images[index].edit_of else index
    return None


def subjects_of(spec: ImageSpec, made: Plan) -> set[str]:
    """The recurring subjects that an image shows: by their ids, which stand in its prompt."""
    return {name for name in made.style.subjects if name in spec.prompt}
