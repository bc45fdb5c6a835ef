"""Addresses that a page shares with the API: whoever asks for HTML gets the page."""

from __future__ import annotations

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

__all__ = ["PageRoute", "wants_html"]


class PageRoute(APIRoute):
    """A route that is there for browsers alone: a request that does not name `text/html` passes it by."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route, if the request accepts HTML."""
        if scope["type"] == "http" and not wants_html(scope):
            return Match.NONE, {}
        return super().matches(scope)


def wants_html(scope: Scope) -> bool:
    """Whether the request names `text/html` among what it accepts: browsers do, clients of an API do not."""
    return any(name == b"accept" and b"text/html" in value.lower() for name, value in scope["headers"])
