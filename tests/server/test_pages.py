"""The pages as HTML: what each shows in each state, that nothing in them is unescaped, and whose they are."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

HTML = {"accept": "text/html"}
NASTY = "<img src=x onerror=alert(1)> \"quoted\" & 'single' </textarea><script>alert(2)</script>"


class Outline(HTMLParser):
    """What a page consists of: tags in use, attributes in use, ids, and headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.fields: set[str] = set()
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.attributes |= set(given)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "label":
            self.labels.add(str(given.get("for")))
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self.fields.add(str(given.get("id")))
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


@pytest.fixture
def http(server: Any) -> Iterator[httpx2.Client]:
    with server.http() as client:
        client.headers.update(HTML)
        yield client


def start(http: httpx2.Client, prompt: str, **more: Any) -> str:
    """Send the composer's form; returns the address of the run's page."""
    data = {"prompt": prompt, "n": "2", "size": "256x256", "mode": "instant", **more}
    files = data.pop("files", None) or {"files": ("", b"")}
    answer = http.post("/studio", data=data, files=files)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def ended(http: httpx2.Client, address: str) -> str:
    """The page of a run once it is over."""
    with http.stream("GET", f"{address}/told") as stream:
        for _ in stream.iter_lines():
            pass
    return http.get(address).text


def png(color: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 300), color).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("address", ["/", "/runs", "/verify", "/graphs", "/docs", "/review", "/session", "/nowhere"])
def test_every_page_keeps_to_the_policy_and_labels_its_fields(http: httpx2.Client, address: str) -> None:
    answer = http.get(address)
    assert answer.status_code == (404 if address == "/nowhere" else 200)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    outline = Outline(answer.text)
    assert not outline.inline
    assert not {name for name in outline.attributes if name.startswith("on") or name == "style"}
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.fields <= outline.labels
    assert {"h1", "main", "nav"} <= outline.tags


def test_every_asset_that_a_page_names_is_there_and_may_be_kept(http: httpx2.Client) -> None:
    names = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', http.get("/").text + http.get("/verify").text))
    style = next(name for name in names if name.endswith(".css"))
    names |= {f"{style.rpartition('/')[0]}/{font}" for font in re.findall(r'url\("([^"]+)"\)', http.get(style).text)}
    assert len(names) >= 7
    for name in names:
        answer = http.get(name)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert http.get("/assets/x/../../app.py").status_code == 404
    assert http.get("/assets/x/%2e%2e/app.py").status_code == 404


def test_a_brief_becomes_a_set_that_can_be_taken_home(http: httpx2.Client) -> None:
    address = start(http, "A paper lantern")
    page = ended(http, address)
    assert "delivered" in page
    assert page.count('class="frame is-print"') == 2
    for mark in ("Credentials", "Watermark", "Fingerprint", "Development"):
        assert mark in page
    image = http.get(f"{address}/images/0?download=1")
    assert image.headers["content-type"] == "image/png"
    assert 'filename="a-paper-lantern-1.png"' in image.headers["content-disposition"]
    small = http.get(f"{address}/images/0?small=1")
    assert len(small.content) < len(image.content)
    with zipfile.ZipFile(io.BytesIO(http.get(f"{address}/set.zip").content)) as archive:
        assert archive.read("image-1.png") == image.content
        assert {"run.json", "index.html", "image-2.png"} <= set(archive.namelist())
    assert http.get(f"{address}/record.json").json()["status"] == "delivered"
    found = http.post("/verify", files={"image": ("lantern.png", image.content)}).text
    assert "Ours" in found
    assert address in found
    assert "is-match" in found


def test_the_stream_says_what_a_reload_shows_and_can_be_taken_up_again(http: httpx2.Client) -> None:
    address = start(http, "A slow lantern")
    first = http.get(address).text
    assert "hx-sse:connect" in first
    assert "Cancel" in first
    with http.stream("GET", f"{address}/told", headers={"last-event-id": "1"}) as stream:
        lines = [line for line in stream.iter_lines() if line]
    assert lines[-2:] == ["event: over", "data: over"]
    numbers = [int(line[4:]) for line in lines if line.startswith("id: ")]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > 1
    told = next(line for line in reversed(lines) if "#sheet" in line)
    shown = http.get(address).text
    for part in ("is-print", f"{address}/images/0", f"{address}/images/1"):
        assert part in told
        assert part in shown
    assert "hx-sse:connect" not in shown


def test_no_image_can_be_had_before_the_set_has_passed(http: httpx2.Client) -> None:
    address = start(http, "A slow lantern, held back")
    assert http.get(f"{address}/images/0").status_code == 404
    assert http.get(f"{address}/set.zip").status_code == 404
    ended(http, address)
    assert http.get(f"{address}/images/0").status_code == 200
    assert http.get(f"{address}/images/2").status_code == 404


def test_a_refusal_offers_what_can_be_made_and_does_not_enter_the_conversation(http: httpx2.Client) -> None:
    page = ended(http, address := start(http, "A forbidden lantern"))
    assert "Not this one" in page
    assert "What can be made instead" in page
    assert "data-prompt=" in page
    assert http.get(f"{address}/set.zip").status_code == 404
    next_address = start(http, "A lantern after all", after=address.rpartition("/")[2])
    assert "A forbidden lantern" not in ended(http, next_address)


def test_a_gap_is_named_and_the_others_are_delivered(http: httpx2.Client) -> None:
    page = ended(http, start(http, "A gapped lantern", n="3"))
    assert "partial" in page
    assert page.count('class="frame is-gap"') == 1
    assert page.count('class="frame is-print"') == 2


