"""Who asks, whether they may, and how often.

Without keys the server is for whoever sits at this machine: it listens on loopback only, and answers only to requests
that come straight from there. A browser would carry a stranger's page's requests to it, too, so the host that was
called must be this machine by name (DNS rebinding), no proxy may have passed the request on, and a page of another
origin is refused (cross-site request forgery).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from fastapi import Request, Security
from fastapi.security import HTTPBearer
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from ..errors import ConfigError
from ..store import Keys
from .errors import ApiError, busy

if TYPE_CHECKING:
    from ..config import Settings
    from ..store import Store

__all__ = ["COOKIE", "SCOPES", "Access", "Caller", "allowed", "is_loopback"]

SCOPES = ("generate", "moderate", "verify", "review", "metrics")
"""What a key may do: make and see its own runs, use the safety stack, look at provenance, decide on other accounts'
suspended runs, read the metrics."""

COOKIE = "safelight_session"
_SESSION_SECONDS = 12 * 3600
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1", "testserver"})


@dataclass(frozen=True)
class Caller:
    """Whoever sent the request. `account` is the pseudonym that their runs are kept under; the empty string is
    whoever sits at this machine. `key_id` is empty where no key was needed."""

    account: str
    key_id: str = ""
    scopes: frozenset[str] = frozenset(SCOPES)
    limits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What limits count by."""
        return self.key_id or "local"


class Access:
    """Decides who a request is from, and counts how many they send."""

    def __init__(
        self, settings: Settings, store: Store, sessions: Keys, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.keyless = is_loopback(settings.host) and not settings.require_keys
        self._public = urlsplit(settings.public_url).netloc
        self._origins = frozenset(settings.cors)
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._rate = _rate(settings.rate)

    async def caller(self, request: Request) -> Caller:
        """Who sent this. Raises ApiError 401 for a key that opens nothing, 403 for another site's page."""
        given = _credential(request)
        from_page = given is None
        session = request.cookies.get(COOKIE) if from_page else None
        if given is None and session is not None:
            given = self._session_key(session)
        if from_page:
            self._refuse_foreign_pages(request)
        if given is not None and (key := await self._key(given, of_session=from_page)) is not None:
            return Caller(key.account, key.id, frozenset(key.scopes), key.limits)
        if not self.keyless:
            what = "That key opens nothing: it is unknown, revoked or expired." if given else "A key is needed."
            raise ApiError(
                401,
                f"{what} Send it as `Authorization: Bearer sl_…`; `safelight keys create` makes one.",
                code="invalid_api_key",
                type="authentication_error",
                headers={"www-authenticate": "Bearer"},
            )
        self._refuse_strangers(request)
        return Caller("")

    async def sign_in(self, text: str) -> str | None:
        """The value of the session cookie for whoever holds this key; None for no key of ours.

        Set it with `HttpOnly`, `SameSite=Strict`, and `Secure` where the page came over TLS.
        """
        key = await self._store.api_keys.find(text.strip())
        if key is None:
            return None
        expires = int(self._clock()) + _SESSION_SECONDS
        return f"{key.id}.{expires}.{self._session_mac(key.id, expires)}"

    async def count(self, caller: Caller, request: Request) -> None:
        """Count a request against the caller's rate. Raises ApiError 429 where it is one too many."""
        rate = _rate(str(caller.limits["rate"])) if "rate" in caller.limits else self._rate
        within = await self._limiter.hit(rate, caller.name)
        window = await self._limiter.get_window_stats(rate, caller.name)
        wait = max(0.0, window.reset_time - self._clock())
        headers = request.scope.setdefault("safelight.headers", {})
        headers["x-ratelimit-limit-requests"] = str(rate.amount)
        headers["x-ratelimit-remaining-requests"] = str(max(0, window.remaining))
        headers["x-ratelimit-reset-requests"] = f"{wait:.0f}s"
        if not within:
            raise busy(f"More than {rate.amount} requests in {rate.get_expiry()} s: wait a little.", wait)

    async def _key(self, given: str, *, of_session: bool) -> Any:
        if not of_session:
            return await self._store.api_keys.find(given)
        return await self._store.api_keys.get(given)

    def _session_key(self, session: str) -> str | None:
        key_id, _, rest = session.partition(".")
        expires, _, mac = rest.partition(".")
        if not (expires.isascii() and expires.isdigit() and len(expires) < 12):
            return None
        good = hmac.compare_digest(mac.encode(), self._session_mac(key_id, int(expires)).encode())
        return key_id if good and int(expires) > self._clock() else None

    def _session_mac(self, key_id: str, expires: int) -> str:
        text = f"safelight.session.{key_id}.{expires}".encode()
        return hmac.new(self._sessions.key, text, hashlib.sha256).hexdigest()

    def _refuse_strangers(self, request: Request) -> None:
        client = request.client.host if request.client else ""
        passed_on = [name for name in ("forwarded", "x-forwarded-for", "x-real-ip") if name in request.headers]
        if passed_on or (client != "testclient" and not is_loopback(client)):
            raise _forbidden("Without keys only this machine is served. Start with SAFELIGHT_REQUIRE_KEYS=true.")
        if _host_name(request.headers.get("host", "")) not in _LOCAL_NAMES:
            raise _forbidden("Without keys the server answers to localhost only, under that name.")

    def _refuse_foreign_pages(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"} and origin not in self._origins:
            raise _forbidden("A page of another site may not call this server.")
        if origin is None or origin in self._origins:
            return
        # An opaque origin ("null") has no host, and is nobody's.
        if urlsplit(origin).netloc not in {request.headers.get("host", ""), self._public} - {""}:
            raise _forbidden("A page of another origin may not call this server.")


def allowed(scope: str) -> Callable[..., Awaitable[Caller]]:
    """A dependency that gives the caller, if their key has this scope and their rate is not used up."""

    async def dependency(
        request: Request, _shown: Annotated[Any, Security(HTTPBearer(auto_error=False, description="A Safelight key"))]
    ) -> Caller:
        access: Access = request.app.state.server.access
        caller = await access.caller(request)
        if scope not in caller.scopes:
            raise _forbidden(f"This key may not do that: it lacks the scope {scope!r}.", code="insufficient_scope")
        await access.count(caller, request)
        return caller

    return dependency


def is_loopback(host: str) -> bool:
    """Whether this address or name is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _credential(request: Request) -> str | None:
    """The key as OpenAI's clients send it, or as its Azure clients do."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return request.headers.get("api-key")


def _host_name(host: str) -> str:
    return host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host


def _forbidden(message: str, *, code: str = "forbidden") -> ApiError:
    return ApiError(403, message, code=code, type="permission_error")


def _rate(text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no rate: write it as 60/minute.") from error
