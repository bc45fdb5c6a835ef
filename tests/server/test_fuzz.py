"""Uploads that are nearly images, and listeners that are cut off anywhere: no crash, no lost event, no event twice."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

BRIEF = {"prompt": "A paper lantern", "n": 4, "size": "256x256", "mode": "instant"}
UPLOADS = {
    "/v1/images/edits": "image",
    "/v1/content_provenance_checks": "file",
    "/verify": "image",
}


def picture(kind: str) -> bytes:
    encoded = BytesIO()
    Image.effect_noise((64, 48), 40).convert("RGB").save(encoded, kind)
    return encoded.getvalue()


PICTURES = [picture(kind) for kind in ("PNG", "JPEG", "WEBP", "GIF")]


@st.composite
def nearly_images(draw: st.DrawFn) -> bytes:
    """An image with bytes changed, cut out, or put in; or bytes that were none to begin with."""
    data = bytearray(draw(st.sampled_from(PICTURES)) if draw(st.booleans()) else draw(st.binary(max_size=400)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["change", "cut", "insert", "end"])):
            case "change" if data:
                data[at] = draw(st.integers(0, 255))
            case "cut":
                del data[at : at + draw(st.integers(1, 64))]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=64))
            case "end":
                del data[at:]
    return bytes(data)


@settings(max_examples=12, deadline=None)
@given(data=nearly_images(), path=st.sampled_from(sorted(UPLOADS)), name=st.text(max_size=20))
def test_no_upload_breaks_the_server(server: Any, data: bytes, path: str, name: str) -> None:
    with server.http() as http:
        form = {"prompt": "make it blue", "model": "safelight-instant", "size": "256x256"}
        name = name.encode("utf-8", "ignore").decode()
        answer = http.post(path, files={UPLOADS[path]: (name or "a", data, "image/png")}, data=form)
        assert answer.status_code < 500, answer.text


@settings(max_examples=4, deadline=None)
@given(cuts=st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_no_cut_loses_an_event(server: Any, cuts: list[int]) -> None:
    """Each time after so many events the connection is dropped, and taken up again by Last-Event-ID."""
    with server.http() as http:
        run_id = http.post("/runs", json=BRIEF).json()["id"]
    heard: list[int] = []
    for cut in (*cuts, None):
        with server.http() as http:
            last = {"last-event-id": str(heard[-1])} if heard else {}
            heard += [event["seq"] for event in some_events(http, run_id, last, cut)]
    assert heard == list(range(len(heard)))


def some_events(http: httpx2.Client, run_id: str, headers: dict[str, str], most: int | None) -> list[dict[str, Any]]:
    """At most so many events; all there are, where it is None."""
    events: list[dict[str, Any]] = []
    with http.stream("GET", f"/runs/{run_id}/events", headers=headers) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                events.append(json.loads(line[6:]))
                if len(events) == most:
                    break
    return events
