"""Connections to addresses that strangers chose: only to public hosts, checked at the moment of connecting.

Search results, pages and redirects name the addresses that are fetched, so whoever writes them could make this machine
call services that only it can reach (server-side request forgery, CWE-918). Checking the name beforehand is not enough:
its second resolution may answer otherwise (DNS rebinding). So the check sits below HTTP: `CheckedBackend` resolves a
name once, refuses unless *every* answer is public, and connects to the very address that was checked. TLS still
verifies the name, and the Host header still carries it.

`ipaddress.is_global` is not enough: it holds 6to4, NAT64, multicast and Azure's metadata host for global, and its
answers differ between Python versions. The networks are listed here instead, after the IANA special-purpose registries.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore2
import httpx2

from ..errors import FetchRefused

__all__ = [
    "AddressPolicy",
    "CheckedBackend",
    "CheckedTransport",
    "IPAddress",
    "IPNetwork",
    "Resolver",
    "check_url",
    "public_tls",
    "resolve",
]

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Takes a host name and a port, answers with numeric addresses."""

MAX_URL_CHARS = 2_048
MAX_ADDRESSES = 4

_FORBIDDEN: tuple[tuple[IPNetwork, str], ...] = tuple(
    (ipaddress.ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT, and Alibaba's metadata host"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "Azure's metadata host"),
        ("169.254.0.0/16", "link-local, and most clouds' metadata host"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved, and Oracle's metadata host"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved, and broadcast"),
        ("2001::/23", "IETF protocols, Teredo among them"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
    )
)
_GLOBAL_V6 = ipaddress.ip_network(
    "2000::/3"
)  # all that IANA has assigned to the public; NAT64, ULA and the rest lie outside


@dataclass(frozen=True)
class AddressPolicy:
    """Which addresses may be connected to. The default: public hosts, ports 80 and 443.

    `exempt` names networks that are trusted wholly (an intranet wiki; loopback in a test): say it as narrowly as
    possible, since every page that is read can then reach them. `ports` None means any port.
    """

    ports: frozenset[int] | None = frozenset({80, 443})
    exempt: tuple[IPNetwork, ...] = ()

    def check_port(self, port: int) -> None:
        """Raises FetchRefused where the port is not allowed."""
        if self.ports is not None and port not in self.ports:
            raise FetchRefused(f"Port {port} is not fetched from, only {', '.join(map(str, sorted(self.ports)))}.")

    def check_address(self, address: str) -> IPAddress:
        """The address, or FetchRefused where it is not public. Scoped (`%eth0`) and malformed ones are refused."""
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            raise FetchRefused(f"{address!r} is not an address. Give a public web address.") from None
        if any(ip in network for network in self.exempt if network.version == ip.version):
            return ip
        if isinstance(ip, ipaddress.IPv6Address) and (ip.scope_id or ip not in _GLOBAL_V6):
            raise FetchRefused(f"The address {ip} is not public. Give a public web address.")
        for network, what in _FORBIDDEN:
            if ip.version == network.version and ip in network:
                raise FetchRefused(f"The address {ip} is not public ({what}). Give a public web address.")
        return ip


def check_url(url: str, policy: AddressPolicy) -> httpx2.URL:
    """The parsed URL without its fragment, or FetchRefused. A host given as a number is checked here already; names are
    checked when they are connected to."""
    if len(url) > MAX_URL_CHARS:
        raise FetchRefused(f"The address has {len(url):,} characters; at most {MAX_URL_CHARS:,} are fetched.")
    if any(char <= " " or char in "\\\x7f" for char in url):
        raise FetchRefused("The address holds blanks, control characters or backslashes. Give it percent-encoded.")
    try:
        parsed = httpx2.URL(url)
        port = parsed.port
        host = parsed.host
    except (httpx2.InvalidURL, ValueError) as error:
        raise FetchRefused(f"The address cannot be read: {error}.") from error
    if parsed.scheme not in ("http", "https"):
        raise FetchRefused(f"Only http and https addresses are fetched, not {parsed.scheme or 'relative ones'!r}.")
    if parsed.userinfo:
        raise FetchRefused("Addresses with a user name or password are not fetched. Leave it out.")
    if not host:
        raise FetchRefused("The address names no host.")
    policy.check_port(port or (443 if parsed.scheme == "https" else 80))
    if ":" in host or host.replace(".", "").isdigit():
        policy.check_address(host)
    return parsed.copy_with(fragment=None)


async def resolve(host: str, port: int) -> list[str]:
    """The numeric addresses of a host, by the system's resolver. Raises OSError."""
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


@cache
def public_tls() -> ssl.SSLContext:
    """TLS that trusts the public authorities, whatever the environment says. Loading them takes 30 ms, hence once."""
    return httpx2.create_ssl_context(trust_env=False)


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Opens TCP connections to checked addresses only."""

    def __init__(self, policy: AddressPolicy, resolver: Resolver = resolve) -> None:
        self._policy = policy
        self._resolver = resolver
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the interface is httpcore2's)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolves once, checks every answer, and connects to one of them by number."""
        self._policy.check_port(port)
        try:
            answers = await asyncio.wait_for(self._resolver(host, port), timeout)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"resolving {host} took too long") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} cannot be resolved ({error})") from error
        addresses = [self._policy.check_address(answer) for answer in answers]
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in addresses[:MAX_ADDRESSES]:
            try:
                return await self._backend.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 (the interface is httpcore2's)
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise FetchRefused("Unix sockets are not fetched from.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> Any:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        if hasattr(self._stream, "aclose"):
            await self._stream.aclose()


class CheckedTransport(httpx2.AsyncBaseTransport):
    """An httpx2 transport over `CheckedBackend`: one connection a request, no proxy, nothing read from the environment.

    Used bare (`handle_async_request`) it also keeps no cookies and follows no redirects. Exceptions are httpcore2's,
    and FetchRefused.
    """

    def __init__(
        self, policy: AddressPolicy, *, resolver: Resolver = resolve, tls: ssl.SSLContext | None = None
    ) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls or public_tls(),
            max_connections=16,
            max_keepalive_connections=0,
            network_backend=CheckedBackend(policy, resolver),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(response.stream, AsyncIterable)  # noqa: S101 (for the type checker: the pool is an async one)
        return httpx2.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()
