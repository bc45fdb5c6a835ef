"""The typed event stream of a run: the only thing that the CLI, the pages and the API render.

Events carry what may be shown. Nothing enters one before it is cleared: image bytes never, blocked text never.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

__all__ = [
    "Delivered",
    "Event",
    "ImageBlocked",
    "ImageFinished",
    "ImagePartial",
    "ImageRetried",
    "ImageStarted",
    "PlanMade",
    "Refused",
    "Rewritten",
    "RunFinished",
    "RunStarted",
    "SearchMade",
    "SourceRead",
    "Suspended",
    "Thinking",
    "VerdictGiven",
    "Warned",
    "parse_event",
]


class _Event(BaseModel):
    """What all events carry. `seq` counts from 0 within a run, without gaps; `at` is UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    seq: int = Field(ge=0)
    at: datetime


class RunStarted(_Event):
    """The run exists, and can be resumed by its id. `resumed` is true on every start but the first."""

    type: Literal["run.started"] = "run.started"
    mode: Literal["thinking", "instant", "edit"]
    n: int
    resumed: bool = False


class Thinking(_Event):
    """A summary of what the agent is thinking, one or a few sentences, cleared for display."""

    type: Literal["thinking"] = "thinking"
    text: str


class SearchMade(_Event):
    """A query that passed its guard was asked; `results` passed theirs, `dropped` did not."""

    type: Literal["search"] = "search"
    query: str
    provider: str
    results: int
    dropped: int = 0


class SourceRead(_Event):
    """A page or file was read, cleared, and may be cited."""

    type: Literal["source"] = "source"
    title: str
    url: str


class PlanMade(_Event):
    """The plan, cleared as a whole. `plan` is `Plan.public()`."""

    type: Literal["plan"] = "plan"
    plan: dict[str, Any]


class VerdictGiven(_Event):
    """A moderator's verdict, without the content it is about. `image` is the index of the image, if it is about one."""

    type: Literal["verdict"] = "verdict"
    stage: str
    decision: str
    policies: tuple[str, ...] = ()
    failed: bool = False
    reason: str = ""
    not_checked: tuple[str, ...] = ()
    seconds: float = 0.0
    image: int | None = None


class Rewritten(_Event):
    """A safe completion: what was changed in the request, and under which policies."""

    type: Literal["rewritten"] = "rewritten"
    policies: tuple[str, ...]
    changes: tuple[str, ...]
    image: int | None = None


class ImageStarted(_Event):
    """The generator was called for image `image` (0-based) of `of`."""

    type: Literal["image.started"] = "image.started"
    image: int
    of: int
    title: str = ""


class ImageBlocked(_Event):
    """Image `image` was blocked at `stage`."""

    type: Literal["image.blocked"] = "image.blocked"
    image: int
    stage: str
    policies: tuple[str, ...]
    reason: str


class ImageRetried(_Event):
    """Image `image` is tried once more, rewritten."""

    type: Literal["image.retried"] = "image.retried"
    image: int
    changes: tuple[str, ...] = ()


class ImageFinished(_Event):
    """Image `image` is cleared, stamped and stored as `ref` (`sha256:…`)."""

    type: Literal["image.finished"] = "image.finished"
    image: int
    ref: str
    media_type: str
    width: int
    height: int
    title: str = ""
    alt: str = ""


class ImagePartial(_Event):
    """A preview of image `image` while it is made, stored as `ref`: judged and cleared by itself, or `blurred` beyond
    recognition. Off unless the settings ask for it. It is not stamped, and the finished image may still be blocked:
    then it should be shown no longer."""

    type: Literal["image.partial"] = "image.partial"
    image: int
    number: int
    ref: str
    media_type: str
    blurred: bool


class Warned(_Event):
    """Something that the user should know and that did not stop the run."""

    type: Literal["warning"] = "warning"
    text: str


class Suspended(_Event):
    """The run waits for a human reviewer."""

    type: Literal["suspended"] = "suspended"
    stage: str
    policies: tuple[str, ...]


class Refused(_Event):
    """Nothing is delivered: the policies, the part of the request, and what can be made instead."""

    type: Literal["refused"] = "refused"
    stage: str
    policies: tuple[str, ...]
    reason: str
    offer: tuple[str, ...]


class Delivered(_Event):
    """The set passed as a set, and may be shown: references in order, None for a gap."""

    type: Literal["delivered"] = "delivered"
    images: tuple[str | None, ...]


class RunFinished(_Event):
    """The end of the stream. `result` is `RunResult.public()`, except while suspended."""

    type: Literal["run.finished"] = "run.finished"
    status: Literal["delivered", "partial", "refused", "failed", "suspended", "cancelled", "planned"]
    result: dict[str, Any] = Field(default_factory=dict)


Event = Annotated[
    RunStarted
    | Thinking
    | SearchMade
    | SourceRead
    | PlanMade
    | VerdictGiven
    | Rewritten
    | ImageStarted
    | ImageBlocked
    | ImageRetried
    | ImageFinished
    | ImagePartial
    | Warned
    | Suspended
    | Refused
    | Delivered
    | RunFinished,
    Field(discriminator="type"),
]

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def parse_event(data: dict[str, Any] | str | bytes) -> Event:
    """An event from its JSON form. Raises pydantic.ValidationError for anything else."""
    if isinstance(data, dict):
        return _ADAPTER.validate_python(data)
    return _ADAPTER.validate_json(data)
