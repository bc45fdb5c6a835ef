"""What a hostile caller tries: others' runs and images, forged and old links, addresses inside, bombs, and slowness."""

from __future__ import annotations

import base64
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from safelight.server.webhooks import signature

BRIEF = {"prompt": "A paper lantern", "n": 1, "size": "256x256", "mode": "instant"}
INSIDE = [
    "http://127.0.0.1/x.png",
    "http://localhost/x.png",
    "http://[::1]/x.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://2130706433/x.png",
    "http://0x7f.1/x.png",
    "http://0/x.png",
    "http://10.0.0.1/x.png",
    "http://[::ffff:127.0.0.1]/x.png",
    "http://user:secret@127.0.0.1/x.png",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
]


def finished(http: httpx2.Client, brief: dict[str, Any]) -> dict[str, Any]:
    """A run, once it has ended."""
    run_id = http.post("/runs", json=brief).raise_for_status().json()["id"]
    http.get(f"/runs/{run_id}/events")
    run: dict[str, Any] = http.get(f"/runs/{run_id}").json()
    return run


@pytest.fixture(scope="module")
def lantern(locked: Any) -> dict[str, Any]:
    """A delivered run of Ann's."""
    with locked.http(locked.key("ann")) as http:
        return finished(http, BRIEF)


def test_anothers_run_is_nowhere(locked: Any, lantern: dict[str, Any]) -> None:
    run_id, (file_id,) = lantern["id"], lantern["files"]
    with locked.http(locked.key("bob")) as http:
        for path in ("", "/events", "/record", "/archive"):
            assert http.get(f"/runs/{run_id}{path}").status_code == 404, path
        for method, path in (("POST", "/cancel"), ("DELETE", "")):
            assert http.request(method, f"/runs/{run_id}{path}").status_code == 404
        assert http.get("/runs").json()["runs"] == []
        assert http.get(f"/v1/files/{file_id}").status_code == 404
        assert http.get(f"/v1/files/{file_id}/content").status_code == 404
        assert http.post("/runs", json={**BRIEF, "continues": run_id}).status_code == 404
        assert http.post("/runs", json={**BRIEF, "images": [file_id]}).status_code == 404
        assert http.post("/runs", json={**BRIEF, "images": lantern["links"]}).status_code == 404
    with locked.http(locked.key("ann")) as http:  # another key of the same account
        assert http.get(f"/runs/{run_id}").status_code == 200


def test_a_digest_opens_nothing(locked: Any, lantern: dict[str, Any]) -> None:
    """Blobs are shared by content: whoever guesses a digest must not get the bytes."""
    digest = lantern["result"]["images"][0]["sha256"]
    with locked.http(locked.key("bob")) as http:
        for name in (digest, f"sha256:{digest}", f"file-{digest[:32]}-0"):
            assert http.get(f"/v1/files/{name}/content").status_code == 404
        assert http.post("/runs", json={**BRIEF, "images": [f"sha256:{digest}"]}).status_code in {400, 404, 422}


def test_links_are_neither_forged_nor_prolonged(locked: Any, lantern: dict[str, Any]) -> None:
    link = urlsplit(lantern["links"][0])
    query = {name: values[0] for name, values in parse_qs(link.query).items()}
    with locked.http() as http:  # no key at all: the link is enough
        assert http.get(link.path, params=query).status_code == 200
        for change in (
            {"expires": str(int(query["expires"]) + 1)},
            {"signature": query["signature"][:-1] + ("0" if query["signature"][-1] != "0" else "1")},
            {"signature": "0" * 64},
            {"signature": "é"},
            {"key": "other"},
            {"expires": "-1"},
            {"expires": "٣"},
        ):
            assert http.get(link.path, params={**query, **change}).status_code == 403, change
        assert http.get(link.path.replace("-0/", "-1/"), params=query).status_code in {403, 404}
        assert http.get(link.path).status_code == 401


