"""Errors as clients of OpenAI's API know them: one shape, whatever went wrong, with a code and the request's id."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from ..errors import BadInput, SafelightError
from .envelope import request_id_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["ApiError", "ErrorBody", "bad_request", "busy", "error_body", "install", "last_resort", "not_found"]

_log = structlog.get_logger(__name__)


class ErrorDetail(BaseModel):
    """What went wrong. `param` names the field at fault; `moderation_details` is there for what was blocked."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None
    request_id: str | None = None
    moderation_details: dict[str, Any] | None = None


class ErrorBody(BaseModel):
    """Every answer with a status of 400 or more."""

    error: ErrorDetail


class ApiError(Exception):
    """An answer other than the one that was asked for."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        type: str = "invalid_request_error",
        param: str | None = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.type = type
        self.param = param
        self.headers = headers or {}
        self.extra = extra

    def body(self, request_id: str) -> dict[str, Any]:
        """The error as JSON."""
        return error_body(str(self), self.type, self.code, self.param, request_id, **self.extra)


def bad_request(message: str, *, param: str | None = None, code: str = "invalid_value") -> ApiError:
    """400: the request cannot be served as it is; the message says how to mend it."""
    return ApiError(400, message, code=code, param=param)


def not_found(what: str, *, param: str | None = None) -> ApiError:
    """404: there is none, or none of the caller's."""
    return ApiError(404, f"No such {what}.", code="not_found", param=param)


def busy(message: str, seconds: float, *, status: int = 429, code: str = "rate_limit_exceeded") -> ApiError:
    """429 or 503: not now, but in `seconds`."""
    headers = {"retry-after": str(max(1, round(seconds))), "retry-after-ms": str(max(1, round(seconds * 1000)))}
    return ApiError(status, message, code=code, type="rate_limit_error", headers=headers)


def error_body(
    message: str, type: str, code: str | None, param: str | None, request_id: str, **extra: Any
) -> dict[str, Any]:
    """The shape that OpenAI's clients read; they hand unknown keys on."""
    fields = {"message": message, "type": type, "param": param, "code": code, "request_id": request_id}
    return {"error": {**fields, **extra}}


def install(app: FastAPI, page: Callable[[Request, int, str], Response | None] = lambda *_: None) -> None:
    """Give every error of the application that shape; or that of `page`, where it has one for whoever asked."""
    app.state.error_page = page
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _invalid)
    app.add_exception_handler(SafelightError, _own_error)


def _answer(request: Request, status: int, error: ApiError) -> Response:
    page: Response | None = request.app.state.error_page(request, status, str(error))
    if page is not None:
        page.headers.update(error.headers)
        return page
    # Clients of OpenAI's API retry 408, 409, 429 and everything from 500: a decision is not worth retrying.
    retry = {"x-should-retry": "false"} if status in {400, 409} else {}
    return JSONResponse(error.body(request_id_of(request.scope)), status, headers={**retry, **error.headers})


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for nothing else
    return _answer(request, error.status, error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    name = HTTPStatus(error.status_code).phrase
    codes = {404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}
    code = codes.get(error.status_code, name.lower().replace(" ", "_"))
    message = error.detail if error.detail != name else f"{name}: {request.method} {request.url.path[:200]}"
    wrapped = ApiError(error.status_code, message, code=code, headers=dict(error.headers or {}))
    return _answer(request, error.status_code, wrapped)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError | ValidationError)  # noqa: S101 - registered for nothing else
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path", "header"})
    message = str(first["msg"]).removeprefix("Value error, ")
    code = "invalid_json" if first["type"] == "json_invalid" else "invalid_value"
    return _answer(
        request, 400, bad_request(f"{where}: {message}" if where else message, param=where or None, code=code)
    )


async def _own_error(request: Request, error: Exception) -> Response:
    if isinstance(error, BadInput):
        return _answer(request, 400, bad_request(str(error)))
    _log.error("request broke", exc_info=error)
    run_id = getattr(error, "run_id", None)
    broken = ApiError(
        500, str(error), code="server_error", type="server_error", **({"run_id": run_id} if run_id else {})
    )
    return _answer(request, 500, broken)


def last_resort(request: Request, error: Exception) -> Response:
    """The answer to what no handler took."""
    if isinstance(error, ApiError):  # raised while the framework read the body, outside of its handlers
        return _answer(request, error.status, error)
    _log.error("request broke", exc_info=error)
    broken = ApiError(500, "The server failed; its log says more.", code="server_error", type="server_error")
    return _answer(request, 500, broken)
