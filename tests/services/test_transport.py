"""Requests travel over aiohttp, and what is above notices nothing."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest

from safelight.services.endpoint import Endpoint
from safelight.services.service import open_client
from safelight.services.transport import Transport, is_proxied

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """A server that reads the head of a request and then does what `answer` says, for each connection."""

    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


def client(**how: object) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=Transport(4), timeout=httpx2.Timeout(5.0, **how))  # type: ignore[arg-type]


async def test_an_answer_is_read_whole_decoded_and_never_followed() -> None:
    packed = gzip.compress(b"a lantern" * 1000)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Encoding: gzip\r\n")
        writer.write(b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)

    async with answering(answer) as url, client() as http:
        response = await http.post(url, json={"prompt": "x"})
    assert (response.status_code, response.content) == (302, b"a lantern" * 1000)
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_connections_are_used_again_unless_an_answer_was_left_unread() -> None:
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            writer.write(HEAD + b"Content-Length: 8000000\r\n\r\n" + b"x" * 8_000_000)
            await writer.drain()
            await reader.readuntil(b"\r\n\r\n")

    async with answering(answer) as url, client() as http:
        for _ in range(3):
            assert len((await http.get(url)).content) == 8_000_000
        assert connections == 1
        async with http.stream("GET", url):
            pass
        await http.get(url)
        assert connections == 2


async def _cut_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Length: 100\r\n\r\nhalf")


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def _talk_nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (_cut_off, httpx2.RemoteProtocolError),
        (_hang_up, httpx2.TransportError),
        (_say_nothing, httpx2.ReadTimeout),
        (_talk_nonsense, httpx2.RemoteProtocolError),
    ],
)
async def test_what_goes_wrong_on_the_way_is_httpx2s_own(answer: Answer, kind: type[Exception]) -> None:
    async with answering(answer) as url, client(read=0.2) as http:
        with pytest.raises(kind) as raised:
            await http.get(url)
    assert not isinstance(raised.value, httpx2.ConnectError | httpx2.ConnectTimeout)  # it was sent


async def test_what_was_never_sent_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        async with client() as http:
            with pytest.raises(httpx2.ConnectError):
                await http.get(f"http://127.0.0.1:{taken.getsockname()[1]}/")
            with pytest.raises(httpx2.ConnectError):
                await http.get("http://no-such-host.invalid/")


def test_behind_a_proxy_httpx2_finds_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    endpoint = Endpoint("reasoner", "https://models.example/v1")
    assert not is_proxied("models.example")
    assert isinstance(open_client(endpoint)._client._transport, Transport)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "near.example")
    assert is_proxied("models.example")
    assert not is_proxied("near.example")
    assert not isinstance(open_client(endpoint)._client._transport, Transport)
