"""Errors as the API words them: `type` says little, `code` is what to branch on."""

from __future__ import annotations

import math
from typing import Any

from .config import Fault

__all__ = ["ERRORS", "error", "error_answer"]


def error(message: str, type_: str, code: str | None = None, param: str | None = None, **extra: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": type_, "param": param, "code": code, **extra}}


ERRORS: dict[str, tuple[int, dict[str, Any]]] = {
    "400": (400, error("Invalid value for 'size'.", "invalid_request_error", "invalid_value", "size")),
    "401": (401, error("Incorrect API key provided.", "invalid_request_error", "invalid_api_key")),
    "403": (403, error("Your organization must be verified to use the model.", "invalid_request_error")),
    "404": (404, error("The model does not exist.", "invalid_request_error", "model_not_found", "model")),
    "408": (408, error("Request timed out.", "server_error", "timeout")),
    "409": (409, error("Conflict.", "invalid_request_error", "conflict")),
    "429": (429, error("Rate limit reached for requests per min (RPM).", "requests", "rate_limit_exceeded")),
    "429_quota": (429, error("You exceeded your current quota.", "insufficient_quota", "insufficient_quota")),
    "500": (500, error("The server had an error while processing your request.", "server_error")),
    "502": (502, error("Bad gateway.", "server_error")),
    "503": (503, error("The engine is currently overloaded.", "server_error", "overloaded")),
}


def error_answer(fault: Fault) -> tuple[int, dict[str, Any], list[tuple[str, str]]] | None:
    """Status, body and headers, where `fault` is answered by a JSON error."""
    if fault.kind == "moderation_blocked":
        message = "Your request was rejected by the safety system. If you believe this is an error, contact us."
        details = {"moderation_stage": fault.stage, "categories": ["violence"]}
        body = error(message, "image_generation_user_error", "moderation_blocked", moderation_details=details)
        return 400, body, []
    if fault.kind not in ERRORS:
        return None
    status, body = ERRORS[fault.kind]
    headers: list[tuple[str, str]] = []
    if fault.retry_after is not None:
        headers = [
            ("retry-after", str(math.ceil(fault.retry_after))),
            ("retry-after-ms", str(int(fault.retry_after * 1000))),
        ]
    return status, body, headers
