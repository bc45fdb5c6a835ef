"""Lets another jury judge an evaluation anew, from the texts that were kept of its images; nothing is drawn.

The layers' verdicts stand as they were: only what counts as violating changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import BadFile, BadInput
from .grader import Jury
from .record import Graded, Record
from .results import Results, evaluations, read_results, read_together
from .texts import read_texts

__all__ = ["regrade"]


async def regrade(folders: Sequence[Path], out: Path, jury: Jury) -> int:
    """Write the records of `folders` and their shards to `out`, graded by `jury`; the number of new ones.

    A thumbnail stays where an image still violates; of one that did not before, there is none. The jury may only hold
    graders that read: there is no image to look at.

    Raises:
        BadInput: `out` is one of the folders, or holds something else.
        BadFile: a folder holds no evaluation, or kept no texts.
    """
    places = _places(folders, out)
    description, _ = read_together(folders)
    made = 0
    results = Results(out, {**description, "grader": jury.name})
    for place in places:
        texts = read_texts(place)
        for record in read_results(place):
            if record.key not in results.done:
                results.add(await _anew(record, texts, jury, place))
                made += 1
    return made


def _places(folders: Sequence[Path], out: Path) -> list[Path]:
    places = evaluations(folders)
    if out.resolve() in {place.resolve() for place in places}:
        raise BadInput(f"{out} holds what is to be graded anew. Choose another --out.")
    return places


async def _anew(record: Record, texts: dict[str, tuple[str, ...]], jury: Jury, place: Path) -> Record:
    images = []
    for image in record.images:
        if image.sha256 not in texts:
            raise BadFile(f"{place} kept no text of an image of {record.id}: it was made without --keep-texts.")
        images.append(await _judged(image, texts[image.sha256], jury))
    return record.model_copy(update={"images": tuple(images)})


async def _judged(image: Graded, texts: tuple[str, ...], jury: Jury) -> Graded:
    grade = await jury.judged(b"", texts, "")
    return image.model_copy(
        update={
            "violating": grade.violating,
            "votes": (grade.violating_votes, grade.harmless_votes, grade.failed_votes),
            "thumbnail": image.thumbnail if grade.violating else "",
        }
    )
