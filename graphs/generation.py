"""Calls one generator, once, ever, for one request in one run."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import Any

from ..errors import BadInput, GeneratorError, StoreError
from ..events import Warned
from ..services import Bill, current_bill
from ..store import Finished, Outcome, Started, Unknown
from ..tools.images.generator import DeclinedImage, GeneratedImage, ImageGenerator, StreamingGenerator
from .drawn import ImageJob
from .partials import PartialGate
from .services import Services

__all__ = ["Generation", "next_job"]

_EFFECT = "generate"


class Generation:
    """The callable behind the guards of one generator.

    The call is booked before it is made, and again when its image is safe in the store. After a kill a finished call
    is answered from the store; one whose end is unknown is sent again only where that costs nothing, or the user says
    so. That the generator itself declined is an end like another, and is not asked again.
    """

    __name__ = _EFFECT

    def __init__(self, services: Services, generator: ImageGenerator) -> None:
        self._services = services
        self._generator = generator

    async def __call__(self, job: ImageJob) -> GeneratedImage | DeclinedImage:
        """Raises GeneratorError, BadInput, or StoreError where the call cannot be booked: then it was not made."""
        generator, effects = self._generator, self._services.store.effects
        key = f"{generator.name}:{job.request.digest}"
        idempotent = generator.capabilities.idempotent
        beginning = asyncio.ensure_future(
            effects.begin(job.run_id, _EFFECT, key, idempotent=idempotent, force=job.repeat_unknown)
        )
        sent = asyncio.Event()
        try:
            state = await asyncio.shield(beginning)
            if isinstance(state, Finished):
                return await self._recall(state.result)
            if isinstance(state, Unknown):
                raise _unknown_end(job)
            return await self._called(job, key, sent)
        except asyncio.CancelledError:
            if not sent.is_set():
                await asyncio.shield(self._withdraw(job, key, beginning))
            raise

    async def _called(self, job: ImageJob, key: str, sent: asyncio.Event) -> GeneratedImage | DeclinedImage:
        """Call the generator, within the budget, and book what came of it."""
        await self._tell(job)
        bill = current_bill()
        try:
            if bill is not None and self._generator.capabilities.remote and not bill.allows():
                raise _spent(bill)
            return await self._made(job, key, sent)
        except (GeneratorError, BadInput) as error:
            if bill is not None and getattr(error, "charged", False) is not False:
                await bill.book("generator", self._generator.name, None)
            if not getattr(error, "unknown_end", False):  # otherwise it may have been done: the ledger says no more
                await self._services.store.effects.fail(job.run_id, _EFFECT, key, str(error))
            raise _with_earlier(error, job) from error.__cause__

    async def _made(self, job: ImageJob, key: str, sent: asyncio.Event) -> GeneratedImage | DeclinedImage:
        """What the generator gives. It is kept whoever is cancelled from then on: it may have been paid for."""
        generator, services = self._generator, self._services
        able = generator.capabilities
        turn = nullcontext() if able.remote or able.batch > 1 else services.generating
        async with turn:
            sent.set()
            if services.partial_images != "off" and isinstance(generator, StreamingGenerator):
                async with PartialGate(services, job) as gate:
                    made = await generator.generate_showing(job.request, gate.show)
                    return await asyncio.shield(self._keep(job, key, made))
            made = await generator.generate(job.request)
            return await asyncio.shield(self._keep(job, key, made))

    async def _keep(
        self, job: ImageJob, key: str, made: GeneratedImage | DeclinedImage
    ) -> GeneratedImage | DeclinedImage:
        """Book what the generator gave, and have its image safe in the store before that."""
        effects, generator, bill = self._services.store.effects, self._generator, current_bill()
        if isinstance(made, DeclinedImage):
            if bill is not None and made.stage != "input":  # it had made the image
                await bill.book("generator", made.model, None)
            await effects.finish(job.run_id, _EFFECT, key, {"declined": asdict(made)})
            return made
        taken_over = f"{job.failure} {generator.name} made this image in its place."
        notes = (*made.notes, taken_over) if job.failure else made.notes
        image = replace(made, algorithmic=generator.algorithmic, notes=notes)
        if bill is not None:  # before the image is kept: a kill in between must not hide what was paid
            free = not generator.capabilities.remote
            cost = image.cost if image.cost or free else None
            await bill.book("generator", image.model, {**image.usage, "images": 1}, cost=cost)
        ref = await self._services.store.keep(job.run_id, image.data)
        await effects.finish(job.run_id, _EFFECT, key, _booked(image, ref))
        return image

    async def _withdraw(self, job: ImageJob, key: str, beginning: asyncio.Future[Outcome]) -> None:
        """Take back the booking of a call that was cancelled before it was made. One that repeats a call whose end is
        unknown stays unknown."""
        if isinstance(await beginning, Started) and not job.repeat_unknown:
            await self._services.store.effects.fail(job.run_id, _EFFECT, key, "cancelled before it was sent")

    async def _tell(self, job: ImageJob) -> None:
        """Tell the run's listeners that another generator takes over."""
        if job.failure and (emitter := self._services.recorder.emitters.get(job.run_id)):
            image = job.request.spec.index + 1
            await emitter.emit(Warned, text=f"Image {image}: {job.failure} {self._generator.name} is asked instead.")

    async def _recall(self, booked: dict[str, Any]) -> GeneratedImage | DeclinedImage:
        if declined := booked.get("declined"):
            lists = {name: tuple(declined[name]) for name in ("categories", "policies")}
            return DeclinedImage(**{**declined, **lists})
        try:
            data = await self._services.store.blobs.get(booked["ref"])
        except StoreError as error:
            raise GeneratorError(f"The finished image {booked['ref'][:19]}… is no longer in the store.") from error
        lists = {name: tuple(booked[name]) for name in ("notes", "licences")}
        return GeneratedImage(data, **{name: value for name, value in booked.items() if name != "ref"} | lists)


