"""A language model as reasoner: structured answers to constant instructions, over data that it may cite, never obey."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from ...errors import ReasonerError, SafelightError
from ...safety.policy import Policy
from ...services import Service
from ...tools.images.spec import ImageSpec, StyleSheet, prompt_text
from ...tools.source import Document, Source
from ..brief import Brief
from ..plan import Plan
from ..prompts import prompt, version
from ..reasoner import Fact, Research, Review, Rewrite, Think, Understanding
from .answers import Further, Judged, Lifted, LiftedFact, Planned, Reworded, Understood
from .asking import Model
from .drafting import draft, misfits
from .parts import brief_parts, data_part, document_parts, new_mark, research_parts, understanding_part, view
from .quoting import checked_facts
from .wire import Question

__all__ = ["ModelReasoner"]

Open = Callable[[str], Awaitable[bytes]]
"""Gives the bytes behind a blob reference."""

_MOST_FACTS_A_DOCUMENT = 6
_ABOUT_THE_DOCUMENT = frozenset({"refused", "blocked", "invalid", "incomplete"})


class ModelReasoner:
    """Implements `Reasoner`, `Inquirer` and `Reviewer` with one model of one service.

    `open_image` lets it see the images of a brief; without it, it reads only. `effort` is the service's own word for
    how long to think, `most_tokens` limits one answer with the thinking before it. Documents are read one a question
    and side by side: none can speak about another, and the planner is given facts, never the documents.
    """

    def __init__(
        self,
        service: Service,
        model: str,
        *,
        open_image: Open | None = None,
        effort: str | None = None,
        most_tokens: int = 16_384,
        identify: Callable[[str], str] = lambda _account: "",
        mark: Callable[[], str] = new_mark,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.model = Model(service, model, most_tokens=most_tokens)
        self._open_image = open_image
        self._effort = effort
        self._identify = identify
        self._mark = mark
        self._clock = clock

    @property
    def name(self) -> str:
        """Model and version of its instructions: what the ledger says who thought."""
        return f"openai:{self.model.name} (prompts {version()})"

    async def understand(self, brief: Brief, think: Think) -> Understanding:
        """The brief as the model reads it. A number, and what the brief fixes, are the brief's."""
        found = await self.model.ask(
            self._question(
                "understand",
                parts=brief_parts(brief, self._mark()),
                images=await self._images(brief),
                answer=Understood,
                summarize=True,
                account=self._identify(brief.account),
            ),
            Understood,
            show=think,
        )
        await think(found.summary)
        spoken = " ".join([brief.prompt, *(turn.text for turn in brief.turns if turn.role == "user")])
        asks = not brief.is_edit and brief.mode == "thinking"
        return Understanding(
            summary=found.summary,
            language=_language(found.language),
            count=brief.n or found.count,
            audience=found.audience[:80],
            tone=found.tone[:80],
            kind=found.kind[:40],
            subject=found.subject[:200],
            # "Verbatim" is checkable: what the request does not say, it cannot want set word for word.
            texts=tuple(text for text in found.texts if _stands_in(text, spoken)),
            points=tuple(point[:300] for point in found.points),
            queries=tuple(dict.fromkeys(query[:160] for query in found.queries if query.strip())) if asks else (),
        )

    async def learn(
        self, understanding: Understanding, documents: tuple[Document, ...], think: Think
    ) -> tuple[tuple[Fact, ...], tuple[Source, ...]]:
        """Facts from each document, whose quotes stand there word for word. Raises ReasonerError."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._lift(understanding, document)) for document in documents]
        except* ReasonerError as several:
            raise several.exceptions[0] from None
        lifted = [(document, fact) for document, task in zip(documents, tasks, strict=True) for fact in task.result()]
        facts, sources = checked_facts(lifted, self._clock())
        if documents:
            await think(
                f"Documents read: {len(documents)}. Facts that their words bear out: {len(facts)} of {len(lifted)}."
            )
        return facts, sources

    async def _lift(self, understanding: Understanding, document: Document) -> list[LiftedFact]:
        mark = self._mark()
        wanted = {
            "subject": understanding.subject or understanding.summary,
            "language": understanding.language,
            "most": _MOST_FACTS_A_DOCUMENT,
        }
        question = self._question(
            "learn",
            parts=(data_part("what is wanted", wanted, mark), *document_parts(document, mark)),
            answer=Lifted,
        )
        try:
            answer = await self.model.ask(question, Lifted)
        except ReasonerError as error:
            if error.kind not in _ABOUT_THE_DOCUMENT:
                raise
            return []  # a document that the model chokes on is one that nothing is known from
        return answer.facts[:_MOST_FACTS_A_DOCUMENT]

    async def deepen(
        self, understanding: Understanding, facts: tuple[Fact, ...], asked: tuple[str, ...], most: int
    ) -> tuple[str, ...]:
        """What is still worth looking up, at most `most` queries that were not asked. Raises ReasonerError."""
        mark = self._mark()
        found = [{"text": fact.text, "source": fact.source} for fact in facts]
        answer = await self.model.ask(
            self._question(
                "deepen",
                parts=(
                    understanding_part(understanding, mark),
                    data_part("facts found so far", found, mark),
                    data_part("queries asked", {"queries": list(asked), "most": most}, mark),
                ),
                answer=Further,
            ),
            Further,
        )
        known = {query.casefold().strip() for query in asked}
        return tuple(query[:160] for query in answer.queries if query.casefold().strip() not in known)[:most]

    async def rewrite(self, text: str, policies: tuple[Policy, ...], evidence: tuple[str, ...]) -> Rewrite:
        """The nearest request that the policies allow. Whoever asks judges it anew. Raises ReasonerError."""
        mark = self._mark()
        rules = [{"policy": policy.id, "title": policy.title, "text": policy.text} for policy in policies]
        answer = await self.model.ask(
            self._question(
                "rewrite",
                parts=(
                    data_part("policies", rules, mark),
                    data_part("request", text, mark),
                    data_part("passages found in it", list(evidence), mark),
                ),
                answer=Reworded,
            ),
            Reworded,
        )
        wanted = answer.prompt.strip()
        return Rewrite(
            prompt=wanted if answer.possible and wanted else None,
            changes=tuple(change[:300] for change in answer.changes),
            offer=tuple(offer[:160] for offer in answer.offer[:3]),
        )

    async def plan(self, brief: Brief, understanding: Understanding, research: Research, think: Think) -> Plan:
        """The set, checked against the brief: asked for once more where it does not fit, then put right by code.

        Raises:
            ReasonerError: no plan, or one that cannot be put right.
        """
        mark = self._mark()
        asked_again = False

        def check(planned: Planned) -> None:
            nonlocal asked_again
            wrong = misfits(planned, brief, understanding)
            if wrong and not asked_again:
                asked_again = True
                raise ValueError(wrong)
            draft(planned, brief, understanding, research)

        planned = await self.model.ask(
            self._question(
                "plan",
                parts=(
                    *brief_parts(brief, mark),
                    understanding_part(understanding, mark),
                    *research_parts(research, mark),
                ),
                images=await self._images(brief),
                answer=Planned,
                summarize=True,
                account=self._identify(brief.account),
            ),
            Planned,
            show=think,
            check=check,
        )
        return draft(planned, brief, understanding, research)

    async def review(self, image: bytes, spec: ImageSpec, style: StyleSheet) -> Review:
        """Whether a cleared image is what was planned. Raises ReasonerError, and BadImage where it does not decode."""
        if not self.model.ability.vision:
            return Review(fits=True, looked=False)
        question = self._question(
            "review",
            parts=(data_part("what was planned", prompt_text(spec, style), self._mark()),),
            images=(await asyncio.to_thread(view, image),),
            answer=Judged,
            needs_sight=True,
        )
        try:
            answer = await self.model.ask(question, Judged)
        except ReasonerError:
            if self.model.ability.vision:
                raise
            return Review(fits=True, looked=False)  # it has just turned out to be blind
        return Review(
            fits=answer.fits or not answer.prompt.strip(),
            problems=tuple(problem[:300] for problem in answer.problems),
            prompt=answer.prompt.strip(),
        )

    def _question(self, task: str, *, parts: tuple[str, ...], answer: type[BaseModel], **options: Any) -> Question:
        return Question(
            task=task,
            instructions=prompt(task),
            parts=parts,
            answer=answer,
            effort=self._effort,
            cache_key=f"safelight-{task}-{version()}",
            **options,
        )

    async def _images(self, brief: Brief) -> tuple[bytes, ...]:
        """What the brief shows: its images, else the last ones of the conversation."""
        refs = [item.ref for item in brief.images]
        if not refs:
            refs = next((list(turn.images) for turn in reversed(brief.turns) if turn.images), [])
        if self._open_image is None or not self.model.ability.vision:
            return ()
        seen = []
        for ref in refs[:4]:
            try:
                seen.append(await asyncio.to_thread(view, await self._open_image(ref)))
            except SafelightError:  # gone from the store, or undecodable: whoever needs it says so
                continue
        return tuple(seen)


def _language(said: str) -> str:
    """ISO 639-1, whatever form of a language tag the model used; English where it is none."""
    match = re.match(r"[a-z]{2}(?![a-z])", said.strip().lower())
    return match[0] if match else "en"


def _stands_in(text: str, request: str) -> bool:
    return bool(text.strip()) and " ".join(text.split()).casefold() in " ".join(request.split()).casefold()
