"""A reasoner that needs no language model: it reads a brief by rules and plans by craft, and says so."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property

from ...safety.policy import Policy
from ...tools.ranking import rank_passages
from ...tools.source import Document, Source
from ..brief import Brief
from ..plan import Plan
from ..reasoner import Fact, Research, Rewrite, Think, Understanding
from .edits import edited, followed_image, is_follow_up
from .encoder import sentence_encoder
from .facts import Ranker, lift_facts
from .grouping import Encoder
from .outlines import family_of, find_outline
from .planning import make_plan
from .reading import Reading, read
from .replan import Recall
from .words import lexicon

__all__ = ["EmbeddedReasoner"]

_PRIVATE = re.compile(r"\S+@\S+|\d[\d\s().-]{6,}\d")
_LOOKED_UP = {"guide", "infographic", "timeline", "comparison", "diagram", "map", "poster", "chart", ""}
_DEFAULT_SERIES = 4


class EmbeddedReasoner:
    """Implements `Reasoner` without a model download, a key or a network.

    `clock` gives the time at which documents count as read (UTC). `encode` turns on the bundled sentence encoder
    where it is installed; without it everything works, with plainer matching. `recall` finds what an earlier image was
    drawn from; without it, edits are done on the pixels.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] | None = None,
        encode: bool = True,
        ranker: Ranker | None = None,
        recall: Recall | None = None,
    ) -> None:
        self._recall = recall
        self._clock = clock or (lambda: datetime.now(UTC))
        self._encode = encode
        self._ranker: Ranker = ranker or rank_passages

    @property
    def name(self) -> str:
        return "embedded"

    @cached_property
    def _encoder(self) -> Encoder | None:
        return sentence_encoder() if self._encode else None

    async def understand(self, brief: Brief, think: Think) -> Understanding:
        """The brief as rules read it; earlier turns supply the subject where the brief only points back."""
        reading, earlier = await asyncio.to_thread(_read_in_context, brief)
        understanding = _understanding(brief, reading)
        await think("I plan by rules, without a language model.")
        await think(understanding.summary)
        if earlier:
            await think("The request refers to the conversation, so I keep its subject.")
        for remark in _remarks(reading):
            await think(remark)
        return understanding

    async def learn(
        self, understanding: Understanding, documents: tuple[Document, ...], think: Think
    ) -> tuple[tuple[Fact, ...], tuple[Source, ...]]:
        """Short facts, lifted word for word out of the best passages."""
        if not documents:
            return (), ()
        facts, sources = await asyncio.to_thread(lift_facts, understanding, documents, self._ranker, self._clock())
        read = f"I read {_count(len(documents), 'document')}"
        lifted = f"{read} and lifted {_count(len(facts), 'short fact')}, each with its quote."
        await think(lifted if facts else f"{read} and found no statement on the subject that is worth quoting.")
        return facts, sources

    async def rewrite(self, text: str, policies: tuple[Policy, ...], evidence: tuple[str, ...]) -> Rewrite:
        """The nearest request that its policies allow, by the bundled lexicon; see `safelight.agent.rewrite`."""
        from ..rewrite import rewrite_text

        return await asyncio.to_thread(rewrite_text, text, policies, evidence)

    async def plan(self, brief: Brief, understanding: Understanding, research: Research, think: Think) -> Plan:
        """One story in `understanding.count` images. Deterministic for a seed."""
        encoder = await asyncio.to_thread(lambda: self._encoder) if research.facts else None
        earlier = None
        targets = edited(brief, lexicon(understanding.language)) if self._recall is not None else ()
        if self._recall is not None and len(targets) == 1:
            earlier = await self._recall(targets[0], brief.account)
        made = await asyncio.to_thread(make_plan, brief, understanding, research, encoder, earlier)
        if made.images[0].redraw:
            await think("I drew that image, so I change what it was drawn from and draw it again.")
        titles = " · ".join(spec.title or spec.role.replace("_", " ") for spec in made.images)
        await think(f"{_count(len(made.images), 'image')} in the {made.style.direction} style: {titles}.")
        return made