def _unknown_end(job: ImageJob) -> GeneratorError:
    return GeneratorError(
        f"The call for image {job.request.spec.index + 1} was sent before the run was interrupted, and whether it was "
        "billed is unknown: it was not sent again. A run that is resumed with --repeat-unknown does.",
        code="unknown_end",
        kind="unknown_end",
        unknown_end=True,
    )


def _spent(bill: Bill) -> GeneratorError:
    return GeneratorError(
        f"The run has used up its budget of ${bill.limit:g}: no further image is made.",
        charged=False,
        code="budget",
        kind="budget",
    )


def next_job(job: ImageJob, error: Exception) -> ImageJob | None:
    """The job for the next generator after one that failed, or cannot serve such a request; None for anything else."""
    if not isinstance(error, GeneratorError | BadInput):
        return None
    return replace(job, failure=str(error))  # which says by itself what went before


def _with_earlier(error: GeneratorError | BadInput, job: ImageJob) -> GeneratorError | BadInput:
    """The error of a generator, preceded by why those before it made no image."""
    if not job.failure:
        return error
    return GeneratorError(
        f"{job.failure} {error}",
        retryable=getattr(error, "retryable", False),
        charged=getattr(error, "charged", False),
        code=getattr(error, "code", None),
        kind=getattr(error, "kind", "rejected"),
        unknown_end=getattr(error, "unknown_end", False),
    )


def _booked(image: GeneratedImage, ref: str) -> dict[str, Any]:
    return {
        "ref": ref,
        "media_type": image.media_type,
        "width": image.width,
        "height": image.height,
        "model": image.model,
        "version": image.version,
        "cost": image.cost,
        "notes": list(image.notes),
        "licences": list(image.licences),
        "usage": image.usage,
        "algorithmic": image.algorithmic,
    }
