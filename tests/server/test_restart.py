"""A server that is killed, or told to stop, loses nothing: runs go on, nothing is paid twice, no event is missed."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

HERE = Path(__file__).parent
ENDED = {"delivered", "partial", "refused", "failed", "cancelled"}


class Process:
    """A server in a process of its own, on a port that stays the same."""

    def __init__(self, home: Path, **settings: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.home = home
        self._environment = {
            **os.environ, "SAFELIGHT_HOME": str(home), "SAFELIGHT_PORT": str(self.port), "SAFELIGHT_CONCURRENCY": "8",
            "SAFELIGHT_SEARCH": "none", **settings,
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "scripted.py")],
            env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        with self.http() as http:
            deadline = time.monotonic() + 120  # a busy machine takes its time
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx2.HTTPError):
                    if http.get("/readyz").status_code == 200:
                        return
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def stop(self, how: signal.Signals) -> float:
        """Seconds that it took to end."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return time.monotonic() - begun

    def http(self) -> httpx2.Client:
        return httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False)

    def calls(self) -> Counter[str]:
        notes = self.home / "calls.txt"
        return Counter(notes.read_text().splitlines() if notes.exists() else [])


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Any]:
    made: list[Process] = []

    def make(**settings: str) -> Process:
        made.append(Process(tmp_path / "home", **settings))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        if each.process is not None:
            each.stop(signal.SIGKILL)


class Listener(threading.Thread):
    """Follows a run through every interruption, by `Last-Event-ID`."""

    def __init__(self, process: Process, run_id: str) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._run_id = run_id
        self.events: list[dict[str, Any]] = []
        self.connections = 0
        self.first: queue.Queue[bool] = queue.Queue()

    def run(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not (self.events and self.events[-1]["type"] == "run.finished"):
            with contextlib.suppress(httpx2.HTTPError), self._process.http() as http:
                self._listen(http)
            time.sleep(0.05)

    def _listen(self, http: httpx2.Client) -> None:
        headers = {"last-event-id": str(self.events[-1]["seq"])} if self.events else {}
        with http.stream("GET", f"/runs/{self._run_id}/events", headers=headers) as stream:
            if stream.status_code != 200:
                return
            self.connections += 1
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    self.events.append(json.loads(line[6:]))
                    self.first.put(True)


def start_runs(server: Process, count: int, prompt: str) -> list[str]:
    with server.http() as http:
        return [
            http.post("/runs", json={"prompt": f"{prompt} {number}", "n": 2, "size": "256x256"}).json()["id"]
            for number in range(count)
        ]


def test_kill_under_load_and_restart(process: Any) -> None:
    server = process()
    run_ids = start_runs(server, 4, "A slow lantern")
    with server.http() as http:
        body = {"model": "safelight-thinking", "input": "A slow lantern in the background", "background": True}
        response_id = http.post("/v1/responses", json=body).json()["id"]
    listeners = [Listener(server, run_id) for run_id in run_ids]
    for listener in listeners:
        listener.start()
    listeners[0].first.get(timeout=20)
    time.sleep(0.4)
    server.stop(signal.SIGKILL)
    server.start()
    for listener in listeners:
        listener.join(120)
        assert [event["seq"] for event in listener.events] == list(range(len(listener.events)))
        assert listener.events[-1]["type"] == "run.finished"
        assert listener.events[-1]["status"] in ENDED
    assert any(listener.connections > 1 for listener in listeners)
    assert any(event.get("resumed") for listener in listeners for event in listener.events)
    with server.http() as http:
        for _ in range(200):
            answer = http.get(f"/v1/responses/{response_id}").json()
            if answer["status"] != "in_progress":
                break
            time.sleep(0.1)
        assert answer["status"] in {"completed", "failed"}
        assert http.get(f"/runs/{run_ids[0]}").json()["status"] in ENDED
    assert set(server.calls().values()) == {1}  # a call that was begun is never made again


def test_told_to_stop_it_lets_runs_end(process: Any) -> None:
    server = process(SAFELIGHT_DRAIN_SECONDS="10")
    (run_id,) = start_runs(server, 1, "A slow lantern")
    listener = Listener(server, run_id)
    listener.start()
    listener.first.get(timeout=20)
    server.stop(signal.SIGTERM)
    listener.join(10)
    assert listener.events[-1]["status"] == "delivered"
    assert listener.connections == 1


@pytest.mark.slow
def test_what_cannot_end_in_time_goes_on_after_the_restart(process: Any) -> None:
    server = process(SAFELIGHT_DRAIN_SECONDS="0.3")
    (run_id,) = start_runs(server, 1, "A waiting lantern")
    assert server.process is not None
    listener = Listener(server, run_id)
    listener.start()
    listener.first.get(timeout=20)
    assert server.stop(signal.SIGTERM) < 15
    server.start()
    listener.join(60)
    assert [event["seq"] for event in listener.events] == list(range(len(listener.events)))
    assert listener.events[-1]["type"] == "run.finished"
    assert set(server.calls().values()) <= {1}
