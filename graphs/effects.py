"""The effects of a run: each of the raw tools, wrapped by its guards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..errors import GeneratorError, SearchUnavailable, StoreError
from ..safety.content import Content, ImagePart, Part, Stage, TextPart
from ..safety.guard import Cleared, Effect, guard
from ..store import Finished, Unknown
from ..tools.images.generator import GeneratedImage, ImageRequest
from ..tools.images.spec import prompt_text
from ..tools.source import Document, SearchHit
from .services import Services

__all__ = ["Effects", "FileJob", "ImageJob", "Query", "image_content", "request_content"]


@dataclass(frozen=True)
class Query:
    """One search."""

    run_id: str
    text: str
    limit: int = 6


@dataclass(frozen=True)
class FileJob:
    """One attached file, by its bytes and its name."""

    run_id: str
    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class ImageJob:
    """One generator call. `intent` is our own summary of what the set is for; `repeat_unknown` as in `RunContext`."""

    run_id: str
    request: ImageRequest
    intent: str = ""
    repeat_unknown: bool = False


class Effects:
    """The guarded tools of one process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.search: Effect[Query, tuple[SearchHit, ...]] = guard(
            self._search,
            name="search",
            guard=services.guard,
            stage_in=Stage.TOOL_CALL,
            stage_out=Stage.TOOL_RESULT,
            content_in=lambda query: Content.of_text(Stage.TOOL_CALL, query.text, source="query"),
            content_out=lambda hits, _: Content(Stage.TOOL_RESULT, tuple(_hit_part(hit) for hit in hits)),
        )
        self.read: Effect[tuple[str, SearchHit], Document] = guard(
            self._read,
            name="read",
            guard=services.guard,
            stage_in=Stage.TOOL_CALL,
            stage_out=Stage.TOOL_RESULT,
            content_in=lambda job: Content.of_text(Stage.TOOL_CALL, job[1].url, source="address", trusted=False),
            content_out=lambda document, _: _document_content(document),
        )
        self.open_file: Effect[FileJob, Document] = guard(
            self._open_file,
            name="open_file",
            guard=services.guard,
            stage_in=Stage.TOOL_CALL,
            stage_out=Stage.TOOL_RESULT,
            content_in=lambda job: Content.of_text(Stage.TOOL_CALL, job.name, source="file name", trusted=False),
            content_out=lambda document, _: _document_content(document),
        )
        self.generate: Effect[ImageJob, GeneratedImage] = guard(
            self._generate,
            name="generate",
            guard=services.guard,
            stage_in=Stage.GENERATOR_INPUT,
            stage_out=Stage.GENERATOR_OUTPUT,
            content_in=request_content,
            content_out=image_content,
        )

    async def _search(self, query: Query) -> tuple[SearchHit, ...]:
        """Search, and sift: one poisoned result is dropped by itself instead of sinking its neighbors."""
        search = self._services.tools.search
        if search is None:
            raise SearchUnavailable("No search provider is configured.")
        hits = await search(query.text, query.limit)
        kept = []
        for hit in hits:
            content = Content(Stage.TOOL_RESULT, (_hit_part(hit),))
            if isinstance(await self._services.guard.check(content, run_id=query.run_id), Cleared):
                kept.append(hit)
        return tuple(kept)

    async def _read(self, job: tuple[str, SearchHit]) -> Document:
        return await self._services.tools.read(job[1])

    async def _open_file(self, job: FileJob) -> Document:
        return await self._services.tools.open_file(job.data, job.name)

    async def _generate(self, job: ImageJob) -> GeneratedImage:
        """Call the generator once, ever, for this request in this run.

        The call is booked before it is made and again when its image is safe in the store. After a kill a finished
        call is answered from the store; one whose end is unknown is sent again only where that costs nothing.
        """
        services, generator = self._services, self._services.tools.generator
        effects, key = services.store.effects, f"{generator.name}:{job.request.digest}"
        state = await effects.begin(
            job.run_id, "generate", key, idempotent=generator.capabilities.idempotent, force=job.repeat_unknown
        )
        if isinstance(state, Finished):
            return await self._recall(state.result)
        if isinstance(state, Unknown):
            raise GeneratorError(
                f"The call for image {job.request.spec.index + 1} was sent before the run was interrupted, and whether "
                "it was billed is unknown. Resume with --repeat-unknown to send it again.",
                code="unknown_end",
            )
        try:
            async with services.generating:
                image = await generator.generate(job.request)
        except GeneratorError as error:
            await effects.fail(job.run_id, "generate", key, str(error))
            raise
        ref = await services.store.keep(job.run_id, image.data)
        await effects.finish(job.run_id, "generate", key, _booked(image, ref))
        return image

    async def _recall(self, booked: dict[str, Any]) -> GeneratedImage:
        try:
            data = await self._services.store.blobs.get(booked["ref"])
        except StoreError as error:
            raise GeneratorError(f"The finished image {booked['ref'][:19]}… is no longer in the store.") from error
        rest = {name: value for name, value in booked.items() if name != "ref"}
        return GeneratedImage(
            data=data, **{**rest, "notes": tuple(booked["notes"]), "licences": tuple(booked["licences"])}
        )


def _booked(image: GeneratedImage, ref: str) -> dict[str, Any]:
    return {
        "ref": ref,
        "media_type": image.media_type,
        "width": image.width,
        "height": image.height,
        "model": image.model,
        "cost": image.cost,
        "notes": list(image.notes),
        "licences": list(image.licences),
    }


def _hit_part(hit: SearchHit) -> TextPart:
    return TextPart(f"{hit.title}\n{hit.snippet}", source=f"result {hit.url}", trusted=False)


def _document_content(document: Document) -> Content:
    rows = "\n".join(" | ".join(row) for table in document.tables for row in table)
    text = "\n".join(part for part in (document.title, document.text, rows) if part)
    return Content(Stage.TOOL_RESULT, (TextPart(text, source=f"page {document.url}", trusted=False),))


def request_content(job: ImageJob) -> Content:
    """What the generator gets: every word of it, the images that it refers to, and the digest of the whole request.

    The digest says nothing to a moderator; it binds the clearance to the rest of the request (sizes, colors, figures).
    """
    request = job.request
    images: tuple[Part, ...] = tuple(ImagePart(data, source="reference") for _, data in sorted(request.images.items()))
    text = TextPart(prompt_text(request.spec, request.style), source="generator prompt")
    whole = TextPart(f"request {request.digest}", source="digest")
    return Content(Stage.GENERATOR_INPUT, (text, whole, *images), context=_intent(job))


def image_content(image: GeneratedImage, job: ImageJob) -> Content:
    """The image as it came; beside it our own intent and the text that was to be set, never the user's adjectives."""
    parents = tuple(ImagePart(data, source="parent") for _, data in sorted(job.request.images.items()))
    wanted = TextPart("\n".join(job.request.spec.texts()), source="text to set")
    part = ImagePart(image.data, image.media_type, source="output")
    return Content(Stage.GENERATOR_OUTPUT, (part,), context=(wanted, *_intent(job), *parents))


def _intent(job: ImageJob) -> tuple[Part, ...]:
    return (TextPart(job.intent, source="intent"),) if job.intent else ()
