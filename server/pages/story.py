"""A run as a person follows it: the events, folded into what a page shows.

The pages render this and nothing else, so that a reload, a reconnect and a run that is watched from its first second
look the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from ...events import (
    Delivered,
    Event,
    ImageBlocked,
    ImageFinished,
    ImageRetried,
    ImageStarted,
    PlanMade,
    Refused,
    Rewritten,
    RunFinished,
    RunStarted,
    SearchMade,
    SourceRead,
    Suspended,
    Thinking,
    VerdictGiven,
    Warned,
)

__all__ = ["STAGES", "Check", "Frame", "Offer", "Step", "Story", "web_address"]

# What each stage is called on a page.
STAGES = {
    "prompt": "your brief",
    "plan": "the plan",
    "tool_call": "a question to the web",
    "tool_result": "what was found",
    "generator_input": "the words for an image",
    "generator_output": "an image",
    "image_set": "the set as a whole",
}
_STEPS = ("Brief", "Thought", "Plan", "Exposure", "Set", "Delivery")
_REACHED = {
    "prompt": 0,
    "tool_call": 1,
    "tool_result": 1,
    "plan": 2,
    "generator_input": 3,
    "generator_output": 3,
    "image_set": 4,
}


@dataclass(frozen=True)
class Check:
    """One verdict. `seconds` is wall-clock time, `image` a 0-based index or None."""

    stage: str
    decision: str
    policies: tuple[str, ...]
    reason: str
    failed: bool
    seconds: float
    image: int | None
    times: int = 1

    @property
    def subject(self) -> str:
        """What was judged, in words."""
        if self.image is not None and self.stage in {"generator_input", "generator_output"}:
            return f"{'the words for ' if self.stage == 'generator_input' else ''}image {self.image + 1}"
        if self.times > 1 and self.stage == "tool_call":
            return f"{self.times} questions to the web"
        if self.times > 1:
            return f"{self.times} finds"
        return STAGES.get(self.stage, self.stage.replace("_", " "))


@dataclass(frozen=True)
class Offer:
    """Something that can be asked instead: how it reads, and the prompt (and mode) that asks for it."""

    text: str
    prompt: str
    mode: str = ""


@dataclass(frozen=True)
class Step:
    """One station of a run: `done`, `now`, `ahead` or `stopped`."""

    name: str
    state: Literal["done", "now", "ahead", "stopped"]


@dataclass
class Frame:
    """One place in the set.

    `planned` (a card), `exposing` (the generator works), `judging` (the picture is looked at), `fixed` (cleared and
    stamped, waiting for the set), `print` (delivered) or `gap`. `ref` is set only once the set was delivered: no
    page can show a picture before.
    """

    index: int
    title: str = ""
    role: str = ""
    width: int = 1024
    height: int = 1024
    items: tuple[str, ...] = ()
    prompt: str = ""
    state: Literal["planned", "exposing", "judging", "fixed", "print", "gap"] = "planned"
    alt: str = ""
    ref: str = ""
    media_type: str = ""
    changes: tuple[str, ...] = ()
    reason: str = ""
    policies: tuple[str, ...] = ()
    offer: tuple[str, ...] = ()
    stamp: dict[str, Any] | None = None


@dataclass
class Story:
    """Everything that is known of a run so far. `seq` is the number of the last event, -1 before the first."""

    run_id: str
    prompt: str = ""
    mode: str = "thinking"
    status: str = "running"
    seq: int = -1
    started: datetime | None = None
    ended: datetime | None = None
    resumed: bool = False
    thoughts: list[str] = field(default_factory=list)
    searches: list[SearchMade] = field(default_factory=list)
    read: list[dict[str, str]] = field(default_factory=list)
    plan: dict[str, Any] | None = None
    frames: dict[int, Frame] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    rewrites: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    waiting: Suspended | None = None
    refusal: dict[str, Any] | None = None
    result: dict[str, Any] = field(default_factory=dict)
    said: str = ""

    @classmethod
    def told(cls, run_id: str, events: Iterable[Event], *, prompt: str = "") -> Story:
        """The story of these events, in order. `prompt` is what was asked for."""
        story = cls(run_id, prompt)
        for event in events:
            story.add(event)
        return story

    @property
    def is_over(self) -> bool:
        return self.status != "running"

    @property
    def seconds(self) -> float | None:
        """Wall-clock seconds from the first event to the last; None while it runs."""
        return (self.ended - self.started).total_seconds() if self.ended and self.started else None

    @property
    def prints(self) -> list[Frame]:
        """The delivered images, in order."""
        return [frame for frame in self.sheet if frame.state == "print"]

    @property
    def sheet(self) -> list[Frame]:
        return [self.frames[index] for index in sorted(self.frames)]

    def offers(self, lines: Iterable[str]) -> list[Offer]:
        """What can be asked instead, each as a prompt that one click takes over."""
        return [self._offer(line) for line in lines]

    def _offer(self, line: str) -> Offer:
        if line.startswith("Thinking mode can"):
            return Offer(
                "The same, in thinking mode, which can rewrite it into what can be drawn", self.prompt, "thinking"
            )
        if line.startswith("The same request again"):
            return Offer("The same again, a little later: nothing in it stood against it", self.prompt)
        return Offer(line, line)

    @property
    def sources(self) -> list[dict[str, str]]:
        """What may be cited: from the result once there is one, before that what was read."""
        cited = self.result.get("sources") or self.read
        return [{**source, "href": web_address(str(source.get("url", "")))} for source in cited]

    @property
    def rows(self) -> list[Check]:
        """The checks as a list is best read: what passed of the research is counted, all else stands for itself."""
        rows: list[Check] = []
        places: dict[str, int] = {}
        for check in self.checks:
            place = places.get(check.stage)
            if check.decision != "allow" or not check.stage.startswith("tool_"):
                rows.append(check)
            elif place is None:
                places[check.stage] = len(rows)
                rows.append(check)
            else:
                known = rows[place]
                seconds = max(known.seconds, check.seconds)
                rows[place] = replace(known, times=known.times + 1, seconds=seconds)
        return rows

    @property
    def is_unchecked(self) -> bool:
        """It ended because a check broke, not because it decided."""
        return bool(self.refusal and self.refusal.get("failed")) and any(check.failed for check in self.checks)

    @property
    def steps(self) -> list[Step]:
        """The stations, with the one where the run stands."""
        at = self._station()
        here: Literal["now", "stopped"] = "now" if not self.is_over or self.status == "suspended" else "stopped"
        if self.status in {"delivered", "partial"}:
            return [Step(name, "done") for name in _STEPS]
        states: list[Literal["done", "now", "ahead", "stopped"]] = [
            "done" if number < at else here if number == at else "ahead" for number in range(len(_STEPS))
        ]
        return [Step(name, state) for name, state in zip(_STEPS, states, strict=True)]

    def _station(self) -> int:
        stage = self.refusal["stage"] if self.refusal else self.waiting.stage if self.waiting else None
        if stage is not None:
            return _REACHED.get(stage, 3 if self.frames else 0)
        if self.frames:
            done = all(frame.state in {"fixed", "print", "gap"} for frame in self.frames.values())
            started = any(frame.state != "planned" for frame in self.frames.values())
            return 4 if done and started else 3
        if self.plan is not None or any(check.stage == "plan" for check in self.checks):
            return 2
        return 1 if any(check.stage == "prompt" for check in self.checks) else 0

    def add(self, event: Event) -> None:  # noqa: PLR0912 (one case an event, nothing nested)
        """Take one event in, and set `said` to what a listener should hear of it, if anything."""
        self.seq, self.said = event.seq, ""
        self.started = self.started or event.at
        match event:
            case RunStarted():
                self._begin(event)
            case Thinking():
                if event.text not in self.thoughts:  # a resumed run may think the same again
                    self.thoughts.append(event.text)
            case SearchMade():
                self.searches.append(event)
                self.said = f"Looked up: {event.query}"
            case SourceRead():
                self.read.append({"title": event.title, "url": event.url})
            case PlanMade():
                self._lay_out(event.plan)
            case VerdictGiven():
                self._check(event)
            case Rewritten():
                self._rewrite(event)
            case ImageStarted():
                self._frame(event.image, state="exposing", title=event.title)
            case ImageRetried():
                self._frame(event.image, state="exposing", changes=event.changes, reason="")
                self.said = f"Image {event.image + 1} is tried once more, rewritten."
            case ImageBlocked():
                self._frame(event.image, state="gap", reason=event.reason, policies=event.policies)
                self.said = f"Image {event.image + 1} was stopped."
            case ImageFinished():
                self._finish_image(event)
            case Warned():
                self.warnings.append(event.text)
            case Suspended():
                self.waiting = event
                self.said = "The run waits for a human reviewer."
            case Refused():
                self.refusal = event.model_dump(include={"stage", "policies", "reason", "offer"})
                self.said = "Refused. What can be made instead is listed."
            case Delivered():
                self._deliver(event)
            case RunFinished():
                self._end(event)

    def _begin(self, event: RunStarted) -> None:
        self.mode, self.status, self.waiting, self.ended = event.mode, "running", None, None
        self.resumed = event.resumed
        self.said = "The run goes on." if event.resumed else "The run has begun."

    def _lay_out(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        for spec in plan["images"]:
            self._frame(
                spec["index"],
                title=spec["title"] or spec["subject"],
                role=spec["role"].replace("_", " "),
                width=spec["size"]["width"],
                height=spec["size"]["height"],
                items=tuple(item["label"] for item in spec["items"])[:5],
                prompt=spec["instruction"] or spec["prompt"],
                alt=spec["alt"],
            )
        count = len(plan["images"])
        self.said = f"The plan: {count} image{'' if count == 1 else 's'}."

    def _check(self, event: VerdictGiven) -> None:
        self.checks.append(
            Check(
                stage=event.stage,
                decision=event.decision,
                policies=event.policies,
                reason=event.reason,
                failed=event.failed,
                seconds=event.seconds,
                image=event.image,
            )
        )
        if event.image is None or event.decision != "allow":
            return
        frame = self.frames.get(event.image)
        if event.stage == "generator_output" and frame is not None and frame.state == "exposing":
            frame.state = "judging"

    def _rewrite(self, event: Rewritten) -> None:
        if event.image is not None:
            self._frame(event.image, changes=event.changes)
        self.rewrites.append(event.model_dump(include={"policies", "changes", "image"}))
        self.said = "Something was changed for safety."

    def _finish_image(self, event: ImageFinished) -> None:
        self._frame(
            event.image,
            state="fixed",
            width=event.width,
            height=event.height,
            media_type=event.media_type,
            alt=event.alt,
            **({"title": event.title} if event.title else {}),
        )
        self.said = f"Image {event.image + 1} is made, checked and stamped."

    def _deliver(self, event: Delivered) -> None:
        for index, ref in enumerate(event.images):
            self._frame(index, ref=ref or "", state="print" if ref else "gap")

    def _end(self, event: RunFinished) -> None:
        self.status, self.result, self.ended = event.status, event.result, event.at
        if event.result.get("refusal"):
            self.refusal = event.result["refusal"]
        for index, image in enumerate(event.result.get("images", ())):
            if gap := image.get("gap"):
                policies = tuple(part for part in gap["policy"].split(", ") if part)
                self._frame(index, state="gap", reason=gap["reason"], policies=policies, offer=tuple(gap["offer"]))
            else:
                self._frame(index, stamp=image.get("stamp"))
        self.said = _ENDINGS.get(event.status, "The run has ended.")

    def _frame(self, index: int, **changes: Any) -> None:
        frame = self.frames.setdefault(index, Frame(index))
        for name, value in changes.items():
            setattr(frame, name, value)


_ENDINGS = {
    "delivered": "The set is finished.",
    "partial": "The set is finished, with gaps.",
    "refused": "Refused. What can be made instead is listed.",
    "failed": "The run broke off.",
    "suspended": "The run waits for a human reviewer.",
    "cancelled": "Cancelled.",
    "planned": "Only a plan was asked for: no image was made.",
}


def web_address(url: str) -> str:
    """The address, if a browser may follow it; a source's address is untrusted text."""
    try:
        return url if urlsplit(url).scheme in {"http", "https"} else ""
    except ValueError:
        return ""