def _read_in_context(brief: Brief) -> tuple[Reading, bool]:
    reading = read(brief.prompt)
    if not brief.turns or not is_follow_up(brief, reading.lexicon):
        return reading, False
    earlier = next((turn.text for turn in reversed(brief.turns) if turn.role == "user" and turn.text.strip()), "")
    if not earlier:
        return reading, False
    before = read(earlier)
    merged = Reading(
        language=reading.language,
        output=reading.output if reading.output != reading.language else before.output,
        lexicon=before.lexicon,
        kind=reading.kind if reading.kind not in {"", "scene"} else before.kind,
        subject=before.subject,
        count=reading.count or before.count,
        entries=reading.entries or before.entries,
        plural=before.plural,
        series=before.series,
        audience=reading.audience or before.audience,
        audience_class=reading.audience_class or before.audience_class,
        modifiers=before.modifiers,
        details=before.details,
        texts=reading.texts or before.texts,
        points=reading.points or before.points,
        chained=before.chained,
        sides=before.sides,
        look=reading.look,
    )
    return merged, True


def _understanding(brief: Brief, reading: Reading) -> Understanding:
    count = _image_count(brief, reading)
    return Understanding(
        summary=_summary(reading, count, edit=brief.is_edit),
        language=reading.output,
        count=count,
        audience=reading.audience,
        tone=reading.look.tone,
        kind=reading.kind,
        subject=reading.subject,
        texts=reading.texts,
        points=tuple(point.text for point in reading.points),
        queries=() if brief.mode == "instant" or brief.is_edit else _queries(reading),
    )


def _image_count(brief: Brief, reading: Reading) -> int:
    """`brief.n` wins, then a number in the prompt, then what the kind of thing asks for."""
    if brief.n is not None:
        return brief.n
    if reading.count is not None:
        return max(1, min(reading.count, 8))
    if brief.is_edit:
        return min(len(brief.images), 8)
    if brief.mode == "instant" or (brief.turns and followed_image(brief) and is_follow_up(brief, reading.lexicon)):
        return 1
    if reading.kind == "comic":
        return 1  # a page of panels; a series of images where that is asked for
    if reading.series or (not reading.kind and _informative(reading)):
        told = len(reading.points) or reading.entries or _DEFAULT_SERIES
        return max(2, min(told, 8))
    return 3 if reading.plural else 1


def _summary(reading: Reading, count: int, *, edit: bool) -> str:
    what = "edit" if edit else {"": "picture", "scene": "picture"}.get(reading.kind, reading.kind)
    head = _count(count, what) if count == 1 else f"{count} images ({what})"
    about = f" about {reading.subject}" if reading.subject else ""
    audience = f", for {reading.audience}" if reading.audience else ""
    texts = f", with the text {'; '.join(f'“{text}”' for text in reading.texts[:4])}" if reading.texts else ""
    points = f", with {_count(len(reading.points), 'given entry', 'given entries')}" if reading.points else ""
    return f"{head}{about}{audience}{texts}{points}, in the language “{reading.output}”."


def _remarks(reading: Reading) -> list[str]:
    remarks = []
    if reading.points:
        remarks.append("The brief brings its own entries, so they are set as given.")
    elif find_outline(reading, reading.output) is not None:
        remarks.append("I have a general knowledge outline on this; sources, where they can be read, come on top.")
    elif family := family_of(reading):
        remarks.append(f"The theme is {family}.")
    return remarks


def _queries(reading: Reading) -> tuple[str, ...]:
    """What is worth looking up: the subject, and each side of a comparison. Nothing private leaves the machine."""
    if reading.kind not in _LOOKED_UP or not reading.subject or reading.points:
        return ()
    if family_of(reading) == "event" or (not reading.kind and not _informative(reading)):
        return ()
    queries = [reading.subject, *reading.sides]
    if reading.lexicon.code == "en" and not reading.sides:
        queries.append(f"{reading.subject} explained")
    return tuple(dict.fromkeys(query[:160] for query in queries if not _PRIVATE.search(query)))[:3]


def _informative(reading: Reading) -> bool:
    asks = reading.lexicon.explains
    return reading.subject.endswith(("?", "？", "؟")) or bool(asks and reading.lexicon.find(asks, reading.subject))


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
