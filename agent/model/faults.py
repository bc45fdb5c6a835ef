"""Names what goes wrong between us and a service. The SDK lets much of it through unnamed, or as nothing at all."""

from __future__ import annotations

import email.utils
import json
import time
from typing import Any

from ...errors import ReasonerError

__all__ = ["classify", "code_fault", "is_service_fault", "wait_asked"]

_REFUSALS = {
    "bio_policy",
    "content_filter",
    "content_policy_violation",
    "image_content_policy_violation",
    "invalid_prompt",
    "misalignment_policy_violation",
    "moderation_blocked",
    "cyber_policy_violation",
}
_BUSY = {"rate_limit_exceeded", "rate_limit"}
_DOWN = {"server_error", "internal_error", "overloaded", "engine_overloaded", "timeout"}


def is_service_fault(error: Exception) -> bool:
    """Whether `error` comes from the conversation with a service, and not from a bug of ours."""
    import httpx2
    import openai

    own = (openai.OpenAIError, httpx2.HTTPError, json.JSONDecodeError, UnicodeDecodeError, TimeoutError, OSError)
    return isinstance(error, own)


def classify(error: Exception, service: str) -> ReasonerError:
    """The typed error for what the SDK, the transport or the parser raised."""
    import openai

    match error:
        case openai.APITimeoutError() | TimeoutError():
            return _fault(service, "did not answer in time", "timeout", retryable=True)
        case openai.APIConnectionError():
            cause = error.__cause__
            if type(cause).__name__ in {"ConnectError", "ConnectTimeout"}:
                said = "cannot be reached. Check its address (base URL) and the network"
                return _fault(service, said, "unreachable", retryable=True)
            return _fault(service, "dropped the connection", "dropped", retryable=True)
        case openai.APIStatusError():
            return _by_status(error, service)
        case openai.APIError():
            return code_fault(service, error.code or "", str(error.message))
        case json.JSONDecodeError() | UnicodeDecodeError() | openai.APIResponseValidationError():
            return _fault(service, "sent an answer that is not valid JSON", "malformed", retryable=True)
        case openai.OpenAIError():
            return _fault(service, f"could not be asked ({type(error).__name__}: {error})", "rejected")
    return _fault(service, f"dropped the connection in mid-answer ({type(error).__name__})", "dropped", retryable=True)


def code_fault(service: str, code: str, message: str) -> ReasonerError:
    """The typed error for an error that came inside an answer: `code` as the service names it."""
    if code in _REFUSALS:
        return _fault(service, f"declined: {message}", "refused", code=code)
    if code == "insufficient_quota":
        return _fault(service, "has no quota left for this key: check its plan and billing", "quota", code=code)
    if code in _BUSY:
        return _fault(service, f"is over its rate limit: {message}", "rate_limited", retryable=True, code=code)
    if code in _DOWN or not code:
        return _fault(service, f"failed while answering: {message}", "unavailable", retryable=True, code=code)
    return _fault(service, f"failed while answering ({code}): {message}", "rejected", code=code)


def wait_asked(error: BaseException | None) -> float | None:
    """Seconds that the service asks to wait (`retry-after-ms`, then `retry-after` as seconds or date); None if it does
    not."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    if headers is None:
        return None
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        said = headers.get("retry-after")
        return None if said is None else max(0.0, float(said))
    except ValueError:
        parsed = email.utils.parsedate_tz(headers.get("retry-after") or "")
        return None if parsed is None else max(0.0, email.utils.mktime_tz(parsed) - time.time())


def _by_status(error: Any, service: str) -> ReasonerError:
    status, code, message = error.status_code, str(error.code or ""), str(error.message)[:400]
    if code in _REFUSALS or code == "insufficient_quota":
        return code_fault(service, code, message)
    if "<html" in message[:200].lower():
        message = "an HTML page"
    match status:
        case 401 | 403:
            said = f"refused the key ({status}): {message}. Check the key and what it may use"
            return _fault(service, said, "unauthorized", code=code)
        case 404:
            said = f"knows no such model or address ({message}). Check the model's name and the base URL"
            return _fault(service, said, "no_such_model", code=code)
        case 429:
            return _fault(service, f"is over its rate limit: {message}", "rate_limited", retryable=True, code=code)
        case 408 | 409:
            said = f"asked to try again ({status}): {message}"
            return _fault(service, said, "timeout" if status == 408 else "unavailable", retryable=True, code=code)
        case _ if status >= 500:
            return _fault(service, f"failed ({status}): {message}", "unavailable", retryable=True, code=code)
    return _fault(service, f"rejected the request ({status}): {message}", "rejected", code=code)


def _fault(service: str, said: str, kind: str, *, retryable: bool = False, code: str = "") -> ReasonerError:
    return ReasonerError(f"The language model {service} {said}.", kind=kind, retryable=retryable, code=code or None)