def test_writing_on_keeps_the_conversation(http: httpx2.Client) -> None:
    address = start(http, "A paper lantern")
    ended(http, address)
    page = ended(http, start(http, "Make it blue", after=address.rpartition("/")[2]))
    assert f'<a href="{address}"' in page
    assert "A paper lantern" in page


def test_nothing_typed_or_named_comes_back_unescaped(http: httpx2.Client) -> None:
    address = start(http, NASTY, files={"files": ("<b>evil</b>.txt", b"some text")})
    for text in (ended(http, address), http.get("/").text, http.get("/runs").text):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<b>evil" not in text
    found = http.post("/verify", files={"image": ("<b>evil</b>.png", png())}).text
    assert "<b>evil" not in found
    assert "No evidence" in found


@pytest.mark.parametrize(
    ("data", "files", "said"),
    [
        ({"prompt": "  "}, None, "prompt is empty"),
        ({"prompt": "A lantern", "size": "9x9"}, None, "9x9"),
        ({"prompt": "A lantern", "style": "gothic"}, None, "style"),
        ({"prompt": "A lantern"}, {"files": ("a.png", png()[:200])}, "a.png"),
        ({"prompt": "A lantern"}, {"files": ("empty.txt", b"")}, "empty.txt is empty"),
    ],
)
def test_a_fault_is_named_and_what_was_typed_is_kept(
    http: httpx2.Client, data: dict[str, str], files: Any, said: str
) -> None:
    answer = http.post("/studio", data=data, files=files or {"files": ("", b"")})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'role="alert"' in answer.text
    assert "A lantern" in answer.text or data["prompt"] == "  "


def test_a_run_can_be_stopped(http: httpx2.Client) -> None:
    address = start(http, "An endless lantern")
    assert http.post(f"{address}/stop").headers["location"] == address
    page = http.get(address).text
    assert "Cancelled" in page
    assert "hx-sse:connect" not in page


def test_the_image_that_is_edited_goes_with_its_mask(server: Any, http: httpx2.Client) -> None:
    address = start(http, "A paper lantern")
    ended(http, address)
    run_id = address.rpartition("/")[2]
    assert "Brush" in http.get(f"{address}/images/0/edit").text
    for more in ({"cell": ["0", "7"]}, {"files": {"mask": ("mask.png", png("white"))}}):
        page = start(http, "Blur this", after=run_id, image="0", **more)
        brief = http.get(page, headers={"accept": "application/json"}).json()
        assert brief["mode"] == "edit"
        ended(http, page)
    assert http.get(f"{address}/images/7/edit").status_code == 404


def test_errors_are_pages_for_people_and_json_for_programs(http: httpx2.Client) -> None:
    page = http.get("/runs/run_nix")
    assert page.status_code == 404
    assert "Nothing on this frame" in page.text
    plain = http.get("/runs/run_nix", headers={"accept": "application/json"})
    assert plain.json()["error"]["code"] == "not_found"
    assert http.get("/v1/nix").headers["content-type"] == "application/json"
    assert http.post("/studio", data={}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert http.post("/session", data={"key": "x"}, headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_a_key_opens_the_pages_and_only_its_own_runs(locked: Any) -> None:
    keys = {name: locked.key(name) for name in ("ada", "bob")}
    with locked.http() as ada, locked.http() as bob:
        for client in (ada, bob):
            client.headers.update(HTML)
        asked = ada.get("/runs")
        assert (asked.status_code, asked.headers["location"]) == (303, "/session?to=/runs")
        assert ada.post("/session", data={"key": "sl_wrong"}).status_code == 401
        for client, name in ((ada, "ada"), (bob, "bob")):
            opened = client.post("/session", data={"key": keys[name], "to": "//evil.example"})
            assert (opened.status_code, opened.headers["location"]) == (303, "/")
            assert "HttpOnly" in opened.headers["set-cookie"]
        address = start(ada, "A lantern of Ada’s")
        ended(ada, address)
        for path in ("", "/images/0", "/images/0/edit", "/set.zip", "/record.json", "/told"):
            assert bob.get(f"{address}{path}").status_code == 404
        assert "Ada’s" not in bob.get("/runs").text
        assert "Ada’s" in ada.get("/runs").text
        image = ada.get(f"{address}/images/0").content
        found = bob.post("/verify", files={"image": ("x.png", image)}).text
        assert "Ours" in found
        assert address not in found
        assert bob.get("/review").status_code == 403
        ada.post("/session", data={"out": "1"})
        assert ada.get("/runs").status_code == 303


def test_a_reviewer_decides_and_the_run_goes_on(serve: Any, tmp_path: Path) -> None:
    with serve(human_review=True).http() as http:
        http.headers.update(HTML)
        address = start(http, "A doubtful lantern")
        assert "A person has to look at this" in ended(http, address)
        assert "A doubtful lantern" in http.get("/review").text
        run_id = address.rpartition("/")[2]
        assert http.post(f"/review/{run_id}", data={"decision": "perhaps"}).status_code == 400
        assert http.post(f"/review/{run_id}", data={"decision": "approve"}).status_code == 303
        assert "is-print" in ended(http, address)
        assert "Nothing waits" in http.get("/review").text
        assert http.post(f"/review/{run_id}", data={"decision": "deny"}).status_code == 409


def test_the_drawn_graphs_name_their_guards(http: httpx2.Client) -> None:
    page = http.get("/graphs").text
    assert "is reached only through" in page
    for name in ("thinking", "instant", "edit"):
        drawn = http.get(f"/graphs/{name}.svg")
        assert drawn.headers["content-type"] == "image/svg+xml"
        assert "generate" in drawn.text
    assert http.get("/graphs/none.svg").status_code == 404
