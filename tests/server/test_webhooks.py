"""Webhooks: signed so that OpenAI's client believes them, tried again, and never sent where they must not go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import openai
import pytest

from safelight.config import Settings
from safelight.server import webhooks
from safelight.server.errors import ApiError

BRIEF = {"prompt": "A lantern", "size": "256x256", "mode": "instant", "n": 1}


class Receiver:
    """Takes webhooks on loopback, and answers with the statuses that it is given, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.taken: list[tuple[dict[str, str], str]] = []
        self.arrived = threading.Semaphore(0)
        left = list(statuses)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                receiver.taken.append((dict(self.headers), body))
                self.send_response(left.pop(0) if left else 200)
                self.send_header("location", "http://127.0.0.1:1/")
                self.end_headers()
                receiver.arrived.release()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receive() -> Iterator[Any]:
    made: list[Receiver] = []

    def make(*statuses: int) -> Receiver:
        made.append(Receiver(*statuses))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_webhook_tells_that_a_run_has_ended(serve: Any, receive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "_WAITS", (0.05, 0.05))
    monkeypatch.setattr(webhooks, "_IDLE_SECONDS", 0.1)
    server, receiver = serve(private_webhooks=True), receive(500, 302)
    with server.http() as http:
        run_id = http.post("/runs", json={**BRIEF, "webhook": receiver.url}).json()["id"]
        secret = http.get("/webhook-secret").json()["secret"]
        for _ in range(3):  # refused, sent elsewhere, taken
            assert receiver.arrived.acquire(timeout=20)
    client = server.client()
    ids = set()
    for headers, body in receiver.taken:
        event = client.webhooks.unwrap(body, headers, secret=secret)
        assert (event.type, event.data.id) == ("response.completed", run_id.replace("run_", "resp_"))
        assert "lantern" not in body
        ids.add(headers["webhook-id"])
    assert len(ids) == 1
    headers, body = receiver.taken[-1]
    for forged_headers, forged_body in (
        (headers, body.replace("completed", "failed")),
        ({**headers, "webhook-id": "x"}, body),
    ):
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.unwrap(forged_body, forged_headers, secret=secret)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://169.254.169.254/latest/meta-data", "http://[::1]/", "http://2130706433/",
        "file:///etc/passwd", "http://example.org:22/", "gopher://example.org/", "http://user:pw@example.org/", "",
        "http://[::ffff:127.0.0.1]/", "http://exa mple.org/", "//example.org",
    ],
)  # fmt: skip
def test_a_webhook_may_not_go_anywhere(url: str) -> None:
    with pytest.raises(ApiError) as caught:
        webhooks.checked_address(url, Settings())
    assert (caught.value.status, caught.value.code) == (400, "invalid_webhook")


async def test_an_address_that_turns_private_is_not_connected_to(receive: Any) -> None:
    receiver = receive()
    transport = webhooks.CheckedTransport(webhooks._policy(Settings()), resolver=_loopback)
    request = webhooks.httpx2.Request("POST", "http://example.org/")
    with pytest.raises(webhooks.FetchRefused):
        await transport.handle_async_request(request)
    await transport.aclose()
    assert receiver.taken == []


async def _loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]
