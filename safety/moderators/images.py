"""The image monitor: what a picture shows, what it says, and what both say together.

Sexual and graphic scores of the whole and the worst tile; the text read from it, judged under every policy, alone and
with our own summary of the intent; QR codes; young faces. Text in a picture is data: instructions in it are findings.
What no model here can see (symbols, weapons, who somebody is, diagrams without words) is left out of `checked`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..content import Content, ImagePart, Stage, TextPart
from ..policy import PolicySet
from ..verdict import Decision, Finding, Verdict
from .classifier import Classifier, shared_classifier
from .closed import judged_in_thread
from .faces import YOUNG
from .known import unexpected
from .looking import Look, Looker, shared_looker
from .minors import TIGHT, TIGHT_IN_WORDS, speaks_of_minors, tightened
from .ocr import Line
from .rules import Rules, shipped_rules
from .text import Judged, judge_text, verdict_of

__all__ = ["ImageMonitor"]

NAME = "embedded.image"
_SEEN = ("sexual", "sexual_minors", "violence_graphic")
_UNREAD = 3  # boxes of text that nobody could read, from which a person should look
_KNOWN = ("text to set", "plan", "generator prompt")


class ImageMonitor:
    """Judges every image of a content, beside the texts in its context."""

    def __init__(
        self,
        policies: PolicySet,
        *,
        looker: Looker | None = None,
        classifier: Classifier | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._policies = policies
        self._looker = looker or shared_looker()
        self._classifier = classifier or shared_classifier()
        self._rules = rules or shipped_rules()

    @property
    def name(self) -> str:
        return NAME

    async def moderate(self, content: Content) -> Verdict:
        if content.stage is Stage.GENERATOR_INPUT:
            self._looker.expect()
        return await judged_in_thread(self._moderate, content, NAME)

    def _moderate(self, content: Content) -> Verdict:
        findings: list[Finding] = []
        for index, part in enumerate(content.parts):
            if isinstance(part, ImagePart):
                look = self._looker.look(part, thorough=content.stage is not Stage.GENERATOR_OUTPUT)
                findings += self._shown(look, index, content)
                findings += self._said(look, index, content)
                findings += self._undressing(part, index, content)
        checked = frozenset(f"image:{policy}" for policy in _SEEN if policy in self._policies)
        return verdict_of(findings, NAME, checked if content.images else frozenset())

    def _shown(self, look: Look, index: int, content: Content) -> list[Finding]:
        scores = look.scores
        out = [
            self._finding("sexual", "sexual picture", scores.sexual, f"picture, {scores.sexual_worst}", index, content),
            self._finding(
                "violence_graphic",
                "graphic picture",
                scores.graphic,
                f"picture, {scores.graphic_worst}",
                index,
                content,
            ),
        ]
        young = look.youngest is not None and look.youngest <= YOUNG
        spoken = [part.text for part in (*content.context, *content.parts) if isinstance(part, TextPart)]
        named = any(speaks_of_minors(text, self._rules) for text in (*spoken, look.script.text))
        if scores.sexual >= (TIGHT if young else TIGHT_IN_WORDS) and (young or named):
            why = f"a face that looks about {look.youngest:.0f}" if young else "a minor is spoken of"
            out.append(
                self._finding(
                    "sexual_minors", "young person, sexual picture", tightened(scores.sexual), why, index, content
                )
            )
        return [finding for finding in out if finding is not None]

    def _said(self, look: Look, index: int, content: Content) -> list[Finding]:
        """Findings on the text in the picture: what was to be set there counts as exactly that."""
        known = [part.text for part in content.context if isinstance(part, TextPart) and part.source.startswith(_KNOWN)]
        intent = [part.text for part in content.context if isinstance(part, TextPart) and part.source == "intent"]
        fresh = unexpected(look.script.lines, known) if known else list(look.script.lines)
        texts = [("text in the picture: ", "\n".join(line.text for line in fresh))]
        texts += [("text set in the picture: ", text) for text in known if content.stage is Stage.GENERATOR_OUTPUT]
        texts += [("code in the picture: ", code) for code in look.script.codes]
        if intent and look.script.lines:
            texts.append(("picture and intent together: ", "\n".join([*intent, *(known or [look.script.text])])))
        out = [
            finding for remark, text in texts if text.strip() for finding in self._judge(text, remark, index, content)
        ]
        return out + self._unread(look, fresh, known, index)

    def _judge(self, text: str, remark: str, index: int, content: Content) -> list[Finding]:
        judged = Judged(text, index, remark)
        found = judge_text(
            judged, content.stage, self._policies, self._classifier, self._rules, moderator=NAME, final=content.final
        )
        return [finding for finding in found if finding.decision is not Decision.ALLOW]

    def _unread(self, look: Look, fresh: Sequence[Line], known: Sequence[str], index: int) -> list[Finding]:
        """Text that nobody could read goes to review, unless what was to be set explains it."""
        foreign = sum(_beyond_reader(text) for text in known)
        if look.script.unread < _UNREAD or foreign >= look.script.unread or len(fresh) > 4 * look.script.unread:
            return []
        evidence = f"{look.script.unread} passages of text that could not be read ({', '.join(look.script.passes)})"
        return [
            Finding(
                policy="injection", category="unreadable text", score=0.5, decision=Decision.REVIEW, moderator=NAME,
                evidence=evidence, part=index,
            )
        ]  # fmt: skip

    def _undressing(self, part: ImagePart, index: int, content: Content) -> list[Finding]:
        """An edit of a photograph of somebody who may be a minor, with words that are sexual at all."""
        if content.stage not in {Stage.PROMPT, Stage.GENERATOR_INPUT} or not content.texts:
            return []
        sexual = max(
            (
                passage.own.get("sexual", 0.0)
                for text in content.texts
                for passage in self._classifier.classify(text.text)
            ),
            default=0.0,
        )
        undressing = any(self._rules.terms["sexual"].search(text.text) for text in content.texts)
        if sexual < TIGHT and not undressing:
            return []
        youngest = self._looker.youngest(part)
        if youngest is None or youngest > YOUNG:
            return []
        score = max(tightened(sexual), 0.6 if undressing else 0.0)
        why = f"a sexual request beside a face that looks about {youngest:.0f}"
        found = self._finding("sexual_minors", "edit of a young person", score, why, index, content)
        return [found] if found is not None else []

    def _finding(
        self, policy: str, category: str, score: float, evidence: str, index: int, content: Content
    ) -> Finding | None:
        if policy not in self._policies:
            return None
        decision = self._policies[policy].decide(content.stage, score, final=content.final)
        return Finding(
            policy=policy,
            category=category,
            score=score,
            decision=decision,
            moderator=NAME,
            evidence=evidence,
            part=index,
        )


def _beyond_reader(text: str) -> int:
    """Words in scripts that the reader does not know: neither Latin, Chinese nor Japanese."""
    return sum(
        any(
            not (char.isascii() or "\u00c0" <= char <= "\u024f" or "\u3040" <= char <= "\u9fff")
            for char in word
            if char.isalpha()
        )
        for word in text.split()
    )
