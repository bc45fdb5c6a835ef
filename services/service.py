"""One remote service as this process uses it: client, limits, breaker and retries, shared by all runs."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from .answer import MAX_ANSWER_BYTES, read_json
from .breaker import Breaker
from .endpoint import Endpoint
from .faults import ServiceFault, fault_of
from .limits import Limits
from .retry import Retry

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Service", "open_client"]

T = TypeVar("T")
Ask = Callable[["AsyncOpenAI"], AbstractAsyncContextManager[Any]]


def open_client(endpoint: Endpoint) -> AsyncOpenAI:
    """An OpenAI client that retries nothing by itself: the SDK would send, and bill, a timed-out image three times.

    Redirects are not followed, since they would carry the request to somewhere else.
    """
    import httpx2
    from openai import AsyncOpenAI, DefaultAsyncHttpx2Client

    from .transport import Transport, is_proxied

    for part in ("chat", "images", "responses"):  # the SDK would import them within the time limit of a request
        importlib.import_module(f"openai.resources.{part}")

    timeout = httpx2.Timeout(endpoint.seconds, connect=endpoint.connect_seconds, pool=endpoint.deadline)
    limits = httpx2.Limits(
        max_connections=endpoint.concurrency + 2, max_keepalive_connections=endpoint.concurrency, keepalive_expiry=30.0
    )
    transport = None if is_proxied(endpoint.origin[1]) else Transport(endpoint.concurrency + 2)
    return AsyncOpenAI(
        api_key=endpoint.api_key or "none",
        base_url=endpoint.base_url,
        timeout=timeout,
        max_retries=0,
        http_client=DefaultAsyncHttpx2Client(
            timeout=timeout, limits=limits, follow_redirects=False, transport=transport
        ),
    )


class Service:
    """Calls one endpoint. Make one of these an endpoint and process: the limits hold among all who share it."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        client: AsyncOpenAI | None = None,
        retry: Retry | None = None,
        breaker: Breaker | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.breaker = breaker or Breaker()
        self._client = client
        self._retry = retry or Retry(attempts=endpoint.attempts, deadline=endpoint.deadline)
        self._limits = limits or Limits(endpoint.concurrency, endpoint.per_minute)

    @property
    def role(self) -> str:
        return self.endpoint.role

    def fault_of(self, error: BaseException) -> ServiceFault:
        """The fault that an error within a call comes to. Raises `error` where it is none."""
        return fault_of(error, self.role)

    def client(self) -> AsyncOpenAI:
        """The client, made on first use."""
        if self._client is None:
            self._client = open_client(self.endpoint)
        return self._client

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def ask(self, ask: Ask, *, repeatable: bool, limit: int = MAX_ANSWER_BYTES) -> dict[str, Any]:
        """The JSON answer to one request, made through the SDK's `with_streaming_response`.

        Raises:
            ServiceFault: no usable answer came; see `Retry.call` for `repeatable`.
        """

        async def send(client: AsyncOpenAI) -> dict[str, Any]:
            async with ask(client) as response:
                return await read_json(response, self.role, limit=limit)

        return await self.call(send, repeatable=repeatable)

    async def call(self, send: Callable[[AsyncOpenAI], Awaitable[T]], *, repeatable: bool) -> T:
        """What `send` returns, attempted as often as `Retry` says, each attempt within `endpoint.seconds`.

        Raises:
            ServiceFault: no attempt succeeded. An exception that is no fault of a service goes through.
        """
        return await self._retry.call(lambda: self._attempt(send), repeatable=repeatable)

    async def _attempt(self, send: Callable[[AsyncOpenAI], Awaitable[T]]) -> T:
        async with self._limits.slot():
            with self.breaker.watching(self.role):
                try:
                    client = self.client()
                    async with asyncio.timeout(self.endpoint.seconds):
                        return await send(client)
                except Exception as error:
                    fault = fault_of(error, self.role)
                    if fault.kind == "rate_limited" and fault.retry_after is not None:
                        self._limits.pause(fault.retry_after)
                    raise fault from (None if fault is error else error)
