"""A reasoner, a generator and a search that answer from a script, and remember what they were asked."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Iterable, Mapping
from typing import Any

from PIL import Image

from ..agent.brief import Brief
from ..agent.plan import Plan
from ..agent.reasoner import Fact, Research, Rewrite, Think, Understanding
from ..errors import SearchUnavailable
from ..safety.policy import Policy
from ..tools.images.generator import Capabilities, DeclinedImage, GeneratedImage, ImageRequest, ShowPartial
from ..tools.images.spec import ImageSpec, StyleSheet
from ..tools.source import Document, SearchHit, Source

__all__ = ["ScriptedGenerator", "ScriptedReasoner", "ScriptedSearch"]


class ScriptedReasoner:
    """A reasoner that answers from a script, and remembers in `asked` which of its methods were called with what.

    What is not scripted is the plainest answer that fits: an understanding that repeats the prompt, no facts, a
    refusal to rewrite, and a plan of `brief.n` (or 1) scenes.
    """

    def __init__(
        self,
        *,
        understanding: Understanding | None = None,
        facts: tuple[Fact, ...] = (),
        sources: tuple[Source, ...] = (),
        rewrites: Iterable[Rewrite] = (),
        plan: Plan | None = None,
        thoughts: tuple[str, ...] = (),
        name: str = "scripted",
    ) -> None:
        self.name = name
        self.asked: list[tuple[str, Any]] = []
        self._understanding, self._plan, self._thoughts = understanding, plan, thoughts
        self._facts, self._sources = facts, sources
        self._rewrites = list(rewrites)

    async def understand(self, brief: Brief, think: Think) -> Understanding:
        self.asked.append(("understand", brief))
        for thought in self._thoughts:
            await think(thought)
        return self._understanding or Understanding(summary=brief.prompt, subject=brief.prompt, count=brief.n or 1)

    async def learn(
        self, understanding: Understanding, documents: tuple[Document, ...], think: Think
    ) -> tuple[tuple[Fact, ...], tuple[Source, ...]]:
        self.asked.append(("learn", documents))
        return self._facts, self._sources

    async def rewrite(self, text: str, policies: tuple[Policy, ...], evidence: tuple[str, ...]) -> Rewrite:
        self.asked.append(("rewrite", text))
        return self._rewrites.pop(0) if self._rewrites else Rewrite(prompt=None)

    async def plan(self, brief: Brief, understanding: Understanding, research: Research, think: Think) -> Plan:
        self.asked.append(("plan", brief))
        if self._plan is not None:
            return self._plan
        count = brief.n or understanding.count
        images = tuple(
            ImageSpec(index=index, of=count, prompt=f"{brief.prompt} ({index + 1} of {count})")
            for index in range(count)
        )
        return Plan(intent=understanding.summary, style=StyleSheet(seed=brief.seed), images=images)


class ScriptedGenerator:
    """A generator that makes plain PNGs, or follows a script of images, refusals and errors, and remembers its
    `requests`.

    Its own images are one flat color, drawn from prompt and seed, so that unlike requests give unlike bytes. Where it
    is asked to show previews it shows `previews` (PNG), with time between them for others to work.
    """

    def __init__(
        self,
        *script: GeneratedImage | DeclinedImage | Exception,
        capabilities: Capabilities | None = None,
        name: str = "scripted",
        algorithmic: bool = True,
        previews: Iterable[bytes] = (),
    ) -> None:
        self.name = name
        self.algorithmic = algorithmic
        self.previews = tuple(previews)
        self.capabilities = capabilities or Capabilities(edit=True, mask=True, references=True)
        self.requests: list[ImageRequest] = []
        self._script = list(script)

    async def generate_showing(self, request: ImageRequest, show: ShowPartial) -> GeneratedImage | DeclinedImage:
        for number, data in enumerate(self.previews):
            await show(number, data, "image/png")
            await asyncio.sleep(0.2)
        return await self.generate(request)

    async def generate(self, request: ImageRequest) -> GeneratedImage | DeclinedImage:
        self.requests.append(request)
        if not self._script:
            return self._flat(request)
        entry = self._script.pop(0)
        if isinstance(entry, Exception):
            raise entry
        return entry

    def _flat(self, request: ImageRequest) -> GeneratedImage:
        seed = hashlib.sha256(f"{request.spec.prompt}|{request.spec.index}|{request.seed}".encode()).digest()
        size = request.spec.size
        target = io.BytesIO()
        color = (seed[0], seed[1], seed[2])
        Image.new("RGB", (size.width, size.height), color).save(target, request.format.upper())
        return GeneratedImage(target.getvalue(), f"image/{request.format}", size.width, size.height, self.name)


class ScriptedSearch:
    """A search that answers from a table of queries (`default` for others), and remembers its `queries`.

    With `available=False` it fails as a search does when no provider answers.
    """

    def __init__(
        self,
        results: Mapping[str, tuple[SearchHit, ...]] | None = None,
        *,
        default: tuple[SearchHit, ...] = (),
        available: bool = True,
        name: str = "scripted",
    ) -> None:
        self.name = name
        self.queries: list[str] = []
        self._results, self._default, self._available = dict(results or {}), default, available

    async def search(self, query: str, limit: int = 6) -> tuple[SearchHit, ...]:
        self.queries.append(query)
        if not self._available:
            raise SearchUnavailable("No search provider answered: this search is scripted to be out of reach.")
        return self._results.get(query, self._default)[:limit]
