"""Who may do what, how often and how much at once; and that nobody reaches what is another's."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from safelight.server.auth import is_loopback
from safelight.server.links import Links, parse_file_id
from safelight.store import Keys

BRIEF = {"prompt": "A lantern", "size": "256x256", "mode": "instant", "n": 1}


def made(server: Any, key: str) -> dict[str, Any]:
    """A delivered run of that key's."""
    with server.http(key) as http:
        run_id = http.post("/runs", json=BRIEF).json()["id"]
        http.get(f"/runs/{run_id}/events")
        run: dict[str, Any] = http.get(f"/runs/{run_id}").json()
        return run


def test_a_key_is_demanded_and_must_be_good(locked: Any) -> None:
    with locked.http() as http:
        assert http.get("/healthz").status_code == 200
        answer = http.get("/v1/models")
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"
        assert http.get("/v1/models", headers={"authorization": "Bearer sl_000000000000_00"}).status_code == 401
        good = locked.key("alice")
        assert http.get("/v1/models", headers={"authorization": f"Bearer {good}"}).status_code == 200
        assert http.get("/v1/models?api-version=1", headers={"api-key": good}).status_code == 200
        assert http.get("/v1/models", headers={"api-key": good[:-1] + "g"}).status_code == 401


def test_expired_and_revoked_keys_open_nothing(locked: Any) -> None:
    keys = locked.state.store.api_keys

    async def make() -> tuple[str, str]:
        past = datetime.now(UTC) - timedelta(seconds=1)
        expired, _ = await keys.create("a", "a", scopes=("generate",), expires_at=past)
        revoked, kept = await keys.create("a", "a", scopes=("generate",))
        await keys.revoke(kept.id)
        return expired, revoked

    for key in asyncio.run_coroutine_threadsafe(make(), locked.loop).result(10):
        with locked.http(key) as http:
            assert http.get("/v1/models").status_code == 401


