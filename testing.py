"""Scripted parts, for tests of whatever is built with Safelight: public, deterministic, offline.

One for each plug point, and equal to the real ones in what they promise: moderators that allow, block on a word, follow
a script, fail in every known way or hang; a recorder that remembers; a clock that stands until it is told to move; a
reasoner, a generator and a search that answer from a script and remember what they were asked.

    guard = fake_guard(BlockOn("dragon", "shocking"))
    effect = safelight.safety.guard(draw, guard=guard, ...)
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from PIL import Image

from .agent.brief import Brief
from .agent.plan import Plan
from .agent.reasoner import Fact, Research, Rewrite, Think, Understanding
from .errors import SearchUnavailable, StoreError
from .safety.clearance import Clearance, ClearanceOffice
from .safety.content import Content, Stage
from .safety.guard import Guard
from .safety.moderator import Moderator
from .safety.policy import Policy, PolicySet
from .safety.stack import SafetyStack
from .safety.verdict import Decision, Finding, Verdict
from .tools.images.generator import Capabilities, DeclinedImage, GeneratedImage, ImageRequest, ShowPartial
from .tools.images.spec import ImageSpec, StyleSheet
from .tools.source import Document, SearchHit, Source

__all__ = [
    "AllowAll",
    "BlockOn",
    "FailingModerator",
    "Failure",
    "FakeClock",
    "FakeEntropy",
    "HangingModerator",
    "MemoryRecorder",
    "ScriptedGenerator",
    "ScriptedModerator",
    "ScriptedReasoner",
    "ScriptedSearch",
    "every_pair",
    "fake_guard",
    "fake_office",
]

Failure = Literal[
    "raises",
    "exits",
    "cancels",
    "none",
    "prose",
    "bool",
    "dict",
    "nan",
    "shape",
    "subclass",
    "not_async",
    "generator",
    "says_failed",
]
"""The ways in which moderators are known to break. `prose` is a model's own refusal; `subclass` a Verdict that lies."""


class FakeClock:
    """A clock in seconds that stands still until `advance`."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class FakeEntropy:
    """Bytes that look random, differ each time, and are the same in every test run."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(f"{self._seed}:{self._count}".encode()).digest(size)


def every_pair(policies: Iterable[Policy]) -> frozenset[str]:
    """All `<modality>:<policy>` pairs: what a moderator that checks everything puts into `Verdict.checked`."""
    return frozenset(f"{modality}:{policy.id}" for modality in ("text", "image") for policy in policies)


class AllowAll:
    """Allows everything. `checked` says which pairs it claims to have judged."""

    def __init__(self, checked: Iterable[str] = (), *, name: str = "allow_all") -> None:
        self.name = name
        self.checked = frozenset(checked)
        self.seen: list[Content] = []

    async def moderate(self, content: Content) -> Verdict:
        self.seen.append(content)
        return Verdict(decision=Decision.ALLOW, moderator=self.name, checked=self.checked)


class BlockOn:
    """Decides `decision` where `word` stands in any text, or in the bytes of any image; allows everything else."""

    def __init__(
        self,
        word: str,
        policy: str,
        *,
        decision: Decision = Decision.BLOCK,
        checked: Iterable[str] = (),
        name: str = "block_on",
    ) -> None:
        self.name = name
        self.seen: list[Content] = []
        self._word, self._policy, self._decision = word, policy, decision
        self._checked = frozenset(checked)

    async def moderate(self, content: Content) -> Verdict:
        self.seen.append(content)
        found = tuple(
            Finding(
                policy=self._policy,
                category=self._policy,
                score=1.0,
                decision=self._decision,
                moderator=self.name,
                evidence=self._word,
                part=index,
            )
            for index, part in enumerate(content.parts)
            if (self._word in part.text if hasattr(part, "text") else self._word.encode() in part.data)
        )
        decision = self._decision if found else Decision.ALLOW
        return Verdict(decision=decision, findings=found, moderator=self.name, checked=self._checked)


class ScriptedModerator:
    """Gives its verdicts in order, or what a function of the content says. Fails once the script is over."""

    def __init__(self, *script: Verdict | Decision | Callable[[Content], Verdict], name: str = "scripted") -> None:
        self.name = name
        self.seen: list[Content] = []
        self._script = list(script)

    async def moderate(self, content: Content) -> Verdict:
        self.seen.append(content)
        entry = self._script[0] if len(self._script) == 1 and callable(self._script[0]) else self._script.pop(0)
        if isinstance(entry, Verdict):
            return entry
        if isinstance(entry, Decision):
            return Verdict(decision=entry, moderator=self.name)
        return entry(content)


class _LyingVerdict(Verdict):
    @property
    def allowed(self) -> bool:
        return True


