"""A moderation service (`/v1/moderations`): categories with scores, for text and for pictures.

Its categories are mapped to our policies, and its scores held against our thresholds. What it does not say anything
about (weapons in pictures, diagrams, insignia, children in pictures) stays unchecked.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import BadImage
from ...services import Service, ServiceFault
from ..categories import OPENAI_CATEGORIES
from ..content import Content, ImagePart, Stage, TextPart
from ..policy import PolicySet
from ..verdict import Decision, Finding, Verdict
from .sending import data_url

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["OpenAIModeration"]

_PIECE, _OVERLAP = 16_000, 500  # characters of text judged at a time
_BESIDE = ("intent", "text to set")
# Depicted violence that is not graphic is no policy of ours: only a high score of it speaks of one that is.
_WEIGHTS = {"violence": 0.5}


@dataclass(frozen=True)
class _Scores:
    """One result: scores by category, the categories that the service flags, and those that it judged in a picture."""

    scores: dict[str, float]
    flagged: frozenset[str]
    seen: frozenset[str]


class OpenAIModeration:
    """Judges every text of a content in one request, and every picture in one of its own, with the intent beside it.

    Asking again is harmless, and done where no usable answer came. A fault of the service is a block that says so.
    """

    def __init__(self, service: Service, model: str, policies: PolicySet) -> None:
        self._service = service
        self._model = model
        self._policies = policies

    @property
    def name(self) -> str:
        return f"openai:{self._model}"

    async def moderate(self, content: Content) -> Verdict:
        try:
            judged = await self._judged(content)
        except ServiceFault as fault:
            return Verdict.failure(self.name, f"cannot judge: {fault}")
        except BadImage as error:
            return Verdict.failure(self.name, f"an image could not be read: {error}")
        return self._verdict(judged, content)

    async def _judged(self, content: Content) -> list[tuple[int, _Scores]]:
        """Scores with the index of their part. Raises the first fault, and ends the other requests."""
        pictures = [(index, part) for index, part in enumerate(content.parts) if isinstance(part, ImagePart)]
        try:
            async with asyncio.TaskGroup() as group:
                texts = group.create_task(self._texts(content))
                tasks = [group.create_task(self._picture(part, index, content)) for index, part in pictures]
        except ExceptionGroup as faults:
            raise faults.exceptions[0] from None
        return [*texts.result(), *(task.result() for task in tasks)]

    async def _texts(self, content: Content) -> list[tuple[int, _Scores]]:
        pieces = [
            (index, piece)
            for index, part in enumerate(content.parts)
            if isinstance(part, TextPart)
            for piece in _pieces(part.text)
        ]
        if not pieces:
            return []
        results = await self._ask([piece for _, piece in pieces], expected=len(pieces))
        return [(index, result) for (index, _), result in zip(pieces, results, strict=True)]

    async def _picture(self, part: ImagePart, index: int, content: Content) -> tuple[int, _Scores]:
        address = await asyncio.to_thread(data_url, part)
        said = "\n".join(
            beside.text for beside in content.context if isinstance(beside, TextPart) and beside.source in _BESIDE
        )
        asked: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": address}}]
        if said.strip():
            asked.insert(0, {"type": "text", "text": _plain(said[:_PIECE])})
        (result,) = await self._ask(asked, expected=1)
        return index, result

    async def _ask(self, asked: list[Any], *, expected: int) -> list[_Scores]:
        def send(client: AsyncOpenAI) -> Any:
            return client.moderations.with_streaming_response.create(model=self._model, input=asked)

        answer = await self._service.ask(send, repeatable=True)
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != expected:
            raise ServiceFault(f"The {self._service.role} did not judge all that it was given.", kind="malformed")
        return [self._read(result) for result in results]

    def _read(self, result: Any) -> _Scores:
        """One result, complete and well-formed. Raises ServiceFault."""
        if not isinstance(result, dict):
            raise self._malformed()
        scores, flags = result.get("category_scores"), result.get("categories")
        if not isinstance(scores, dict) or not isinstance(flags, dict):
            raise self._malformed()
        if not all(_is_score(scores.get(name)) and type(flags.get(name)) is bool for name in _MUST):
            raise self._malformed()
        applied = result.get("category_applied_input_types")
        known = {name: float(scores[name]) for name in OPENAI_CATEGORIES if _is_score(scores.get(name))}
        seen = applied if isinstance(applied, dict) else {}
        return _Scores(
            known,
            frozenset(name for name in known if flags.get(name) is True),
            frozenset(name for name in known if isinstance(seen.get(name), list) and "image" in seen[name]),
        )

    def _malformed(self) -> ServiceFault:
        return ServiceFault(f"The {self._service.role} left out scores, or gave some that are none.", kind="malformed")

    def _verdict(self, judged: list[tuple[int, _Scores]], content: Content) -> Verdict:
        found = [finding for index, scores in judged for finding in self._findings(index, scores, content)]
        top = max((finding.score for finding in found), default=0.0)
        kept = tuple(each for each in found if each.decision is not Decision.ALLOW or each.score == top)
        decision = max((each.decision for each in kept), key=lambda each: each.severity, default=Decision.ALLOW)
        return Verdict(decision=decision, findings=kept, moderator=self.name, checked=self._checked(judged, content))

    def _findings(self, index: int, scores: _Scores, content: Content) -> list[Finding]:
        worst: dict[str, tuple[float, str]] = {}
        for category, given in scores.scores.items():
            policy = OPENAI_CATEGORIES[category]
            if policy not in self._policies:
                continue
            score = given * _WEIGHTS.get(category, 1.0)
            if category in scores.flagged and category not in _WEIGHTS:
                # What the service flags counts as much as what matters here at all.
                score = max(score, self._mildest(policy, content.stage))
            if score > worst.get(policy, (-1.0, ""))[0]:
                worst[policy] = (score, category)
        what = "picture" if isinstance(content.parts[index], ImagePart) else "text"
        return [
            Finding(
                policy=policy, category=category, score=score, moderator=self.name, part=index,
                decision=self._policies[policy].decide(content.stage, score, final=content.final),
                evidence=f"{what} scored as {category}",
            )
            for policy, (score, category) in worst.items()
        ]  # fmt: skip

    def _mildest(self, policy: str, stage: Stage) -> float:
        return self._policies[policy].thresholds.at(stage).lowest or 0.0

    def _checked(self, judged: list[tuple[int, _Scores]], content: Content) -> frozenset[str]:
        """The pairs that were judged in every part of their kind."""
        pairs: set[str] = set()
        for kind, sort in (("text", TextPart), ("image", ImagePart)):
            of_kind = [scores for index, scores in judged if isinstance(content.parts[index], sort)]
            if of_kind:
                covered = [frozenset(scores.scores if kind == "text" else scores.seen) for scores in of_kind]
                policies = {OPENAI_CATEGORIES[name] for name in frozenset.intersection(*covered)}
                pairs |= {f"{kind}:{policy}" for policy in policies if policy in self._policies}
        return frozenset(pairs)


# Older models have no `illicit`; what all of them have must be there.
_MUST = tuple(name for name in OPENAI_CATEGORIES if not name.startswith("illicit"))


def _is_score(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 <= value <= 1


def _pieces(text: str) -> list[str]:
    """The text in overlapping pieces; an empty one is judged too, so that the answer covers every part."""
    plain = _plain(text)
    return [plain[at : at + _PIECE] for at in range(0, max(len(plain) - _OVERLAP, 1), _PIECE - _OVERLAP)]


def _plain(text: str) -> str:
    """Without lone surrogates, which JSON over the wire cannot carry."""
    return text.encode("utf-8", "replace").decode() or " "
