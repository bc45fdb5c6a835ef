"""The API's own description (OpenAPI), which says of errors what is true: they are JSON, always."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

__all__ = ["install"]

_ERRORS = ("4XX", "5XX")


def install(app: FastAPI) -> None:
    """Let the application describe itself so."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes
            )
            for operations in app.openapi_schema.get("paths", {}).values():
                for operation in operations.values():
                    _as_json(operation.get("responses", {}))
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _as_json(responses: dict[str, Any]) -> None:
    """FastAPI gives an error the media type of the answer."""
    for status in _ERRORS:
        if content := responses.get(status, {}).get("content"):
            responses[status]["content"] = {"application/json": next(iter(content.values()))}