class FailingModerator:
    """Breaks, in one of the ways that `Failure` lists."""

    def __init__(self, kind: Failure, *, name: str = "failing") -> None:
        self.name = name
        self.kind = kind
        self.asked = 0

    def moderate(self, content: Content) -> Any:
        self.asked += 1
        if self.kind == "not_async":
            return Verdict(decision=Decision.ALLOW)
        if self.kind == "generator":
            return (Verdict(decision=Decision.ALLOW) for _ in range(1))
        return self._break()

    async def _break(self) -> Any:
        allow = Decision.ALLOW
        match self.kind:
            case "raises":
                raise RuntimeError("the moderator broke while reading: SECRET PROMPT")
            case "exits":
                raise SystemExit(1)
            case "cancels":
                raise asyncio.CancelledError
            case "says_failed":
                return Verdict(decision=allow, failed=True)
            case "subclass":
                return _LyingVerdict(decision=Decision.BLOCK)
            case "nan":
                finding = Finding.model_construct(
                    policy="hate", category="", score=float("nan"), decision=allow, moderator=self.name
                )
                return Verdict.model_construct(decision=allow, findings=(finding,))
            case "shape":
                return Verdict.model_construct(decision=cast("Decision", "allowed"), findings=cast("Any", "none"))
        answers: Mapping[str, Any] = {
            "none": None,
            "prose": "I'm sorry, I can't help with that.",
            "bool": True,
            "dict": {"decision": "allow"},
        }
        return answers[self.kind]


class HangingModerator:
    """Never answers. A `stubborn` one swallows its cancellation too, until `release` is called."""

    def __init__(self, *, stubborn: bool = False, name: str = "hanging") -> None:
        self.name = name
        self.cancelled = 0
        self._stubborn = stubborn
        self._released = asyncio.Event()

    def release(self) -> None:
        self._released.set()

    async def moderate(self, content: Content) -> Verdict:
        while True:
            try:
                await self._released.wait()
                return Verdict(decision=Decision.ALLOW, moderator=self.name)
            except asyncio.CancelledError:
                self.cancelled += 1
                if not self._stubborn:
                    raise


@dataclass
class MemoryRecorder:
    """Remembers what guards record, as `(kind, details)`. `broken` names the kinds that it fails to record."""

    broken: frozenset[str] = frozenset()
    entries: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def verdict(
        self, *, run_id: str, content: Content, verdict: Verdict, clearance: Clearance | None = None
    ) -> None:
        self._add("verdict", run_id=run_id, content=content, verdict=verdict)
        if clearance is not None:
            self._add("clearance", run_id=run_id, clearance=clearance)

    async def effect(self, *, run_id: str, name: str, digest: bytes) -> None:
        self._add("effect", run_id=run_id, name=name, digest=digest)

    def kinds(self) -> list[str]:
        """What was recorded, in order."""
        return [kind for kind, _ in self.entries]

    def _add(self, kind: str, **details: Any) -> None:
        if kind in self.broken:
            raise StoreError(f"The {kind} cannot be written: this recorder is broken on purpose.")
        self.entries.append((kind, details))


def fake_office(
    clock: Callable[[], float] | None = None,
    entropy: Callable[[int], bytes] | None = None,
    *,
    policy_version: str = "test",
    lifetime: float = 60.0,
) -> ClearanceOffice:
    """An office with a fixed key and, unless given, a standing clock and repeatable entropy."""
    return ClearanceOffice(
        {"test": b"0123456789abcdef0123456789abcdef"},
        "test",
        policy_version,
        lifetime,
        clock or FakeClock(),
        entropy or FakeEntropy(),
    )


def fake_guard(
    moderator: Moderator | Mapping[Stage, Moderator] | None = None,
    *,
    policies: PolicySet | None = None,
    recorder: MemoryRecorder | None = None,
    clock: Callable[[], float] | None = None,
    entropy: Callable[[int], bytes] | None = None,
    seconds: float = 5.0,
    human_review: bool = False,
) -> Guard:
    """A guard under the shipped policies, with one moderator at every stage (default: `AllowAll`), or one a stage."""
    policies = policies or _shipped()
    given = AllowAll(every_pair(policies)) if moderator is None else moderator
    stages = given if isinstance(given, Mapping) else dict.fromkeys(Stage, given)
    stack = SafetyStack(policies, stages, seconds, human_review=human_review)
    return Guard(stack, fake_office(clock, entropy, policy_version=policies.version), recorder)


@functools.cache
def _shipped() -> PolicySet:
    return PolicySet.load()


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
        self.capabilities = capabilities or Capabilities(edit=True, mask=True, references=True, max_references=4)
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
