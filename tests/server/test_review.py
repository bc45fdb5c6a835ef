"""The reviewer's table: who sees the pictures that a run waits with, when, and what of them."""

from __future__ import annotations

import base64
import io
import time
from typing import Any

import httpx2
from PIL import Image, ImageDraw


def striped() -> bytes:
    """Black and white, 4 px each: in the blur of 12 cells nothing of it is left."""
    image = Image.new("RGB", (480, 480), "white")
    for left in range(0, 480, 8):
        ImageDraw.Draw(image).rectangle((left, 0, left + 3, 479), "black")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def opened(answer: httpx2.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"] == "no-store"
    assert "sandbox" in answer.headers["content-security-policy"]
    return Image.open(io.BytesIO(answer.content)).convert("L")


def contrast(image: Image.Image) -> int:
    low, high = image.getextrema()
    return int(high) - int(low)


def waiting(http: httpx2.Client, prompt: str, *images: bytes) -> str:
    """A run that has come to wait for a person."""
    sent = [f"data:image/png;base64,{base64.b64encode(image).decode()}" for image in images]
    brief = {"prompt": prompt, "n": 2, "size": "256x256", "mode": "instant", "images": sent}
    run_id = http.post("/runs", json=brief).json()["id"]
    for _ in range(200):
        if http.get(f"/runs/{run_id}").json()["status"] == "suspended":
            return str(run_id)
        time.sleep(0.05)
    raise AssertionError("the run does not wait")


def test_a_reviewer_sees_blurred_and_then_clear_what_was_sent_along(serve: Any) -> None:
    server = serve(human_review=True, require_keys=True)
    owner, reviewer = server.key("ada"), server.key("rev", scopes=("review",))
    with server.http(owner) as ada, server.http(reviewer) as rev, server.http() as nobody:
        run_id = waiting(ada, "A doubtful lantern", striped())
        place = f"/review/{run_id}/pictures/0"
        assert place in rev.get("/review", headers={"accept": "text/html"}).text
        assert contrast(opened(rev.get(place))) < 30
        clear = opened(rev.get(f"{place}?clear=1"))
        assert clear.size == (480, 480)
        assert contrast(clear) > 200
        for address in (place, f"{place}?clear=1"):
            assert nobody.get(address).status_code == 401
            assert ada.get(address).status_code == 403  # her own picture, but not her table
        for wrong in ("1", "-1", "99999"):
            assert rev.get(f"/review/{run_id}/pictures/{wrong}").status_code == 404
        assert rev.get("/review/run_none/pictures/0").status_code == 404
        assert rev.post(f"/runs/{run_id}/review", json={"approve": False}).status_code == 202
        for _ in range(200):
            if ada.get(f"/runs/{run_id}").json()["status"] == "refused":
                break
            time.sleep(0.05)
        assert rev.get(place).status_code == 404  # it is decided, and nobody's business any more


def test_a_set_that_waits_is_seen_by_its_reviewer_and_not_yet_by_its_owner(serve: Any) -> None:
    server = serve(human_review=True, require_keys=True)
    owner, reviewer = server.key("ada"), server.key("rev", scopes=("review",))
    with server.http(owner) as ada, server.http(reviewer) as rev:
        run_id = waiting(ada, "A questionable lantern")
        table = rev.get("/review", headers={"accept": "text/html"}).text
        assert "Image 1 of the set" in table
        assert "Image 2 of the set" in table
        for number in (0, 1):
            assert opened(rev.get(f"/review/{run_id}/pictures/{number}?clear=1")).size == (256, 256)
            assert ada.get(f"/runs/{run_id}/images/{number}").status_code == 404
        assert rev.get(f"/runs/{run_id}/images/0").status_code in {403, 404}
        assert rev.post(f"/runs/{run_id}/review", json={"approve": True}).status_code == 202
        for _ in range(200):
            if ada.get(f"/runs/{run_id}/images/0").status_code == 200:
                break
            time.sleep(0.05)
        assert ada.get(f"/runs/{run_id}/images/1").status_code == 200
