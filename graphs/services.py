"""What the steps of a run work with: one `Services` a process, one `RunContext` a run."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..agent.chain import ReasonerChain
from ..agent.reasoner import Reasoner
from ..events import VerdictGiven, Warned
from ..provenance.stamp import Stamper
from ..safety.clearance import Clearance, ClearanceOffice
from ..safety.content import Content, Stage
from ..safety.guard import Cleared, Guard, Recorder
from ..safety.policy import PolicySet
from ..safety.verdict import Decision, Verdict
from ..services import Bill, PriceTable
from ..tools.images.generator import ImageGenerator
from ..tools.source import Document, SearchHit
from .emitter import Emitter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..store import Store

__all__ = ["Budget", "PartialImages", "RunContext", "RunRecorder", "Services", "Toolbox", "about_image"]

PartialImages = Literal["off", "judged", "blurred"]

_THOUGHT = "thought"  # where a content comes from that is one sentence of the thinking summary
_IMAGE: ContextVar[int | None] = ContextVar("image", default=None)


def about_image(index: int) -> None:
    """From here on, verdicts of this step are reported as being about this image of the set.

    LangGraph runs every branch of a fan-out in a context of its own, so this never reaches a sibling.
    """
    _IMAGE.set(index)


@dataclass(frozen=True)
class Budget:
    """What one run may spend: queries, pages read and seconds for each call of research; rounds of it; tokens and
    seconds after which nothing more is looked up; US dollars, and those of an account in 24 hours.

    `revisions` is how many images may be made once more after the reasoner has looked at them.
    """

    queries: int = 3
    pages: int = 6
    seconds: float = 12.0
    rounds: int = 2
    tokens: int = 200_000
    research_seconds: float = 120.0
    revisions: int = 2
    dollars: float | None = None
    account_dollars: float | None = None


@dataclass(frozen=True)
class Toolbox:
    """The raw tools. Nothing but their guarded effects calls them. `fallbacks` are tried, in order, where the
    generator fails.

    `search` raises SearchUnavailable, `read` FetchRefused or BadFile, `open_file` BadFile.
    """

    search: Callable[[str, int], Awaitable[tuple[SearchHit, ...]]] | None
    read: Callable[[SearchHit], Awaitable[Document]]
    open_file: Callable[[bytes, str], Awaitable[Document]]
    generator: ImageGenerator
    fallbacks: tuple[ImageGenerator, ...] = ()


def _is_thought(content: Content) -> bool:
    return bool(content.parts) and all(part.source == _THOUGHT for part in content.parts)


class RunRecorder:
    """Writes what guards decide into the ledger first, then tells the run's listeners."""

    def __init__(self, ledger: Recorder) -> None:
        self._ledger = ledger
        self.emitters: dict[str, Emitter] = {}

    async def verdict(
        self, *, run_id: str, content: Content, verdict: Verdict, clearance: Clearance | None = None
    ) -> None:
        await self._ledger.verdict(run_id=run_id, content=content, verdict=verdict, clearance=clearance)
        if _is_thought(content) and verdict.decision is Decision.ALLOW:
            return  # the thought itself is the event
        if emitter := self.emitters.get(run_id):
            await emitter.emit(
                VerdictGiven,
                stage=content.stage.value,
                decision=verdict.decision.value,
                policies=verdict.policies,
                failed=verdict.failed,
                reason=verdict.reason,
                not_checked=verdict.not_checked,
                seconds=round(verdict.seconds, 4),
                image=_IMAGE.get(),
            )

    async def effect(self, *, run_id: str, name: str, digest: bytes) -> None:
        await self._ledger.effect(run_id=run_id, name=name, digest=digest)


@dataclass(frozen=True)
class Services:
    """Everything that runs share. `drafter` is the reasoner that needs no model: instant mode plans with it.

    `reasoner_fallbacks` think where `reasoner` cannot; with none, a run fails where it does. `account_key` turns
    accounts into what remote services may be told of them.
    """

    policies: PolicySet
    guard: Guard
    office: ClearanceOffice
    recorder: RunRecorder
    store: Store
    reasoner: Reasoner
    drafter: Reasoner
    tools: Toolbox
    stamper: Stamper
    budget: Budget = Budget()
    reasoner_fallbacks: tuple[Reasoner, ...] = ()
    prices: PriceTable = field(default_factory=PriceTable.load)
    human_review: bool = False
    claim_prompt: bool = False
    generating: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    partial_images: PartialImages = "off"
    account_key: bytes = field(default=b"", repr=False)


@dataclass
class RunContext:
    """What one run carries beside its state; made anew at every start, never checkpointed.

    `repeat_unknown` lets a call be sent again whose end is unknown after a kill, though its backend is not idempotent.
    `manifests` are those of the brief's images (`Brief.manifests`).
    """

    run_id: str
    services: Services
    emitter: Emitter
    repeat_unknown: bool = False
    account: str = ""
    manifests: Mapping[str, str] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    reasoner: ReasonerChain = field(init=False)
    bill: Bill = field(init=False)
    begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.reasoner = ReasonerChain((self.services.reasoner, *self.services.reasoner_fallbacks), self.warn)
        self.bill = Bill(self.services.prices, limit=self.services.budget.dollars, keep=self._keep_cost)

    def elapsed(self) -> float:
        """Seconds since this start of the run."""
        return time.monotonic() - self.begun

    async def restore_bill(self) -> None:
        """Take up what earlier starts of this run have spent."""
        for entry in await self.services.store.ledger.entries(run_id=self.run_id, limit=100_000):
            if entry.kind == "cost":
                self.bill.restore(json.loads(entry.payload))

    async def _keep_cost(self, entry: dict[str, Any]) -> None:
        await self.services.store.ledger.append("cost", run_id=self.run_id, payload=entry)

    async def warn(self, text: str) -> None:
        """Tell the user something that does not stop the run."""
        await self.emit(Warned, text=text)

    async def emit(self, kind: type[Any], **fields: Any) -> None:
        await self.emitter.emit(kind, **fields)

    async def think(self, text: str) -> None:
        """Show a thought. A model's words are judged before anyone sees them, and left out where they do not pass."""
        if self.services.reasoner.name != self.services.drafter.name:
            content = Content.of_text(Stage.PLAN, text, source=_THOUGHT)
            if not isinstance(await self.services.guard.check(content, run_id=self.run_id), Cleared):
                await self.warn("A thought was left out by policy.")
                return
        await self.emitter.think(text)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Adds the wall-clock seconds spent inside to `timings[step]`."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[step] = round(self.timings.get(step, 0.0) + time.perf_counter() - begun, 4)
