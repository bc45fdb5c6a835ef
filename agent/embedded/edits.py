"""Plans edits: each attached image is edited as the brief says, nothing else is touched."""

from __future__ import annotations

import re

from ...tools.images.spec import ImageSpec, Size
from ..brief import Brief
from .look import choose_size
from .reading import Reading
from .words import Lexicon
from .writing import tidy

__all__ = ["edit_specs", "edited", "followed_image", "is_follow_up"]

_MOST_WORDS = 30


def is_follow_up(brief: Brief, words: Lexicon) -> bool:
    """Whether the prompt speaks of what earlier turns made ("make it blue", "the same in German")."""
    earlier = any(turn.images for turn in brief.turns) or any(turn.role == "user" for turn in brief.turns)
    if not earlier or len(brief.prompt.split()) > _MOST_WORDS or not words.follow_ups:
        return False
    return words.find(words.follow_ups, brief.prompt) is not None


def followed_image(brief: Brief) -> str | None:
    """The last image of the conversation; None where there is none."""
    return next((turn.images[-1] for turn in reversed(brief.turns) if turn.images), None)


def edited(brief: Brief, words: Lexicon) -> tuple[str, ...]:
    """What the brief would have edited: its images, else the last one of the conversation that it speaks of."""
    targets = tuple(item.ref for item in brief.images)
    if not targets and is_follow_up(brief, words) and (last := followed_image(brief)):
        return (last,)
    return targets


def edit_specs(brief: Brief, reading: Reading, targets: tuple[str, ...], count: int) -> tuple[ImageSpec, ...]:
    """One spec an image to make: the targets in turn, each with the others as references.

    A mask applies to the first target only, as in the image editing APIs.
    """
    mask = next((item.ref for item in brief.attachments if item.kind == "mask"), None)
    instruction = tidy(brief.prompt)[:4000]
    texts = reading.texts
    specs = []
    for index in range(count):
        target = targets[index % len(targets)]
        title = texts[index % len(texts)] if texts else ""
        others = tuple(ref for ref in targets if ref != target)
        specs.append(
            ImageSpec(
                index=index,
                of=count,
                role="scene",
                prompt=f"Edit the given image and keep everything else as it is: {instruction}"
                + (f" (variation {index // len(targets) + 1})" if count > len(targets) else ""),
                title=title,
                subtitle=texts[1] if len(texts) > 1 and count == 1 else "",
                subject=reading.subject[:80],
                alt=tidy(
                    f"{re.sub(r'[.!]+$', '', instruction)[:160]} ({index + 1}/{count})"
                    if count > 1
                    else instruction[:200]
                ),
                language=reading.output,
                size=_size(brief, reading),
                references=others,
                edit_of=target,
                mask=mask if target == targets[0] else None,
                instruction=instruction,
            )
        )
    return tuple(specs)


def _size(brief: Brief, reading: Reading) -> Size:
    return choose_size(brief, reading.look, "scene", "scene")
