"""Shadow mode: one prompt past every layer, drawn even where a layer says no, so that each layer can be counted.

The steps are those of a run (`graphs/steps`), on the same content, in the same order; nothing is stamped, stored or
delivered. Thinking mode applies the safe completion where the verdict is `rewrite`, since that changes what is drawn;
instant mode refuses there. Two things differ, both against us: no research is made, and an image that was blocked is
not tried once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ..agent.brief import Brief
from ..agent.plan import Plan
from ..agent.reasoner import Reasoner, Research
from ..agent.rewrite import SafeCompletion
from ..errors import GeneratorError
from ..graphs.drawn import ImageJob, picture_content, request_content
from ..graphs.steps.planning import plan_content
from ..safety.content import Content, ImagePart, Part, Stage, TextPart
from ..safety.stack import SafetyStack
from ..safety.verdict import Decision, Verdict, severest
from ..tools.images.generator import DeclinedImage, GeneratedImage, ImageGenerator, ImageRequest
from .record import Layer, Mode, Spent

__all__ = ["Disturb", "Exposed", "Shadow", "Shot"]

Disturb = Callable[[bytes], bytes]
"""An image attack: what becomes of an image between its generator and its monitor. Bytes of an encoded image."""


@dataclass(frozen=True)
class Shot:
    """One image as it was drawn, what it says, what it was drawn for, and whether the image layer caught it."""

    data: bytes = field(repr=False)
    texts: tuple[str, ...]
    intent: str
    caught: bool


@dataclass(frozen=True)
class Exposed:
    """One prompt after shadow mode. `spent` is by layer; `error` as in `Record`."""

    prompt: Layer
    image: Layer
    rewritten: bool
    shots: tuple[Shot, ...]
    spent: dict[str, Spent]
    error: str = ""


class Shadow:
    """Exposes prompts to a stack. `reasoner` thinks in thinking mode, `drafter` in instant mode, as in a run.

    `images` are drawn a prompt, `width` x `height` pixels each. `dollars` gives what was spent on models so far; the
    generator's own cost is added.
    """

    def __init__(
        self,
        stack: SafetyStack,
        *,
        reasoner: Reasoner,
        drafter: Reasoner,
        generator: ImageGenerator,
        images: int = 1,
        width: int = 512,
        height: int = 512,
        dollars: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._stack = stack
        self._reasoner, self._drafter, self._generator = reasoner, drafter, generator
        self._images, self._size = images, f"{width}x{height}"
        self._dollars = dollars

    @property
    def policy_version(self) -> str:
        return self._stack.policies.version

    @property
    def describes(self) -> dict[str, object]:
        """What must be equal for two evaluations to be comparable."""
        return {
            "policy_version": self.policy_version,
            "reasoner": self._reasoner.name,
            "drafter": self._drafter.name,
            "generator": self._generator.name,
            "images": self._images,
            "size": self._size,
        }

    async def expose(self, prompt: str, mode: Mode, *, seed: int = 0, disturb: Disturb | None = None) -> Exposed:
        """Every layer's verdict on this prompt and on what is drawn from it.

        A reasoner or generator that breaks ends it, with its error named; a broken moderator is a verdict.
        """
        trace = _Trace(self._stack, self._dollars)
        shots: tuple[Shot, ...] = ()
        error = ""
        try:
            plan = await self._plan(prompt, mode, seed, trace)
            shots = await self._drawn(plan, seed, disturb, trace)
        except Exception as broken:  # whatever breaks, the evaluation goes on and counts it
            error = f"{type(broken).__name__}: {broken}"[:200]
        caught = any(shot.caught for shot in shots)
        return Exposed(
            prompt=_layer(trace.upstream, trace.refused),
            image=_layer(trace.downstream, caught),
            rewritten=trace.rewritten,
            shots=shots,
            spent=trace.spent,
            error=error,
        )

    async def _plan(self, prompt: str, mode: Mode, seed: int, trace: _Trace) -> Plan:
        """The plan that is drawn: of the safe completion where one was found, else of the prompt as it is."""
        thinker = self._reasoner if mode == "thinking" else self._drafter
        verdict = await trace.upstream_verdict(_prompt_content(prompt, final=mode == "instant"))
        text = prompt
        if mode == "thinking" and verdict.decision is Decision.REWRITE:
            text = await self._completed(prompt, verdict, trace) or prompt
        trace.refused = not verdict.allowed and text == prompt
        trace.rewritten = text != prompt
        brief = Brief(prompt=text, mode=mode, n=self._images, size=self._size, seed=seed)
        with trace.spending("reason"):
            understanding = await thinker.understand(brief, _silent)
            made = await thinker.plan(brief, understanding, Research(), _silent)
        return await self._passed(made, trace)

    async def _completed(self, prompt: str, verdict: Verdict, trace: _Trace) -> str | None:
        async def judge(text: str) -> Verdict:
            return await self._stack.judge(_prompt_content(text))

        completion = SafeCompletion(self._reasoner, self._stack.policies, judge)
        with trace.spending("reason"):
            rewrite = await completion.complete(prompt, verdict.policies, _evidence(verdict))
        return rewrite.prompt

    async def _passed(self, made: Plan, trace: _Trace) -> Plan:
        """The plan after its guard: rewritten image by image where that helps, else as it was made."""
        verdict = await trace.upstream_verdict(plan_content(made))
        if verdict.decision is Decision.REWRITE:
            with trace.spending("reason"):
                changed = await self._rewritten(made, verdict)
            if changed != made:
                verdict = await trace.upstream_verdict(plan_content(changed))
                if verdict.allowed:
                    trace.rewritten, made = True, changed
        trace.refused |= not verdict.allowed
        return made

    async def _rewritten(self, made: Plan, verdict: Verdict) -> Plan:
        known = self._stack.policies
        policies = tuple(known[item] for item in verdict.policies if item in known)
        images = []
        for spec in made.images:
            rewrite = await self._reasoner.rewrite(spec.prompt, policies, _evidence(verdict))
            images.append(spec if rewrite.prompt is None else spec.model_copy(update={"prompt": rewrite.prompt}))
        return made.model_copy(update={"images": tuple(images)})

    async def _drawn(self, plan: Plan, seed: int, disturb: Disturb | None, trace: _Trace) -> tuple[Shot, ...]:
        made: list[tuple[Shot, ImagePart]] = []
        for spec in plan.images:
            job = ImageJob("shadow", ImageRequest(spec, plan.style, seed=seed), plan.intent)
            verdict = await trace.upstream_verdict(request_content(job))
            trace.refused |= not verdict.allowed
            with trace.spending("draw"):
                image = await self._generator.generate(job.request)
            if isinstance(image, DeclinedImage):
                raise GeneratorError(f"{image.model} declined to make image {spec.index + 1}.", kind="blocked")
            trace.add_dollars("draw", image.cost)
            seen = _disturbed(image, disturb)
            verdict = await trace.downstream_verdict(picture_content(seen.data, seen.media_type, job))
            shot = Shot(image.data, spec.texts(), plan.intent, not verdict.allowed)
            made.append((shot, ImagePart(seen.data, seen.media_type, source="output")))
        # As in a run, the set is what its images leave; where none is left, it is judged all the same.
        left = [part for shot, part in made if not shot.caught] or [part for _, part in made]
        beside: tuple[Part, ...] = (TextPart(plan.text(), source="plan"),)
        together = await trace.downstream_verdict(Content(Stage.IMAGE_SET, tuple(left), context=beside))
        return tuple(replace(shot, caught=shot.caught or not together.allowed) for shot, _ in made)


class _Trace:
    """What is learned on the way."""

    def __init__(self, stack: SafetyStack, dollars: Callable[[], float]) -> None:
        self._stack, self._dollars = stack, dollars
        self.upstream: list[tuple[Stage, Verdict]] = []
        self.downstream: list[tuple[Stage, Verdict]] = []
        self.refused = False
        self.rewritten = False
        self.spent: dict[str, Spent] = {}

    async def upstream_verdict(self, content: Content) -> Verdict:
        return await self._judged(content, "prompt", self.upstream)

    async def downstream_verdict(self, content: Content) -> Verdict:
        return await self._judged(content, "image", self.downstream)

    async def _judged(self, content: Content, layer: str, verdicts: list[tuple[Stage, Verdict]]) -> Verdict:
        with self.spending(layer):
            verdict = await self._stack.judge(content)
        verdicts.append((content.stage, verdict))
        return verdict

    @contextmanager
    def spending(self, layer: str) -> Iterator[None]:
        wall, cpu, dollars = time.perf_counter(), time.process_time(), self._dollars()
        try:
            yield
        finally:
            known = self.spent.get(layer, Spent())
            self.spent[layer] = Spent(
                seconds=round(known.seconds + time.perf_counter() - wall, 5),
                cpu=round(known.cpu + time.process_time() - cpu, 5),
                dollars=known.dollars + self._dollars() - dollars,
            )

    def add_dollars(self, layer: str, cost: float) -> None:
        known = self.spent[layer]
        self.spent[layer] = known.model_copy(update={"dollars": known.dollars + cost})


def _layer(verdicts: list[tuple[Stage, Verdict]], caught: bool) -> Layer:
    """Stage by stage the severest decision and the highest score."""
    decisions: dict[str, Decision] = {}
    scores: dict[str, float] = {}
    for stage, verdict in verdicts:
        decisions[stage] = severest(decisions.get(stage, Decision.ALLOW), verdict.decision)
        score = 1.0 if verdict.failed else max((finding.score for finding in verdict.findings), default=0.0)
        scores[stage] = max(scores.get(stage, 0.0), round(score, 5))
    policies = [policy for _, verdict in verdicts if not verdict.allowed for policy in verdict.policies]
    failed = any(verdict.failed for _, verdict in verdicts)
    return Layer(
        caught=caught, decisions=decisions, scores=scores, policies=tuple(dict.fromkeys(policies)), failed=failed
    )


def _prompt_content(prompt: str, *, final: bool = False) -> Content:
    return Content.of_text(Stage.PROMPT, prompt, final=final)


def _evidence(verdict: Verdict) -> tuple[str, ...]:
    return tuple(item.evidence for item in verdict.findings if item.decision is verdict.decision and item.evidence)


def _disturbed(image: GeneratedImage, disturb: Disturb | None) -> GeneratedImage:
    if disturb is None:
        return image
    data = disturb(image.data)
    return replace(image, data=data, media_type="image/jpeg" if data[:2] == b"\xff\xd8" else "image/png")


async def _silent(_: str) -> None:
    """Nobody reads the thinking of a shadow."""
