"""The set guard: images that are harmless one by one and harmful together, over a set or over turns of editing.

The contact sheet is judged as one picture; the texts of the plan, the images and the earlier turns are read as one, in
order, so that a sentence that was cut into panels is whole again.
"""

from __future__ import annotations

import math

from PIL import Image

from ..content import Content, ImagePart, TextPart
from ..policy import PolicySet
from ..verdict import Decision, Finding, Verdict
from .classifier import Classifier, shared_classifier
from .closed import judged_in_thread
from .looking import Looker, shared_looker
from .pictures import PictureClassifier, shared_pictures
from .rules import Rules, shipped_rules
from .text import Judged, judge_text, verdict_of

__all__ = ["SetGuard", "contact_sheet"]

NAME = "embedded.set"
_CELL = 448  # px: the side of a cell, so that the sheet's tiles are whole images
_TOGETHER = 6000  # characters of all texts that are read as one


class SetGuard:
    """Judges the images of a content together."""

    def __init__(
        self,
        policies: PolicySet,
        *,
        looker: Looker | None = None,
        pictures: PictureClassifier | None = None,
        classifier: Classifier | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._policies = policies
        self._looker = looker or shared_looker()
        self._pictures = pictures or shared_pictures()
        self._classifier = classifier or shared_classifier()
        self._rules = rules or shipped_rules()

    @property
    def name(self) -> str:
        return NAME

    async def moderate(self, content: Content) -> Verdict:
        return await judged_in_thread(self._moderate, content, NAME)

    def _moderate(self, content: Content) -> Verdict:
        images = [part for part in (*content.context, *content.parts) if isinstance(part, ImagePart)]
        if not images:
            return verdict_of([], NAME, frozenset())
        sheet = self._pictures.judge(contact_sheet([self._looker.picture(part) for part in images]))
        findings = [
            self._seen("sexual", sheet.sexual, sheet.sexual_worst, content),
            self._seen("violence_graphic", sheet.graphic, sheet.graphic_worst, content),
            *self._said(images, content),
        ]
        checked = frozenset(
            f"image:{policy}" for policy in ("sexual", "violence_graphic", "sexual_minors") if policy in self._policies
        )
        return verdict_of([finding for finding in findings if finding is not None], NAME, checked)

    def _said(self, images: list[ImagePart], content: Content) -> list[Finding]:
        read = [self._looker.look(part, thorough=False).script.text for part in images]
        spoken = [part.text for part in content.context if isinstance(part, TextPart)]
        together = " ".join(text for text in read if text)[-_TOGETHER:]
        out: list[Finding] = []
        for remark, text in (
            ("the set's pictures read as one: ", together),
            ("the conversation and the plan read as one: ", "\n".join(spoken)[-_TOGETHER:]),
        ):
            if text.strip():
                judged = Judged(text, None, remark)
                out += judge_text(judged, content.stage, self._policies, self._classifier, self._rules, moderator=NAME)
        return [finding for finding in out if finding.decision is not Decision.ALLOW]

    def _seen(self, policy: str, score: float, where: str, content: Content) -> Finding | None:
        if policy not in self._policies:
            return None
        return Finding(
            policy=policy, category="contact sheet", score=score, moderator=NAME, evidence=f"contact sheet, {where}",
            decision=self._policies[policy].decide(content.stage, score),
        )  # fmt: skip


def contact_sheet(pictures: list[Image.Image]) -> Image.Image:
    """The pictures in a grid, each fitted into its cell, on gray."""
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * _CELL, rows * _CELL), (127, 127, 127))
    for index, picture in enumerate(pictures):
        cell = picture.copy()
        cell.thumbnail((_CELL, _CELL))
        left = index % columns * _CELL + (_CELL - cell.width) // 2
        top = index // columns * _CELL + (_CELL - cell.height) // 2
        sheet.paste(cell, (left, top))
    return sheet
