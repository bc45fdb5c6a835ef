"""The set guard: images that are harmless one by one and harmful together, over a set or over turns of editing.

The contact sheet is judged as one picture; the texts of the plan, the images and the earlier turns are read as one, in
order, so that a sentence that was cut into panels is whole again.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from ..content import Content, ImagePart, Stage, TextPart
from ..policy import PolicySet
from ..verdict import Decision, Finding, Verdict
from .classifier import Classifier, shared_classifier
from .closed import judged_in_thread
from .conversation import earlier_turns, together
from .looking import Looker, shared_looker
from .minors import MINORS, TIGHT, speaks_of_minors, tightened
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
        with ThreadPoolExecutor(1) as beside:
            said = beside.submit(self._said, images, content)
            findings = [*self._shown(images, content), *said.result()]
        checked = frozenset(
            f"image:{policy}" for policy in ("sexual", "violence_graphic", "sexual_minors") if policy in self._policies
        )
        return verdict_of([finding for finding in findings if finding is not None], NAME, checked)

    def _shown(self, images: list[ImagePart], content: Content) -> list[Finding | None]:
        sheet = self._pictures.judge(contact_sheet([self._looker.picture(part) for part in images]))
        return [
            self._seen("sexual", sheet.sexual, sheet.sexual_worst, content),
            self._seen("violence_graphic", sheet.graphic, sheet.graphic_worst, content),
            self._young(sheet.sexual, content),
        ]

    def _said(self, images: list[ImagePart], content: Content) -> list[Finding]:
        read = [self._looker.look(part, thorough=False).script.text for part in images]
        plan = [part.text for part in content.context if isinstance(part, TextPart) and part.source.startswith("plan")]
        turns = earlier_turns(content, self._was_refused)
        passages = [
            ("the set's pictures read as one: ", " ".join(text for text in read if text)[-_TOGETHER:]),
            ("the plan read as one: ", "\n".join(plan)[-_TOGETHER:]),
        ]
        if turns:
            newest = plan or [text for text in read if text]
            passages.append(("read with the earlier turns: ", together([*turns, *newest], self._classifier)))
        found = [
            finding for remark, text in passages if text.strip() for finding in self._judge(text, remark, content.stage)
        ]
        return [finding for finding in found if finding.decision is not Decision.ALLOW]

    def _judge(self, text: str, remark: str, stage: Stage) -> list[Finding]:
        judged = Judged(text, None, remark)
        return judge_text(judged, stage, self._policies, self._classifier, self._rules, moderator=NAME)

    def _was_refused(self, turn: str) -> bool:
        return any(finding.decision is not Decision.ALLOW for finding in self._judge(turn, "", Stage.PROMPT))

    def _young(self, sexual: float, content: Content) -> Finding | None:
        """A suggestive sheet beside words about a minor."""
        spoken = [part.text for part in (*content.context, *content.parts) if isinstance(part, TextPart)]
        if sexual < TIGHT or not any(speaks_of_minors(text, self._rules) for text in spoken):
            return None
        return self._seen(MINORS, tightened(sexual), "a minor is spoken of", content)

    def _seen(self, policy: str, score: float, where: str, content: Content) -> Finding | None:
        if policy not in self._policies:
            return None
        return Finding(
            policy=policy, category="contact sheet", score=score, moderator=NAME, evidence=f"contact sheet, {where}",
            decision=self._policies[policy].decide(content.stage, score, final=content.final),
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
