"""Signing in with a key, so that a browser can use the pages of a server that demands one."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from ..auth import COOKIE
from ..errors import ApiError
from ..state import Server
from .render import page

__all__ = ["router"]


async def _same_origin(request: Request) -> None:
    """Refuse another site's form: signing somebody in under one's own key is an attack, too."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if request.method == "POST" and site not in {"same-origin", "none"}:
        raise ApiError(403, "A page of another site may not sign you in.", code="forbidden", type="permission_error")


router = APIRouter(dependencies=[Depends(_same_origin)])

_SECONDS = 12 * 3600


@router.get("/session")
async def ask(request: Request, to: str = "/") -> Response:
    """The form that asks for a key."""
    signed_in = COOKIE in request.cookies
    return page(request, "session.html", here="/session", to=_local(to), fault="", signed_in=signed_in)


@router.post("/session")
async def sign_in(request: Request, server: Server) -> Response:
    """Take a key, and go on to where the person wanted to be; an empty one signs out."""
    async with request.form(max_files=1, max_fields=4) as form:
        key, to = form.get("key"), form.get("to")
    target = _local(to if isinstance(to, str) else "/")
    if form.get("out"):
        leaving = RedirectResponse("/session", 303)
        leaving.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return leaving
    value = await server.access.sign_in(key) if isinstance(key, str) and key.strip() else None
    if value is None:
        fault = "That key opens nothing: it is unknown, revoked or expired."
        return page(request, "session.html", status=401, here="/session", to=target, fault=fault, signed_in=False)
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        COOKIE, value, max_age=_SECONDS, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return answer


def _local(to: str) -> str:
    """An address on this server, and no other."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable() else "/"
