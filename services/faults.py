"""Everything that can go wrong with a service, told apart by what a caller should do about it.

| kind | what happened | sent again |
|---|---|---|
| `unreachable` | no connection: the request never left | yes |
| `rate_limited` | 429 | yes, when the service says |
| `unavailable` | 409, 500, 503: the service answered that it did not do it | yes |
| `timeout`, `dropped` | no answer (408, 502, 504 too): it may have been done, and billed | if harmless |
| `truncated`, `malformed`, `html`, `empty` | an answer that cannot be used: it may have been billed | if harmless |
| `quota`, `unauthorized`, `no_such_model`, `rejected`, `blocked` | would end the same | never |
| `failed`, `incomplete`, `refused`, `invalid` | the model ended without a usable answer | never |
| `busy` | the breaker is open, or the deadline would pass: nothing was sent | later |

Branching is by `error.code`: one `type` covers both a blocked image and a bad size, and one status both a rate limit
and an empty account.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from ..errors import ToolError

__all__ = ["FaultKind", "ServiceFault", "fault_of"]

FaultKind = Literal[
    "unreachable", "rate_limited", "unavailable", "timeout", "dropped", "truncated", "malformed", "html", "empty",
    "quota", "unauthorized", "no_such_model", "rejected", "blocked", "failed", "incomplete", "refused", "invalid",
    "busy",
]  # fmt: skip

_DONE_NOTHING: frozenset[FaultKind] = frozenset({"unreachable", "rate_limited", "unavailable"})
_UNKNOWN_END: frozenset[FaultKind] = frozenset({"timeout", "dropped", "truncated", "malformed", "html", "empty"})
_OF_THE_SERVICE: frozenset[FaultKind] = frozenset({"unreachable", "unavailable", *_UNKNOWN_END})
_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_BLOCKED = {
    "moderation_blocked",
    "content_policy_violation",
    "image_content_policy_violation",
    "misalignment_policy_violation",
    "bio_policy",
}
# A gateway that gave up on what stands behind it, which may be at work still (52x are those of a well-known one).
_GATEWAY_GAVE_UP = {408, 502, 504, 520, 522, 524}


class ServiceFault(ToolError):
    """A call to a service failed. `sent` is false where the request never left; `charged` as in `GeneratorError`.

    `retry_after` is in seconds, where the service named it; `details` is what it said about a block (stage and
    categories). `status` and `said` are the HTTP status and the service's own words, for finding out what it cannot
    do: `said` may quote what was sent, and is never shown. The message never quotes it.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: FaultKind,
        code: str | None = None,
        sent: bool = True,
        retry_after: float | None = None,
        details: dict[str, Any] | None = None,
        status: int = 0,
        said: str = "",
    ) -> None:
        super().__init__(message)
        self.kind: FaultKind = kind
        self.code = code
        self.sent = sent
        self.retry_after = retry_after
        self.details = details or {}
        self.status = status
        self.said = said

    @property
    def retryable(self) -> bool:
        """The same call may succeed later."""
        return self.kind in _DONE_NOTHING | _UNKNOWN_END or self.kind == "busy"

    @property
    def unknown_end(self) -> bool:
        """It was sent, and may have been done and billed although no usable answer came."""
        return self.sent and self.kind in _UNKNOWN_END

    @property
    def of_the_service(self) -> bool:
        """It speaks about the service's health rather than about this request: what a breaker counts."""
        return self.kind in _OF_THE_SERVICE

    @property
    def charged(self) -> bool | None:
        """Whether the service may have billed the call; None where nobody can know."""
        return None if self.unknown_end or self.kind in {"blocked", "failed", "incomplete", "refused"} else False


def fault_of(error: BaseException, role: str) -> ServiceFault:
    """What an exception of the SDK, its transport or a decoder comes to, in one sentence for the user.

    Raises:
        BaseException: `error` itself, where it is none of these (a cancellation, an error of ours, a bug).
    """
    import httpx2
    import openai

    if isinstance(error, ServiceFault):
        return error
    if isinstance(error, openai.APIStatusError):
        return _status_fault(error, role)
    if isinstance(error, openai.APITimeoutError | TimeoutError | httpx2.TimeoutException | openai.APIConnectionError):
        return _transport_fault(error.__cause__ if isinstance(error, openai.APIError) else error, role)
    if isinstance(error, openai.APIError):  # an `error` event within a stream
        return stream_fault({"code": error.code, "message": error.message}, role)
    if isinstance(error, httpx2.TransportError):
        return _transport_fault(error, role)
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | httpx2.DecodingError):
        return ServiceFault(f"The {role} answered with something that is not JSON.", kind="malformed")
    raise error


