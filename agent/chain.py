"""Reasoners in the order of preference: the next one thinks where one cannot, and the user is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from ..errors import ReasonerError
from ..safety.policy import Policy
from ..tools.images.spec import ImageSpec, StyleSheet
from ..tools.source import Document, Source
from .brief import Brief
from .plan import Plan
from .reasoner import Fact, Inquirer, Reasoner, Research, Review, Reviewer, Rewrite, Think, Understanding

__all__ = ["DECLINED", "ReasonerChain"]

T = TypeVar("T")
Warn = Callable[[str], Awaitable[None]]

DECLINED = frozenset({"refused", "blocked"})
"""A model that declined a request has judged it: nobody else is asked to work on what it would not."""


class ReasonerChain:
    """Asks each reasoner in turn. `warn` is told, in words for the user, whenever another one steps in.

    What only a model can do (to say what else to look up, to look at an image) is left out where it fails.
    """

    def __init__(self, reasoners: Sequence[Reasoner], warn: Warn) -> None:
        self._reasoners = tuple(reasoners)
        self._warn = warn

    @property
    def name(self) -> str:
        return ", else ".join(reasoner.name for reasoner in self._reasoners)

    @property
    def can_review(self) -> bool:
        """Whether the first choice can look at images."""
        return isinstance(self._reasoners[0], Reviewer)

    @property
    def can_inquire(self) -> bool:
        """Whether the first choice can say if enough was looked up."""
        return isinstance(self._reasoners[0], Inquirer)

    async def understand(self, brief: Brief, think: Think) -> Understanding:
        return await self._first(lambda reasoner: reasoner.understand(brief, think))

    async def learn(
        self, understanding: Understanding, documents: tuple[Document, ...], think: Think
    ) -> tuple[tuple[Fact, ...], tuple[Source, ...]]:
        return await self._first(lambda reasoner: reasoner.learn(understanding, documents, think))

    async def rewrite(self, text: str, policies: tuple[Policy, ...], evidence: tuple[str, ...]) -> Rewrite:
        """As whoever can says; one who declined says that nothing legitimate is left."""
        try:
            return await self._first(lambda reasoner: reasoner.rewrite(text, policies, evidence))
        except ReasonerError as error:
            if error.kind not in DECLINED:
                raise
            return Rewrite(prompt=None)

    async def plan(self, brief: Brief, understanding: Understanding, research: Research, think: Think) -> Plan:
        return await self._first(lambda reasoner: reasoner.plan(brief, understanding, research, think))

    async def deepen(
        self, understanding: Understanding, facts: tuple[Fact, ...], asked: tuple[str, ...], most: int
    ) -> tuple[str, ...]:
        """What else to look up; nothing where the first choice has no such judgment, or fails."""
        first = self._reasoners[0]
        if not isinstance(first, Inquirer):
            return ()
        try:
            return await first.deepen(understanding, facts, asked, most)
        except ReasonerError as error:
            await self._warn(f"Nothing more was looked up: {error}")
            return ()

    async def review(self, image: bytes, spec: ImageSpec, style: StyleSheet) -> Review:
        """Unlooked-at where the first choice cannot see, or fails: whether an image is safe is not asked here."""
        first = self._reasoners[0]
        if not isinstance(first, Reviewer):
            return Review(fits=True, looked=False)
        try:
            return await first.review(image, spec, style)
        except ReasonerError as error:
            await self._warn(f"Image {spec.index + 1} was not compared with its plan: {error}")
            return Review(fits=True, looked=False)

    async def _first(self, ask: Callable[[Reasoner], Awaitable[T]]) -> T:
        for reasoner, after in zip(self._reasoners, (*self._reasoners[1:], None), strict=True):
            try:
                return await ask(reasoner)
            except ReasonerError as error:
                if after is None or error.kind in DECLINED:
                    raise
                await self._warn(f"{error} The {after.name} reasoner takes over.")
        raise ReasonerError("No reasoner is configured.", kind="unreachable")