def test_a_link_ends(serve: Callable[..., Any]) -> None:
    brief_server = serve(link_seconds=1)
    with brief_server.http() as http:
        link = urlsplit(finished(http, BRIEF)["links"][0])
        time.sleep(2.1)
        answer = http.get(f"{link.path}?{link.query}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "link_expired")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/../../etc/passwd/content",
        "/v1/files/..%2f..%2f..%2fetc%2fpasswd/content",
        "/v1/files/%2e%2e/%2e%2e/keys/links.json",
        "/v1/files/file-00000000000000000000000000000000-0%00.png/content",
        "/runs/..%2f..%2fsafelight.db",
        "/static/../../../../etc/passwd",
        "/static/..%2f..%2f..%2f..%2fetc%2fpasswd",
    ],
)
def test_no_path_leads_out(server: Any, path: str) -> None:
    host, port = urlsplit(server.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:  # clients would tidy the path
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.split(b" ", 2)[1] in {b"400", b"404"}, answer[:80]
    assert b"root:" not in answer


@pytest.mark.parametrize("address", INSIDE)
def test_no_image_is_fetched_from_inside(server: Any, address: str) -> None:
    with server.http() as http:
        answer = http.post("/runs", json={**BRIEF, "images": [address]})
        assert answer.status_code == 400
        assert "secret" not in answer.text


# Names are looked up when it is sent, by the transport that pages are read with (tests/tools/test_net.py).
@pytest.mark.parametrize("address", [each for each in INSIDE if "localhost" not in each and "0x7f" not in each])
def test_no_webhook_goes_inside(server: Any, address: str) -> None:
    with server.http() as http:
        answer = http.post("/runs", json={**BRIEF, "webhook": address})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_webhook")


def test_webhooks_are_signed_and_a_forged_one_is_told(serve: Callable[..., Any]) -> None:
    with receiver() as (address, received):
        telling = serve(private_webhooks=True)
        with telling.http() as http:
            run = finished(http, {**BRIEF, "webhook": address})
            secret = http.get("/webhook-secret").json()["secret"]
        deadline = time.monotonic() + 20
        while not received and time.monotonic() < deadline:
            time.sleep(0.05)
    headers, body = received[0]
    event = telling.client(webhook_secret=secret).webhooks.unwrap(body, headers)
    assert event.data.id == f"resp_{run['id'].removeprefix('run_')}"
    forged = {
        **headers,
        "webhook-signature": signature("whsec_" + base64.b64encode(bytes(32)).decode(), "msg_1", 0, body),
    }
    from openai import InvalidWebhookSignatureError

    for wrong_body, wrong_headers in ((body, forged), (body.replace(b"delivered", b"refused  "), headers)):
        with pytest.raises(InvalidWebhookSignatureError):
            telling.client(webhook_secret=secret).webhooks.unwrap(wrong_body, wrong_headers)


def test_headers_and_logs_take_no_orders(server: Any) -> None:
    with server.http() as http:
        answer = http.get("/v1/nothing\r\nx-injected: 1".replace("\r\n", "%0d%0a"))
        assert answer.status_code == 404
        assert "x-injected" not in answer.headers
        odd = http.get("/healthz", headers={"x-request-id": "a\tb" + "c" * 500})
        assert "\t" not in odd.headers["x-request-id"]
        assert len(odd.headers["x-request-id"]) < 200


def test_what_is_slow_is_dropped(server: Any) -> None:
    """Half a request, many times over, keeps nobody else waiting."""
    host, port = urlsplit(server.url).netloc.split(":")
    held = [socket.create_connection((host, int(port)), timeout=5) for _ in range(200)]
    try:
        for each in held:
            each.sendall(b"POST /runs HTTP/1.1\r\nHost: localhost\r\nX-Slow")
        with server.http() as http:
            begun = time.perf_counter()
            assert http.get("/healthz").status_code == 200
            assert time.perf_counter() - begun < 5
    finally:
        for each in held:
            each.close()


def test_huge_bodies_are_refused_as_they_come(serve: Callable[..., Any]) -> None:
    small = serve(max_body_mib=1)

    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield bytes(1 << 18)

    with small.http() as http:
        declared = http.post("/runs", content=bytes(2 << 20))
        assert (declared.status_code, declared.json()["error"]["code"]) == (413, "request_too_large")
        try:
            chunked = http.post("/runs", content=endless())
        except httpx2.TransportError:
            return  # the server hung up in the middle, as it may
        assert chunked.status_code == 413


def bomb(side: int) -> bytes:
    """A PNG that says it is `side` pixels square, of one color, and holds a few kilobytes."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + side * 3)) for _ in range(2000)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        bomb(60_000),
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        b"\xff\xd8\xff" + bytes(99),
    ],
    ids=["bomb", "nothing", "cut off", "svg", "broken"],
)
def test_bombs_and_broken_images_are_bad_requests(server: Any, data: bytes) -> None:
    with server.http() as http:
        url = "data:image/png;base64," + base64.b64encode(data).decode()
        answer = http.post("/runs", json={**BRIEF, "images": [url]})
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["code"] in {"invalid_image", "invalid_base64", "invalid_value"}


def test_json_that_is_none(server: Any) -> None:
    with server.http() as http:
        deep = "[" * 100_000
        for body in (b"{", b"\xff\xfe", deep.encode(), b'{"prompt": "\\ud800"}', b'{"prompt": NaN}', b"null"):
            answer = http.post("/runs", content=body, headers={"content-type": "application/json"})
            assert answer.status_code in {400, 422}, body[:20]
            assert answer.json()["error"]["message"]


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A server that takes webhooks."""
    received: list[tuple[dict[str, str], bytes]] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}/hook", received
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
