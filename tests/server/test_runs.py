"""The native API: runs in the background, their events, and whose they are."""

from __future__ import annotations

import json
import threading
import time
import zipfile
from io import BytesIO
from typing import Any

import httpx2
import pytest

BRIEF = {"prompt": "A paper lantern", "n": 2, "size": "256x256", "mode": "instant"}


def listen(http: httpx2.Client, run_id: str, **headers: str) -> list[dict[str, Any]]:
    """All events of a run, each with the id that its line had."""
    events = []
    with http.stream("GET", f"/runs/{run_id}/events", headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        number = ""
        for line in stream.iter_lines():
            if line.startswith("id: "):
                number = line[4:]
            if line.startswith("data: "):
                events.append({**json.loads(line[6:]), "id": number})
    return events


def test_a_run_is_heard_from_its_first_event_to_its_last(server: Any) -> None:
    with server.http() as http:
        started = http.post("/runs", json=BRIEF)
        assert started.status_code == 202
        run_id = started.json()["id"]
        events = listen(http, run_id)
        assert [event["seq"] for event in events] == list(range(len(events)))
        assert [int(event["id"]) for event in events] == list(range(len(events)))
        assert events[0]["type"] == "run.started"
        assert (events[-1]["type"], events[-1]["status"]) == ("run.finished", "delivered")
        assert listen(http, run_id) == events
        assert listen(http, run_id, **{"last-event-id": "3"}) == events[4:]
        assert listen(http, run_id, **{"last-event-id": str(len(events) - 1)}) == []


def test_listeners_come_and_go_and_the_run_does_not_mind(server: Any) -> None:
    with server.http() as http:
        run_id = http.post("/runs", json={**BRIEF, "prompt": "A slow lantern", "n": 4}).json()["id"]
        with http.stream("GET", f"/runs/{run_id}/events") as stream:
            next(stream.iter_lines())
        heard: list[list[dict[str, Any]]] = []

        def one() -> None:
            with server.http() as own:
                heard.append(listen(own, run_id))

        threads = [threading.Thread(target=one) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(events == heard[0] for events in heard)
        assert heard[0][-1]["status"] == "delivered"


def test_what_a_run_leaves(server: Any) -> None:
    with server.http() as http:
        run_id = http.post("/runs", json=BRIEF).json()["id"]
        listen(http, run_id)
        run = http.get(f"/runs/{run_id}").json()
        assert run["status"] == "delivered"
        image = http.get(run["links"][0].removeprefix(server.url))
        assert image.status_code == 200
        assert image.headers["content-type"] == "image/png"
        assert http.get(f"/v1/files/{run['files'][0]}/content").content == image.content
        described = http.get(f"/v1/files/{run['files'][0]}").json()
        assert described["bytes"] == len(image.content)
        packed = zipfile.ZipFile(BytesIO(http.get(f"/runs/{run_id}/archive").content))
        assert set(packed.namelist()) == {"image-1.png", "image-2.png", "index.html", "run.json"}
        assert packed.read("image-1.png") == image.content
        record = http.get(f"/runs/{run_id}/record").json()
        assert record["brief"]["prompt"] == BRIEF["prompt"]
        assert record["verdicts"]
        assert run_id in [each["id"] for each in http.get("/runs").json()["runs"]]


def test_a_cancelled_run_says_so(server: Any) -> None:
    with server.http() as http:
        run_id = http.post("/runs", json={**BRIEF, "prompt": "An endless lantern"}).json()["id"]
        time.sleep(0.3)
        assert http.post(f"/runs/{run_id}/cancel").json()["status"] == "cancelled"
        events = listen(http, run_id)
        assert (events[-1]["type"], events[-1]["status"]) == ("run.finished", "cancelled")
        assert [event["seq"] for event in events] == list(range(len(events)))
        assert http.post(f"/runs/{run_id}/cancel").json()["status"] == "cancelled"


def test_a_refused_run_offers_something_else(server: Any) -> None:
    with server.http() as http:
        run_id = http.post("/runs", json={**BRIEF, "prompt": "A forbidden lantern"}).json()["id"]
        assert listen(http, run_id)[-1]["status"] == "refused"
        refusal = http.get(f"/runs/{run_id}").json()["result"]["refusal"]
        assert refusal["policies"] == ["violence_graphic"]
        assert refusal["offer"]


def test_an_erased_run_is_gone(server: Any) -> None:
    with server.http() as http:
        run_id = http.post("/runs", json=BRIEF).json()["id"]
        listen(http, run_id)
        link = http.get(f"/runs/{run_id}").json()["links"][0]
        assert http.delete(f"/runs/{run_id}").json() == {"id": run_id, "deleted": True}
        assert http.get(f"/runs/{run_id}").status_code == 404
        assert http.get(link.removeprefix(server.url)).status_code == 404


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"prompt": " "}, "prompt"),
        ({"n": 9}, "n"),
        ({"size": "9x9"}, "size"),
        ({"images": ["data:image/png;base64,AAAA"]}, "images"),
        ({"images": ["http://127.0.0.1/secret.png"]}, "images"),
        ({"webhook": "http://169.254.169.254/"}, "webhook"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_brief_that_cannot_be_served_is_told_why(server: Any, change: dict[str, Any], param: str) -> None:
    with server.http() as http:
        answer = http.post("/runs", json={**BRIEF, **change})
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["param"] == param
        assert error["request_id"] == answer.headers["x-request-id"]


def test_a_reviewer_lets_a_run_go_on(serve: Any) -> None:
    server = serve(human_review=True)
    with server.http() as http:
        run_id = http.post("/runs", json={**BRIEF, "prompt": "A doubtful lantern"}).json()["id"]
        assert listen(http, run_id)[-1]["status"] == "suspended"
        assert http.get("/runs", params={"status": "suspended"}).json()["runs"][0]["id"] == run_id
        assert http.post(f"/runs/{run_id}/review", json={"approve": True}).status_code == 202
        assert listen(http, run_id)[-1]["status"] == "delivered"
        assert http.post(f"/runs/{run_id}/review", json={"approve": True}).status_code == 409
