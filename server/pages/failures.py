"""Errors as a person can read them: what happened, and where to go from there."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from .render import page
from .routing import wants_html

__all__ = ["error_page"]

_HEADINGS = {
    400: "That cannot be used",
    401: "A key, please",
    403: "Not from here",
    404: "Nothing on this frame",
    405: "Not that way",
    408: "It came too slowly",
    409: "Too late for that",
    410: "It has expired",
    413: "Too large for the tray",
    429: "One moment",
    503: "The darkroom is closing",
}
_REMEDIES = {
    404: "The address is wrong, the run was erased, or it belongs to somebody else.",
    413: "Send fewer or smaller files. An image of some twelve megapixels is large enough for everything here.",
    429: "There is a limit to how much runs at once. Wait a little, and send it again.",
    503: "Runs that are under way are kept, and go on when it is back.",
}


def error_page(request: Request, status: int, message: str) -> Response | None:
    """The page for an error; None for a client that did not ask for HTML."""
    if not wants_html(request.scope) or request.url.path.startswith("/v1/"):
        return None
    if status == 401 and request.method == "GET":
        return RedirectResponse(f"/session?to={quote(request.url.path)}", 303)
    phrase = HTTPStatus(status).phrase
    return page(
        request,
        "error.html",
        status=status,
        code=status,
        heading=_HEADINGS.get(status, "Fogged"),
        message="" if message.startswith(f"{phrase}:") else message,
        remedy=_REMEDIES.get(status, ""),
        request_id=str(request.scope.get("safelight.request_id", "")),
    )