def test_a_key_does_only_what_it_is_for(locked: Any) -> None:
    with locked.http(locked.key("bob", scopes=("moderate",))) as http:
        answer = http.post("/v1/images/generations", json={"prompt": "A lantern"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "insufficient_scope")
        assert http.post("/v1/moderations", json={"input": "A lantern"}).status_code == 200
        assert http.get("/metrics").status_code == 403


def test_nobody_reaches_what_is_anothers(locked: Any) -> None:
    alice, mallory = locked.key("alice"), locked.key("mallory")
    run = made(locked, alice)
    run_id, file_id = run["id"], run["files"][0]
    response = locked.client(alice).responses.create(model="safelight-instant", input="A lantern")
    with locked.http(mallory) as http:
        for path in (
            f"/runs/{run_id}", f"/runs/{run_id}/events", f"/runs/{run_id}/record", f"/runs/{run_id}/archive",
            f"/v1/files/{file_id}", f"/v1/files/{file_id}/content", f"/v1/responses/{response.id}",
            f"/v1/responses/{response.id}/input_items",
        ):  # fmt: skip
            assert http.get(path).status_code == 404, path
        assert http.post(f"/runs/{run_id}/cancel").status_code == 404
        assert http.post(f"/runs/{run_id}/review", json={"approve": True}).status_code == 403
        assert http.delete(f"/runs/{run_id}").status_code == 404
        assert http.delete(f"/v1/responses/{response.id}").status_code == 404
        assert http.get("/runs").json()["runs"] == []
        stolen = {"prompt": "A lantern", "images": [file_id]}
        assert http.post("/runs", json=stolen).status_code == 404
        assert http.post("/runs", json={"prompt": "A lantern", "images": [run["links"][0]]}).status_code == 404
        assert http.post("/runs", json={"prompt": "A lantern", "continues": run_id}).status_code == 404
        digest = run["result"]["images"][0]["sha256"]
        for guess in (digest, f"sha256:{digest}", f"file-{digest[:32]}-0", "../../keys/links.json"):
            assert http.get(f"/v1/files/{guess}/content").status_code == 404


def test_a_link_is_good_for_its_file_alone_and_for_a_while(locked: Any) -> None:
    run = made(locked, locked.key("alice"))
    path = run["links"][0].removeprefix(locked.url)
    with locked.http() as http:
        assert http.get(path).status_code == 200
        for forged in (
            path.replace("-0/content", "-1/content"),
            path.replace("expires=", "expires=9"),
            path.replace("key=k1", "key=k2"),
            path[:-1] + ("0" if path[-1] != "0" else "1"),
            path.replace("signature=", "signature=%00"),
        ):
            assert http.get(forged).status_code in {403, 404}


def test_links_expire_and_are_bound_to_account_and_key() -> None:
    now = [1000.0]
    links = Links(Keys("k1", {"k1": b"x" * 32}), seconds=60, clock=lambda: now[0])
    run_id = "run_" + "0" * 32
    name, query = links.file_of(links.make("http://host/prefix", "alice", run_id, 3)) or ("", {})
    assert parse_file_id(name) == (run_id, 3)
    given = (query["expires"], query["key"], query["signature"])
    assert links.holds("alice", name, *given)
    assert not links.holds("bob", name, *given)
    assert not links.holds("alice", name[:-1] + "4", *given)
    now[0] += 61
    assert not links.holds("alice", name, *given)


def test_a_key_has_its_rate(locked: Any) -> None:
    with locked.http(locked.key("carol", rate="3/minute")) as http:
        answers = [http.get("/v1/models") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["x-ratelimit-remaining-requests"] == "2"
    assert int(answers[3].headers["retry-after"]) > 0
    assert answers[3].json()["error"]["code"] == "rate_limit_exceeded"


def test_a_key_has_so_many_runs_at_once_and_images_a_day(locked: Any) -> None:
    with locked.http(locked.key("dave", concurrency=1, images_per_day=2)) as http:
        endless = http.post("/runs", json={**BRIEF, "prompt": "An endless lantern"})
        second = http.post("/runs", json=BRIEF)
        assert (second.status_code, second.json()["error"]["code"]) == (429, "concurrency_limit_exceeded")
        http.post(f"/runs/{endless.json()['id']}/cancel")
        third = http.post("/runs", json={**BRIEF, "n": 3})
        assert (third.status_code, third.json()["error"]["code"]) == (429, "insufficient_quota")


def test_the_server_takes_so_many_runs_at_once(serve: Any) -> None:
    server = serve(max_runs=2)
    with server.http() as http:
        started = [http.post("/runs", json={**BRIEF, "prompt": "An endless lantern"}) for _ in range(3)]
        assert [answer.status_code for answer in started] == [202, 202, 429]
        assert started[2].json()["error"]["code"] == "server_busy"
        assert started[2].headers["retry-after"]


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"x-forwarded-for": "203.0.113.7"},
        {"forwarded": "for=203.0.113.7"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_without_keys_only_this_machine_is_served(server: Any, headers: dict[str, str]) -> None:
    with server.http() as http:
        assert http.post("/runs", json=BRIEF, headers=headers).status_code == 403
        assert http.get("/v1/models", headers={"origin": server.url}).status_code == 200


def test_which_hosts_are_this_machine() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.1", "example.org", "")))  # noqa: S104 - that is the point


def test_serving_others_without_a_key_is_refused(home: Any) -> None:
    from typer.testing import CliRunner

    from safelight.cli.app import app

    done = CliRunner().invoke(app, ["serve", "--host", "0.0.0.0", "--port", "0"])  # noqa: S104 - refused
    assert done.exit_code == 2
    assert "safelight keys create" in done.output


def test_keys_are_made_listed_and_revoked(home: Any) -> None:
    from typer.testing import CliRunner

    from safelight.cli.app import app

    runner = CliRunner()
    options = ["--scope", "generate", "--days", "3", "--rate", "5/minute", "--json"]
    made = json.loads(runner.invoke(app, ["keys", "create", "alice", *options]).output)
    assert made["key"].startswith(f"sl_{made['id']}_")
    assert made["limits"] == {"rate": "5/minute"}
    (listed,) = json.loads(runner.invoke(app, ["keys", "list", "--json"]).output)
    assert listed["id"] == made["id"]
    assert made["key"] not in json.dumps(listed)
    assert runner.invoke(app, ["keys", "revoke", made["id"]]).exit_code == 0
    assert runner.invoke(app, ["keys", "revoke", "none"]).exit_code == 1
    assert runner.invoke(app, ["keys", "create", "x", "--scope", "everything"]).exit_code == 2
    assert "revoked" in runner.invoke(app, ["keys", "list"]).output
    assert all(made["key"].encode() not in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_a_signed_in_browser_is_known_and_other_sites_are_not(locked: Any) -> None:
    from safelight.server.auth import COOKIE

    key = locked.key("erin")
    value = asyncio.run_coroutine_threadsafe(locked.state.access.sign_in(key), locked.loop).result(10)
    assert asyncio.run_coroutine_threadsafe(locked.state.access.sign_in("sl_0_0"), locked.loop).result(10) is None
    with locked.http() as http:
        cookie = {"cookie": f"{COOKIE}={value}"}
        assert http.get("/v1/models", headers=cookie).status_code == 200
        assert http.get("/v1/models", headers={**cookie, "origin": "https://evil.example"}).status_code == 403
        for forged in (value[:-1] + "x", value.replace(".", ".9", 1), "a.b.c", ""):
            assert http.get("/v1/models", headers={"cookie": f"{COOKIE}={forged}"}).status_code == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_every_error_has_one_shape(server: Any, method: str) -> None:
    with server.http() as http:
        for path in ("/v1/nothing", "/v1/images/generations", "/%00", "/../../etc/passwd"):
            answer = http.request(method, path)
            assert answer.status_code in {404, 405}
            error = answer.json()["error"]
            assert {"message", "type", "param", "code", "request_id"} <= set(error)
            assert error["request_id"] == answer.headers["x-request-id"]


def test_a_request_is_named_by_its_caller_or_by_us(server: Any) -> None:
    with server.http() as http:
        assert http.get("/healthz", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
        odd = http.get("/healthz", headers={"x-request-id": "a b\tc" * 40}).headers["x-request-id"]
        assert odd.startswith("req_")
        assert http.get("/healthz").headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in http.get("/healthz", headers={"origin": server.url}).headers


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"prompt": "\\ud800"}', b'{"prompt": NaN}', b"[" * 100_000, b"\xff\xfe", b"null"]
)
def test_bodies_that_are_no_request(server: Any, body: bytes) -> None:
    with server.http() as http:
        for path in ("/runs", "/v1/images/generations", "/v1/images/edits", "/v1/responses", "/v1/moderations"):
            answer = http.post(path, content=body, headers={"content-type": "application/json"})
            assert answer.status_code == 400, (path, answer.text)
            assert answer.json()["error"]["message"]


def test_a_body_that_is_too_large_is_refused(serve: Any) -> None:
    server = serve(max_body_mib=1)

    def chunks() -> Any:
        for _ in range(40):
            yield b"x" * 65536

    with server.http() as http:
        whole = http.post("/runs", content=b"x" * (2**20 + 1))
        assert (whole.status_code, whole.json()["error"]["code"]) == (413, "request_too_large")
        chunked = http.post("/runs", content=chunks(), headers={"content-type": "application/json"})
        assert (chunked.status_code, chunked.json()["error"]["code"]) == (413, "request_too_large")
        assert http.get("/healthz").status_code == 200


def test_a_client_that_never_ends_its_headers_is_dropped(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from safelight.server import serving

    monkeypatch.setattr(serving, "_HEADER_SECONDS", 0.5)
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        begun = time.monotonic()
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        assert connection.recv(1) == b""
        assert time.monotonic() - begun < 5


def test_prompts_do_not_reach_the_log(server: Any) -> None:
    import structlog

    with structlog.testing.capture_logs() as lines, server.http() as http:
        http.post("/v1/images/generations", json={"prompt": "ZebraQuartz lantern", "size": "1x1"})
        http.get("/v1/files/ZebraQuartz/content?signature=ZebraQuartz")
        http.post("/runs", json={"prompt": "ZebraQuartz", "webhook": "http://ZebraQuartz/"})
    assert "ZebraQuartz" not in str(lines)


def test_openapi_is_whole(server: Any) -> None:
    with server.http() as http:
        document = http.get("/openapi.json").json()
    for path in (
        "/v1/responses",
        "/v1/chat/completions",
        "/v1/images/edits",
        "/v1/moderations",
        "/runs/{run_id}/events",
    ):
        assert path in document["paths"]
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation.get("description")


def test_what_breaks_says_so_in_the_usual_shape(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("ZebraQuartz")

    monkeypatch.setattr(type(server.state.store.runs), "recent", broken)
    with server.http() as http:
        answer = http.get("/runs")
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "server_error")
        assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
        assert "ZebraQuartz" not in answer.text
        assert http.get("/runs", headers={"accept": "text/html"}).headers["content-type"].startswith("text/html")


def test_a_call_that_takes_too_long_ends(serve: Any) -> None:
    server = serve(answer_seconds=0.5)
    with server.http() as http:
        answer = http.post("/v1/images/generations", json={"prompt": "An endless lantern"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")
        assert answer.headers["x-should-retry"] == "false"
        run_id = answer.json()["error"]["run_id"]
        assert http.get(f"/runs/{run_id}").json()["status"] == "cancelled"
        kept = http.post(
            "/v1/images/generations", json={"prompt": "An endless lantern"}, headers={"idempotency-key": "mine"}
        )
        assert kept.status_code == 504
        kept_id = kept.json()["error"]["run_id"]
        assert http.get(f"/runs/{kept_id}").json()["status"] == "running"


def test_pages_of_named_origins_may_call(serve: Any) -> None:
    server = serve(cors=("https://app.example",))
    with server.http() as http:
        for origin, allowed in (("https://app.example", True), ("https://evil.example", False)):
            answer = http.get("/v1/models", headers={"origin": origin})
            assert (answer.headers.get("access-control-allow-origin") == origin) == allowed
            assert (answer.status_code == 200) == allowed
