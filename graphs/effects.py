"""The effects of a run: each of the raw tools, wrapped by its guards."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from ..errors import SearchUnavailable
from ..safety.chain import EffectChain
from ..safety.content import Content, Stage, TextPart
from ..safety.guard import Cleared, Effect, guard
from ..tools.images.generator import DeclinedImage, GeneratedImage
from ..tools.source import Document, SearchHit
from .drawn import ImageJob, image_content, request_content
from .engraving import Engraving, VectorFile, VectorJob, vector_content, vector_request
from .generation import Generation, next_job
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

    name: str
    data: bytes = field(repr=False)


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
        self.read: Effect[SearchHit, Document] = guard(
            self._read,
            name="read",
            guard=services.guard,
            stage_in=Stage.TOOL_CALL,
            stage_out=Stage.TOOL_RESULT,
            content_in=lambda hit: Content.of_text(Stage.TOOL_CALL, hit.url, source="address", trusted=False),
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
        self.generate: EffectChain[ImageJob, GeneratedImage | DeclinedImage] = EffectChain(
            [
                guard(
                    Generation(services, generator),
                    name="generate",
                    guard=services.guard,
                    stage_in=Stage.GENERATOR_INPUT,
                    stage_out=Stage.GENERATOR_OUTPUT,
                    content_in=partial(request_content, generator=generator.name),
                    content_out=image_content,
                )
                for generator in (services.tools.generator, *services.tools.fallbacks)
            ],
            onward=next_job,
        )
        self.engrave: Effect[VectorJob, VectorFile] = guard(
            Engraving(services),
            name="engrave",
            guard=services.guard,
            stage_in=Stage.GENERATOR_INPUT,
            stage_out=Stage.GENERATOR_OUTPUT,
            content_in=vector_request,
            content_out=vector_content,
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

    async def _read(self, hit: SearchHit) -> Document:
        return await self._services.tools.read(hit)

    async def _open_file(self, job: FileJob) -> Document:
        return await self._services.tools.open_file(job.data, job.name)


def _hit_part(hit: SearchHit) -> TextPart:
    return TextPart(f"{hit.title}\n{hit.snippet}", source=f"result {hit.url}", trusted=False)


def _document_content(document: Document) -> Content:
    rows = "\n".join(" | ".join(row) for table in document.tables for row in table)
    text = "\n".join(part for part in (document.title, document.text, rows) if part)
    return Content(Stage.TOOL_RESULT, (TextPart(text, source=f"page {document.url}", trusted=False),))
