"""A moderator that grades: a reasoning monitor at high effort, in the place of the embedded panel."""

from __future__ import annotations

from dataclasses import dataclass

from ..safety.compose import ask
from ..safety.content import Content, ImagePart, Stage, TextPart
from ..safety.moderator import Moderator

__all__ = ["JudgementFailed", "ModeratorGrader"]


@dataclass(frozen=True)
class ModeratorGrader:
    """Any moderator as a grader: a reasoning monitor, which looks at the image, and is told what it says and is for.

    Raises (from `judge`):
        JudgementFailed: it could not judge, which acquits nobody.
    """

    moderator: Moderator
    embedded: bool = False

    @property
    def name(self) -> str:
        return self.moderator.name

    async def judge(self, image: bytes, texts: tuple[str, ...], intent: str) -> bool:
        beside = (TextPart("\n".join(texts), source="text to set"), TextPart(intent, source="intent"))
        context = tuple(part for part in beside if part.text.strip())
        media = "image/jpeg" if image[:2] == b"\xff\xd8" else "image/png"
        verdict = await ask(
            self.moderator, Content(Stage.GENERATOR_OUTPUT, (ImagePart(image, media, "output"),), context=context)
        )
        if verdict.failed:
            raise JudgementFailed(verdict.reason)
        return not verdict.allowed


class JudgementFailed(Exception):
    """A grader's answer was no judgement."""
