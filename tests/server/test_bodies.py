"""Bodies that trickle in, and many large ones at once: refused, before they cost what others need."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from safelight.server import body

MIB = 1 << 20


def connect(server: Any) -> socket.socket:
    host, port = urlsplit(server.url).netloc.split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def head(length: int | None) -> bytes:
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"POST /runs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{size}\r\n\r\n".encode()


def answer_on(held: socket.socket) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and JSON of what the server says, once it has hung up or said all of it."""
    received = b""
    while not _complete(received) and (more := held.recv(65536)):
        received += more
    top, _, content = received.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split(" ")[1]), headers, json.loads(content)


def _complete(received: bytes) -> bool:
    try:
        json.loads(received.partition(b"\r\n\r\n")[2])
    except ValueError:
        return False
    return True


def test_a_body_that_trickles_in_is_given_up_and_hung_up_on(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "_FIRST_SECONDS", 1.0)
    server = serve()
    with connect(server) as held:
        held.sendall(head(100_000))
        stop = threading.Event()

        def trickle() -> None:
            while not stop.wait(0.1):
                try:
                    held.sendall(b" ")
                except OSError:
                    return

        trickling = threading.Thread(target=trickle)
        trickling.start()
        try:
            begun = time.perf_counter()
            status, headers, said = answer_on(held)
            assert (status, said["error"]["code"]) == (408, "request_timeout")
            assert headers["connection"] == "close"
            assert "x-request-id" in headers
            assert time.perf_counter() - begun > 0.9
            assert _hung_up(held)
        finally:
            stop.set()
            trickling.join()
    with server.http() as http:  # and nobody else was bothered
        assert http.get("/healthz").status_code == 200


def _hung_up(held: socket.socket) -> bool:
    try:
        return held.recv(1) == b""
    except OSError:
        return True


@pytest.mark.parametrize("declared", [True, False])
def test_large_bodies_beside_each_other_wait_for_their_turn(serve: Callable[..., Any], declared: bool) -> None:
    """Of twenty bodies of nearly 1 MiB, only as many are taken as fit into the 4 MiB that are set aside for them."""
    server = serve(max_body_mib=1, max_buffered_mib=4)
    content = json.dumps({"prompt": "A lantern", "padding": "x" * 900_000}).encode()
    with ExitStack() as exits:
        taken, refused = [], []
        for _ in range(20):
            held = exits.enter_context(connect(server))
            held.sendall(head(len(content) if declared else None))
            part = content[:-1] if declared else f"{len(content) - 1:x}\r\n".encode() + content[:-1] + b"\r\n"
            try:
                held.sendall(part)
                held.settimeout(0.5)
                first = held.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                taken.append(held)  # it is heard out
                held.settimeout(30)
                continue
            assert first
            held.settimeout(30)
            refused.append(answer_on(held))
        assert 1 <= len(taken) <= 5
        assert len(refused) == 20 - len(taken)
        for status, headers, said in refused:
            assert (status, said["error"]["code"]) == (429, "server_busy")
            assert int(headers["retry-after"]) >= 1
        for held in taken:  # whoever was taken in is served as ever: here, told that `padding` is no field
            held.sendall(content[-1:] if declared else b"1\r\n" + content[-1:] + b"\r\n0\r\n\r\n")
            assert answer_on(held)[0] in {400, 422}
    with server.http() as http:  # and what they held is free again
        assert http.post("/runs", content=content, headers={"content-type": "application/json"}).status_code != 429
