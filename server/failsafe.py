"""The last resort: whatever escapes becomes an error of the usual shape, and a line in the log that quotes nobody."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import last_resort

__all__ = ["Failsafe"]


class Failsafe:
    """Lets no exception through: a framework's own page or log could quote what somebody wrote.

    An answer that has begun is cut off, and its client sees that it is incomplete.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            answer = last_resort(Request(scope), error)
            if not begun:
                await answer(scope, receive, send)
