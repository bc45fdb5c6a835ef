"""Runs an evaluation: every case, in every mode, under every attack; kept as it goes, resumed where it was killed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image, ImageFilter

from ..errors import BadInput
from .attacks import ATTACKS, attack
from .cases import Case
from .grader import Jury
from .image_attacks import IMAGE_ATTACKS, attack_image
from .record import PLAIN, Graded, Mode, Record, Spent, key_of
from .results import Results
from .shadow import Exposed, Shadow, Shot
from .texts import Texts

__all__ = ["Job", "Work", "attack_names", "blurred", "evaluate", "jobs", "shard_of"]

_THUMBNAIL = 64  # pixels
_BLUR = 5.0  # pixels of radius, on the thumbnail: shapes and colors are left, words and faces are not


@dataclass(frozen=True)
class Job:
    """One case in one mode under one attack (of the prompt, or of the image; `plain` for none)."""

    case: Case
    mode: Mode
    attack: str = PLAIN

    @property
    def key(self) -> str:
        return key_of(self.case.id, self.mode, self.attack)


@dataclass(frozen=True)
class Work:
    """What an evaluation works with. `at_once` cases are exposed at a time: that bounds memory (one image each), and
    only 1 gives exact CPU seconds. `texts` keeps what images said, for another grader (`regrade`)."""

    shadow: Shadow
    jury: Jury
    seed: int = 0
    at_once: int = 1
    texts: Texts | None = None

    def describe(self, cases: Sequence[Case]) -> dict[str, Any]:
        """What must be equal for records to stand in one table, beside the case itself, its mode and its attack."""
        digest = hashlib.sha256()
        for case in cases:
            digest.update(hashlib.sha256(case.model_dump_json().encode()).digest())
        return {**self.shadow.describes, "grader": self.jury.name, "seed": self.seed, "cases": digest.hexdigest()}


def attack_names() -> tuple[str, ...]:
    """Every attack by name: those of prompts, then those of images (`image:…`)."""
    return (*sorted(ATTACKS), *(f"image:{name}" for name in sorted(IMAGE_ATTACKS)))


def jobs(cases: Sequence[Case], modes: Sequence[Mode], attacks: Sequence[str] = ()) -> list[Job]:
    """Everything to do, case by case: plain first, then each attack; duplicates once.

    Raises:
        BadInput: an attack does not exist; the message lists those that do.
    """
    if unknown := sorted(set(attacks) - {*attack_names(), PLAIN}):
        raise BadInput(f"There is no attack {', '.join(unknown)}. There are: {', '.join(attack_names())}.")
    under = tuple(dict.fromkeys((PLAIN, *attacks)))
    return [Job(case, mode, name) for case in cases for name in under for mode in dict.fromkeys(modes)]


def shard_of(due: Sequence[Job], shard: int, shards: int) -> list[Job]:
    """The jobs of the `shard`-th (from 1) of `shards` processes: every case whole, dealt out in turn.

    Raises:
        BadInput: there is no such shard.
    """
    if not 1 <= shard <= shards:
        raise BadInput(f"There is no shard {shard} of {shards}: they are 1/{shards} to {shards}/{shards}.")
    places = {case_id: place for place, case_id in enumerate(dict.fromkeys(job.case.id for job in due))}
    return [job for job in due if places[job.case.id] % shards == shard - 1]


async def evaluate(
    due: Sequence[Job],
    work: Work,
    folder: Path,
    description: dict[str, Any],
    *,
    known: Callable[[int], None] = lambda _: None,
    done: Callable[[Record], None] = lambda _: None,
) -> int:
    """Do what is not yet recorded in `folder`, and return how many records are new.

    `known` hears first how many were there already, `done` then of every record as it is kept. Stop it at any point, by
    a kill too, and call it again: whatever was recorded is not made anew.

    Raises:
        BadInput, BadFile: the folder holds something else, as in `Results`.
    """
    made = 0
    results = Results(folder, description)
    left = [job for job in due if job.key not in results.done]
    known(len(due) - len(left))
    for batch in _batches(left, work.at_once):
        # In order, so that what is on the disk is always a prefix of the work.
        for record in await asyncio.gather(*(_record(job, work) for job in batch)):
            await asyncio.to_thread(results.add, record)
            done(record)
            made += 1
    return made


async def _record(job: Job, work: Work) -> Record:
    """Expose one case, and grade what came of it."""
    prompt, disturb, seed = job.case.prompt, None, _seed(job, work.seed)
    if job.attack in ATTACKS:
        prompt = attack(job.attack, prompt, seed=seed)
    elif job.attack != PLAIN:
        name = job.attack.removeprefix("image:")

        def disturb(data: bytes) -> bytes:
            return attack_image(name, data, seed=seed)

    exposed = await work.shadow.expose(prompt, job.mode, seed=seed, disturb=disturb)
    wall, cpu = time.perf_counter(), time.process_time()
    images = [await _graded(shot, work) for shot in exposed.shots]
    grading = Spent(seconds=round(time.perf_counter() - wall, 5), cpu=round(time.process_time() - cpu, 5))
    return _told(job, exposed, tuple(images), grading)


def _told(job: Job, exposed: Exposed, images: tuple[Graded, ...], grading: Spent) -> Record:
    case = job.case
    return Record(
        id=case.id,
        mode=job.mode,
        attack=job.attack,
        label=case.label,
        category=case.category,
        lang=case.lang,
        near=case.near,
        rewritten=exposed.rewritten,
        prompt=exposed.prompt,
        image=exposed.image,
        images=images,
        spent={**exposed.spent, "grade": grading},
        error=exposed.error,
    )


async def _graded(shot: Shot, work: Work) -> Graded:
    """The grader sees the image as it was drawn: an attack disguises it from the monitor, not from a person."""
    digest = hashlib.sha256(shot.data).hexdigest()
    said = await work.jury.said(shot.data, shot.texts)
    if work.texts is not None:
        await asyncio.to_thread(work.texts.add, digest, said)
    grade = await work.jury.judged(shot.data, said, shot.intent)
    return Graded(
        sha256=digest,
        caught=shot.caught,
        violating=grade.violating,
        votes=(grade.violating_votes, grade.harmless_votes, grade.failed_votes),
        letters=grade.letters,
        thumbnail=await asyncio.to_thread(blurred, shot.data) if grade.violating else "",
    )


def blurred(data: bytes) -> str:
    """A JPEG of at most 64 x 64 pixels as base64, blurred until nothing in it can be read."""
    with Image.open(io.BytesIO(data)) as image:
        small = image.convert("RGB")
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    out = io.BytesIO()
    small.filter(ImageFilter.GaussianBlur(_BLUR)).save(out, "JPEG", quality=60)
    return base64.b64encode(out.getvalue()).decode()


def _seed(job: Job, seed: int) -> int:
    """A seed of the case's own, so that cases do not share one disguise, nor those without words one picture."""
    return random.Random(f"{seed}:{job.case.id}").getrandbits(31)  # noqa: S311 (reproducible, and no secret)


def _batches(items: Iterable[Job], size: int) -> Iterator[list[Job]]:
    left = iter(items)
    while batch := list(islice(left, max(1, size))):
        yield batch
