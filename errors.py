"""One exception tree. A block is a value (`safelight.safety.Verdict`); an exception is for broken machinery.

    SafelightError
     ├─ ConfigError            settings that cannot work, or an extra that is not installed
     ├─ BadInput               what the user gave cannot be used
     │   ├─ BadBrief           an empty, oversized or malformed request
     │   ├─ BadImage           an image that does not decode within bounds
     │   └─ BadFile            a document that cannot be read within bounds
     ├─ Uncleared              an effect or a delivery was attempted without a valid clearance
     ├─ GraphError
     │   ├─ UnguardedPath      a graph in which some path misses a guard
     │   └─ UndeclaredRoute    a node or branch routed where it had not declared to
     ├─ ToolError
     │   ├─ SearchUnavailable  no search provider answered
     │   ├─ FetchRefused       an address that policy forbids, or a page outside the limits
     │   ├─ GeneratorError     the image generator failed
     │   └─ ReasonerError      the language model that reasons failed
     └─ StoreError             the database, the blobs or the ledger are unreachable or damaged
         └─ LedgerBroken       the audit chain does not verify

Every message says what happened, why, and what to do next. `run_id` and `stage` are set where they are known.
"""

from __future__ import annotations

__all__ = [
    "BadBrief",
    "BadFile",
    "BadImage",
    "BadInput",
    "ConfigError",
    "FetchRefused",
    "GeneratorError",
    "GraphError",
    "LedgerBroken",
    "ReasonerError",
    "SafelightError",
    "SearchUnavailable",
    "StoreError",
    "ToolError",
    "Uncleared",
    "UndeclaredRoute",
    "UnguardedPath",
]


class SafelightError(Exception):
    """The root of the tree; `run_id` and `stage` say where it happened, when that is known."""

    def __init__(self, message: str, *, run_id: str | None = None, stage: str | None = None) -> None:
        super().__init__(message)
        self.run_id = run_id
        self.stage = stage


class ConfigError(SafelightError):
    """Settings that cannot work, or a part of the installation that is missing."""


class BadInput(SafelightError):
    """What the user gave cannot be used; the message says how to mend it."""


class BadBrief(BadInput):
    """A request that is empty, oversized or malformed."""


class BadImage(BadInput):
    """An image that does not decode within bounds."""


class BadFile(BadInput):
    """A document that cannot be read within bounds."""


class Uncleared(SafelightError):
    """An effect or a delivery was attempted without a clearance for exactly that content."""


class GraphError(SafelightError):
    """A graph that cannot be compiled or may not be run as asked."""


class UnguardedPath(GraphError):
    """Some path reaches an effect, or leaves it, without its guard. `path` lists the nodes of one such path."""

    def __init__(self, message: str, *, path: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


class UndeclaredRoute(GraphError):
    """A node or branch routed to a node that it had not declared."""


class ToolError(SafelightError):
    """A tool failed."""


class SearchUnavailable(ToolError):
    """No search provider answered; the run goes on, marked as not researched."""


class FetchRefused(ToolError):
    """An address that policy forbids, or a page outside the limits."""


class GeneratorError(ToolError):
    """The image generator failed. `retryable` says whether the same call may succeed later;
    `charged` is true where the service may have billed the call, None where that is unknown. `kind` names how it
    failed (for a service, one of `services.FaultKind`). `unknown_end` says that it may have done the work although no
    usable answer came: such a call is not made again unless the user says so."""

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        charged: bool | None = None,
        code: str | None = None,
        kind: str = "failed",
        unknown_end: bool = False,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.charged = charged
        self.code = code
        self.kind = kind
        self.unknown_end = unknown_end


class ReasonerError(ToolError):
    """The language model that reasons failed. `kind` names how: one of `unreachable`, `timeout`, `dropped`,
    `rate_limited`, `quota`, `unavailable`, `unauthorized`, `no_such_model`, `rejected`, `html`, `malformed`,
    `truncated`, `empty`, `incomplete`, `invalid` (an answer outside the schema), `refused`. `retryable` says whether
    the same call may succeed later."""

    def __init__(self, message: str, *, kind: str, retryable: bool = False, code: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.code = code


class StoreError(SafelightError):
    """The database, the blobs or the ledger are unreachable or damaged."""


class LedgerBroken(StoreError):
    """The audit chain does not verify. `entry` is the number of the first bad entry, `fault` what was done there:
    edit, deletion, insertion, reordering, truncation, head (the record of where the chain ends), key, anchor."""

    def __init__(self, message: str, *, entry: int, fault: str = "") -> None:
        super().__init__(message)
        self.entry = entry
        self.fault = fault