def stream_fault(body: dict[str, Any], role: str) -> ServiceFault:
    """The fault that an `error` object within an answer of 200 names."""
    code = _code(body)
    if code in _BLOCKED:
        return _blocked(body, code, role)
    if code in _QUOTA:
        return ServiceFault(f"The account of the {role} has no quota left.", kind="quota", code=code)
    said = f" ({code})" if code else ""
    return ServiceFault(f"The {role} reported an error in the middle of its answer{said}.", kind="dropped", code=code)


def _transport_fault(cause: BaseException | None, role: str) -> ServiceFault:
    import httpx2

    if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout | httpx2.UnsupportedProtocol):
        return ServiceFault(
            f"The {role} cannot be reached. Check its base URL and the network.", kind="unreachable", sent=False
        )
    if isinstance(cause, httpx2.TimeoutException | TimeoutError):
        return ServiceFault(f"The {role} did not answer in time. Whether it did the work is unknown.", kind="timeout")
    if isinstance(cause, httpx2.RemoteProtocolError) and "incomplete" in str(cause):
        return ServiceFault(f"The answer of the {role} broke off before its end.", kind="truncated")
    return ServiceFault(f"The {role} dropped the connection. Whether it did the work is unknown.", kind="dropped")


def _status_fault(error: Any, role: str) -> ServiceFault:
    """`error` is an `openai.APIStatusError`; its `body` is the inner error object, unknown keys included."""
    status: int = error.status_code
    body = error.body if isinstance(error.body, dict) else {}
    fault = _named_fault(error, status, body, role)
    fault.status, fault.said = status, f"{body.get('param') or ''} {body.get('message') or ''}".strip()[:400]
    return fault


def _named_fault(error: Any, status: int, body: dict[str, Any], role: str) -> ServiceFault:
    code = _code(body)
    named = f"{status}, {code}" if code else str(status)
    if code in _QUOTA or body.get("type") in _QUOTA:
        return ServiceFault(
            f"The account of the {role} has no quota left ({named}). Add credit or use another key.",
            kind="quota",
            code=code,
        )
    if code in _BLOCKED:
        return _blocked(body, code, role)
    if status in {408, 409, 429} or (status >= 500 and status != 501):
        return _outage(status, named, code, _retry_after(error.response.headers), role)
    return _request_fault(status, body, named, code, role)


def _outage(status: int, named: str, code: str | None, after: float | None, role: str) -> ServiceFault:
    """The fault of a service that may serve the same request later."""
    if status == 429:
        return ServiceFault(
            f"The {role} is limiting our rate ({named}).", kind="rate_limited", code=code, retry_after=after
        )
    if status in _GATEWAY_GAVE_UP:
        return ServiceFault(
            f"A gateway before the {role} gave up ({named}). Whether the work was done is unknown.",
            kind="timeout" if status in {408, 504, 524} else "dropped",
            code=code,
            retry_after=after,
        )
    return ServiceFault(f"The {role} is not available ({named}).", kind="unavailable", code=code, retry_after=after)


def _request_fault(status: int, body: dict[str, Any], named: str, code: str | None, role: str) -> ServiceFault:
    """The fault of a request that would end the same if it were sent again."""
    if status in {401, 403}:
        message = f"The {role} refused our key ({named}). Check the key and what it may use."
        return ServiceFault(message, kind="unauthorized", code=code)
    if status == 404:
        message = f"The {role} does not know this model or address ({named}). Check the model's name and the base URL."
        return ServiceFault(message, kind="no_such_model", code=code)
    param = body.get("param")
    about = f" about {param!r}" if isinstance(param, str) and param.isidentifier() else ""
    return ServiceFault(f"The {role} rejected the request{about} ({named}).", kind="rejected", code=code)


def _blocked(body: dict[str, Any], code: str | None, role: str) -> ServiceFault:
    details = body.get("moderation_details")
    known = details if isinstance(details, dict) else {}
    stage = known.get("moderation_stage")
    where = {"input": " the request", "output": " the image it had made"}.get(str(stage), "")
    return ServiceFault(f"The {role}'s own safety system blocked{where or ' this'}.", kind="blocked",
                        code=code, details=known)  # fmt: skip


def _code(body: dict[str, Any]) -> str | None:
    """The error's code, if it looks like one: it ends up in messages and in the ledger."""
    code = body.get("code")
    return code if isinstance(code, str) and len(code) <= 80 and code.replace("_", "").isalnum() else None


def _retry_after(headers: Any) -> float | None:
    """Seconds from `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, section 10.2.3)."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) / unit)
        except ValueError:
            pass
        try:
            return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError):
            pass
    return None
