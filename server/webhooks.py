"""Webhooks, signed by the Standard Webhooks scheme: that a run has ended, and how; never what was made.

A body names the run; whoever may see it asks for it. Headers are `webhook-id`, `webhook-timestamp` and
`webhook-signature` (`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`), so that OpenAI's
`client.webhooks.unwrap` and every library of the scheme can check them.
Addresses are strangers' choice: they are checked as pages are, at the moment of connecting; redirects are not followed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpcore2
import httpx2
import structlog

from ..config import Settings
from ..errors import FetchRefused, SafelightError
from ..store import Keys, Store
from ..store.deliveries import Delivery
from ..tools.net import AddressPolicy, CheckedTransport, check_url
from .errors import bad_request

__all__ = ["Webhooks", "checked_address", "secret_of", "signature"]

_log = structlog.get_logger(__name__)

_TIMEOUT = 10.0
_WAITS = (5.0, 60.0, 300.0, 1800.0, 7200.0, 28_800.0)
"""Seconds before each further try."""
_IDLE_SECONDS = 5.0
_FORBIDDEN = "the address is forbidden"


def checked_address(url: str, settings: Settings) -> None:
    """Raises ApiError 400 for an address that no webhook may go to."""
    try:
        check_url(url, _policy(settings))
    except FetchRefused as error:
        raise bad_request(str(error), param="webhook", code="invalid_webhook") from error


def secret_of(keys: Keys, account: str) -> str:
    """The secret that an account checks its webhooks with: `whsec_<base64>`."""
    raw = hmac.new(keys.key, f"safelight.webhook\0{account}".encode(), hashlib.sha256).digest()
    return "whsec_" + base64.b64encode(raw).decode()


def signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


class Webhooks:
    """Sends what is due, again and again, until it is taken or six further tries have failed."""

    def __init__(self, store: Store, keys: Keys, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._keys = keys
        self._policy = _policy(settings)
        self._clock = clock
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to send; what was owed before a restart first."""
        self._task = asyncio.create_task(self._send_all())

    async def aclose(self) -> None:
        """Stop; what is not sent yet is sent by the next server."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def secret(self, account: str) -> str:
        """What this account checks its webhooks with."""
        return secret_of(self._keys, account)

    async def book(self, run_id: str, url: str | None) -> None:
        """Owe `url` a webhook for when the run ends."""
        if url:
            await self._store.deliveries.book(f"msg_{uuid4().hex}", run_id, url)

    async def ended(self, run_id: str, status: str) -> None:
        """The run has ended: whoever wanted to know is told."""
        await self._store.deliveries.arm(run_id, status)
        self._due.set()

    async def _send_all(self) -> None:
        while True:
            self._due.clear()
            try:
                due = await self._store.deliveries.claim(_TIMEOUT * 3)
                await asyncio.gather(*(self._send(each) for each in due))
            except SafelightError as error:
                _log.error("webhooks cannot be read", exc_info=error)
                due = []
            if not due:
                try:
                    await asyncio.wait_for(self._due.wait(), _IDLE_SECONDS)
                except TimeoutError:
                    continue

    async def _send(self, delivery: Delivery) -> None:
        error = await self._try(delivery)
        if error is None:
            await self._store.deliveries.done(delivery.id)
            return
        more = delivery.attempts <= len(_WAITS) and error != _FORBIDDEN
        again = _WAITS[delivery.attempts - 1] if more else None
        _log.warning("webhook not taken", run_id=delivery.run_id, attempt=delivery.attempts, reason=error)
        await self._store.deliveries.failed(delivery.id, error, again_in=again)

    async def _try(self, delivery: Delivery) -> str | None:
        """Send once; what went wrong, or None."""
        record = await self._store.runs.get(delivery.run_id)
        now = int(self._clock())
        body = json.dumps(_body(delivery, now), separators=(",", ":")).encode()
        secret = secret_of(self._keys, (record.account if record else None) or "")
        headers = {
            "content-type": "application/json",
            "user-agent": "Safelight-Webhook/1",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(secret, delivery.id, now, body),
        }
        transport = CheckedTransport(self._policy)
        timeouts = {"connect": _TIMEOUT, "read": _TIMEOUT, "write": _TIMEOUT, "pool": _TIMEOUT}
        try:
            async with asyncio.timeout(_TIMEOUT * 2):
                url = check_url(delivery.url, self._policy)
                request = httpx2.Request("POST", url, headers=headers, content=body, extensions={"timeout": timeouts})
                answer = await transport.handle_async_request(request)
                await answer.aclose()
        except FetchRefused:
            return _FORBIDDEN
        except (
            TimeoutError,
            OSError,
            httpcore2.TimeoutException,
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
        ) as error:
            return f"not reached ({type(error).__name__})"
        finally:
            await transport.aclose()
        return None if 200 <= answer.status_code < 300 else f"status {answer.status_code}"


def _body(delivery: Delivery, now: int) -> dict[str, Any]:
    names = {"delivered": "completed", "partial": "completed", "refused": "completed", "cancelled": "cancelled"}
    response_id = f"resp_{delivery.run_id.removeprefix('run_')}"
    return {
        "id": delivery.id.replace("msg_", "evt_", 1),
        "object": "event",
        "created_at": now,
        "type": f"response.{names.get(delivery.status, 'failed')}",
        "data": {"id": response_id, "run_id": delivery.run_id, "status": delivery.status},
    }


def _policy(settings: Settings) -> AddressPolicy:
    if not settings.private_webhooks:
        return AddressPolicy()
    return AddressPolicy(ports=None, exempt=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")))
