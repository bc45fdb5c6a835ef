"""Fetches a web page and reads it into a `Document`, without being led astray by its address or its contents.

    fetcher = PageFetcher(reader)
    document = await fetcher.fetch("https://example.org/vaccines")      # or FetchRefused

Every hop is checked as `tools.net` says; size, time, redirects and decompression are bounded; the type is decided by
content; no cookie, credential, referrer or proxy is used. The one deadline covers all hops, so a server that trickles
bytes ends with it.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import httpcore2
import httpx2

from ..errors import BadFile, FetchRefused
from .net import AddressPolicy, CheckedTransport, Resolver, check_url, resolve
from .reader import DocumentReader
from .source import Document

__all__ = ["FetchLimits", "PageFetcher", "PageSource", "Response", "fetch_bytes"]

USER_AGENT = "Safelight/0.1 (reads pages for one user's request)"

_REDIRECTS = {301, 302, 303, 307, 308}
_HEADERS = {
    "user-agent": USER_AGENT,
    "accept": "text/html,application/xhtml+xml,application/pdf;q=0.9,text/*;q=0.8,*/*;q=0.1",
    "accept-encoding": "gzip, deflate",
}
# Declared types that are never text; whatever else is declared, the content decides.
_NEVER = re.compile(
    r"(?:image|audio|video|font|model)/|application/(?:zip|octet-stream|x-(?:tar|gzip|rar|7z)|wasm|java)"
)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)


@dataclass(frozen=True)
class FetchLimits:
    """Bounds of one fetch: unpacked bytes, seconds for everything, seconds to connect and between reads, hops."""

    bytes: int = 8_000_000
    seconds: float = 20.0
    idle_seconds: float = 8.0
    redirects: int = 5


@dataclass(frozen=True)
class Response:
    """What came back in the end: the final address, the declared type and charset, and the unpacked body."""

    url: str
    media_type: str
    charset: str | None
    data: bytes


@runtime_checkable
class PageSource(Protocol):
    """Whatever can turn an address into a `Document`; raises FetchRefused."""

    async def fetch(self, url: str) -> Document: ...


class PageFetcher:
    """Fetches pages within `limits` from addresses that `policy` allows, and reads them in `reader`'s process."""

    def __init__(
        self,
        reader: DocumentReader,
        *,
        policy: AddressPolicy | None = None,
        limits: FetchLimits | None = None,
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._reader = reader
        self._policy = policy or AddressPolicy()
        self._limits = limits or FetchLimits()
        self._resolver = resolver
        self._tls = tls

    async def fetch(self, url: str) -> Document:
        """The page at `url` as a `Document` whose `url` is the final address. Raises FetchRefused."""
        response = await fetch_bytes(
            url, policy=self._policy, limits=self._limits, resolver=self._resolver, tls=self._tls
        )
        if _NEVER.match(response.media_type) and not response.data.startswith((b"%PDF-", b"PK\x03\x04")):
            raise FetchRefused(f"{_shown(url)} is {response.media_type}, not a page or document.")
        name = httpx2.URL(response.url).path.rsplit("/", 1)[-1]
        try:
            return await self._reader.read(response.data, name, url=response.url, charset=response.charset)
        except BadFile as error:
            raise FetchRefused(f"{_shown(url)} cannot be read: {error}") from error


async def fetch_bytes(
    url: str,
    *,
    policy: AddressPolicy,
    limits: FetchLimits,
    resolver: Resolver = resolve,
    tls: ssl.SSLContext | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """One GET, following at most `limits.redirects` redirects, each checked anew. Raises FetchRefused."""
    transport = CheckedTransport(policy, resolver=resolver, tls=tls)
    try:
        async with asyncio.timeout(limits.seconds):
            return await _follow(transport, url, policy, limits, _HEADERS | (headers or {}))
    except TimeoutError as error:
        raise FetchRefused(f"{_shown(url)} did not answer within {limits.seconds:g} s.") from error
    except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError) as error:
        raise FetchRefused(f"{_shown(url)} cannot be reached: {error or type(error).__name__}.") from error
    finally:
        await transport.aclose()


async def _follow(
    transport: CheckedTransport, url: str, policy: AddressPolicy, limits: FetchLimits, headers: dict[str, str]
) -> Response:
    idle = limits.idle_seconds
    timeouts = {"connect": idle, "read": idle, "write": idle, "pool": idle}
    current = check_url(url, policy)
    for _ in range(limits.redirects + 1):
        request = httpx2.Request("GET", current, headers=headers, extensions={"timeout": timeouts})
        answer = await transport.handle_async_request(request)
        try:
            location = answer.headers.get("location")
            if answer.status_code in _REDIRECTS and location:
                current = check_url(_joined(current, location), policy)
                continue
            if answer.status_code != 200:
                raise FetchRefused(f"{_shown(str(current))} answered with status {answer.status_code}.")
            declared = answer.headers.get("content-type", "")
            charset = _CHARSET.search(declared)
            return Response(
                url=str(current),
                media_type=declared.split(";")[0].strip().lower()[:100],
                charset=charset[1] if charset else None,
                data=await _body(answer, limits.bytes),
            )
        finally:
            await answer.aclose()
    raise FetchRefused(f"{_shown(url)} redirects more than {limits.redirects} times.")


def _joined(base: httpx2.URL, location: str) -> str:
    try:
        return str(base.join(location))
    except (httpx2.InvalidURL, ValueError) as error:
        raise FetchRefused(f"{_shown(str(base))} redirects to an address that cannot be read.") from error


async def _body(answer: httpx2.Response, limit: int) -> bytes:
    """The unpacked body, or FetchRefused once it passes `limit` bytes: nothing beyond is unpacked or kept."""
    declared = answer.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise FetchRefused(f"The page has {int(declared[:20]) / 1e6:,.0f} MB; at most {limit / 1e6:g} MB are read.")
    body = bytearray()
    async with aclosing(_unpacked(answer)) as parts:
        async for part in parts:
            body += part
            if len(body) > limit:
                raise FetchRefused(f"The page has more than {limit / 1e6:g} MB, which is all that is read.")
    return bytes(body)


async def _unpacked(answer: httpx2.Response) -> AsyncGenerator[bytes]:
    """The body in pieces of at most 1 MB, however it was packed: a small input cannot inflate past that at once."""
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        async for chunk in answer.aiter_raw():
            yield chunk
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise FetchRefused(f"The page is packed as {encoding[:40]!r}, which was not asked for.")
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its header
    try:
        async for chunk in answer.aiter_raw():
            pending = chunk
            while pending and not inflater.eof:
                yield inflater.decompress(pending, 1 << 20)
                pending = inflater.unconsumed_tail
    except zlib.error as error:
        raise FetchRefused(f"The page is packed wrongly ({error}).") from error


def _shown(url: str) -> str:
    """The address for a message: printable, and short."""
    text = "".join(char if char.isprintable() else "?" for char in url)
    return text if len(text) <= 120 else text[:119] + "…"
