"""What the simulator is told to do. All of it is JSON, so that a process of its own can be told the same."""

from __future__ import annotations

import math
import random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Config", "Fault", "FaultKind", "Latency", "Picture", "Rule"]

Endpoint = Literal[
    "responses", "chat.completions", "images.generations", "images.edits", "moderations", "decisions",
    "content_provenance_checks", "models", "*",
]  # fmt: skip

FaultKind = Literal[
    "400", "401", "403", "404", "408", "409", "429", "429_quota", "500", "502", "503",  # JSON errors
    "slow",  # `ms` more, then the usual answer
    "hang",  # never answers
    "drop",  # the connection is reset before the first byte of an answer
    "drop_mid",  # … in the middle of the body or of the stream
    "truncated",  # the body or the stream ends early, and the connection is closed cleanly
    "malformed",  # broken JSON with status 200, or in one event of the stream
    "html",  # a gateway's page with status 200
    "plain",  # JSON where a stream was asked for
    "empty",  # a well-formed answer without output
    "nothing",  # status 200 and no body at all
    "stream_error",  # an `error` event in the middle of the stream
    "moderation_blocked",  # images: 400; responses: a failed item in a completed response
    "refusal",  # responses, chat: the model refuses
    "content_filter",  # responses: incomplete; chat: finish_reason
    "length",  # the answer was cut off by the token limit
    "failed",  # responses: status failed
    "not_json",  # responses, chat: prose where JSON was asked for
]  # fmt: skip


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Latency(_Model):
    """Milliseconds. With `p99_ms` it is lognormal with that median and 99th percentile, drawn by request number."""

    ms: float = 0.0
    p99_ms: float | None = None
    ttfb_ms: float = 0.0
    gap_ms: float = 0.0  # between the events of a stream

    def seconds(self, endpoint: str, number: int) -> float:
        ms = self.ms
        if self.p99_ms and ms > 0:
            sigma = math.log(self.p99_ms / ms) / 2.3263
            ms *= math.exp(sigma * random.Random(f"{endpoint}:{number}").gauss(0, 1))
        return ms / 1000


class Fault(_Model):
    """One fault, and which calls of `endpoint` it befalls.

    every: each Nth call · first: calls 1..N · times: at most so often · contains: text in the raw request body ·
    p: a probability, decided by the body and the number. All that are given must hold.
    """

    kind: FaultKind
    endpoint: Endpoint = "*"
    every: int | None = None
    first: int | None = None
    times: int | None = None
    contains: str | None = None
    p: float | None = None
    retry_after: float | None = None  # seconds; a 429 or 503 without it carries no such header
    ms: float = 1000.0  # of `slow`
    stage: Literal["input", "output"] = "input"  # of `moderation_blocked`


class Rule(_Model):
    """Answers `respond` to the first request that matches all that is given; for responses and chat.

    `respond` is one of {"json": …}, {"text": …}, {"refusal": …}, {"output": [items]}, {"call": {name, arguments}}.
    Without a rule, a request for a schema is answered by an instance made from it.
    """

    respond: dict[str, Any] = Field(default_factory=dict)
    endpoint: Endpoint = "*"
    schema_name: str | None = Field(default=None, alias="schema")
    model: str | None = None
    contains: str | None = None
    nth: int | None = None
    times: int | None = None
    latency_ms: float = 0.0
    fault: FaultKind | None = None


class Picture(_Model):
    """tiny: `px` square · sized: as asked, a gradient · realistic: as asked, incompressible (megabytes)."""

    mode: Literal["tiny", "sized", "realistic"] = "tiny"
    px: int = 64


class Config(_Model):
    latency: dict[Endpoint, Latency] = Field(default_factory=dict)
    faults: list[Fault] = Field(default_factory=list)
    rules: list[Rule] = Field(default_factory=list)
    image: Picture = Field(default_factory=Picture)
    missing: set[Endpoint] = Field(default_factory=set)  # endpoints that this service does not have
    schemas: bool = True  # whether it takes a JSON schema; else 400
    summaries: bool = True  # whether it takes `reasoning`; else 400
    vision: bool = True  # whether it takes images; else 400
    remember: int | None = None  # how many calls are kept to be asked about; None for all
    key: str | None = None  # the only API key that is accepted; None for any
