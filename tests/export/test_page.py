"""The contact sheet: self-contained, and nothing in a run can break out of its place."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from safelight.export import render_page

NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def record(text: str) -> dict[str, Any]:
    stamp = {"manifest_id": "m", "watermark": "w", "fingerprint": "f", "development": True}
    image = {
        "path": f"/tmp/{'image-1.png'}", "width": 512, "height": 512, "title": text, "alt": text, "stamp": stamp,
    }  # fmt: skip
    gap = {"gap": {"stage": "generator_output", "policy": "hate", "reason": text, "offer": [text]}}
    return {
        "run_id": "run_1",
        "status": "partial",
        "brief": {"prompt": text, "mode": "thinking"},
        "images": [image, gap],
        "refusal": {"reason": text, "offer": [text]},
        "rewritten": [{"policies": ["hate"], "changes": [text], "prompt": text, "image": None}],
        "sources": [{"id": "s1", "url": text, "title": text, "quote": text}],
        "thinking": [text],
        "verdicts": [{"stage": "prompt", "decision": "block", "policies": [], "reason": text}],
        "not_checked": ["image:hate"],
        "notes": [text],
        "warnings": [text],
        "timings": {"total": 1.0},
        "cost": {"total": 0.0},
        "researched": True,
    }


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_markup_in_a_run_stays_text() -> None:
    tags = Tags(render_page(record(NASTY)))
    assert "script" not in {tag for tag, _ in tags.found}
    assert not [name for _, attributes in tags.found for name in attributes if name.startswith("on")]
    assert NASTY in tags.text


def test_a_source_that_no_browser_should_follow_is_no_link() -> None:
    page = render_page(record("x") | {"sources": [{"url": "javascript:alert(1)", "title": "t", "quote": "q"}]})
    assert not [attributes for tag, attributes in Tags(page).found if tag == "a" and "javascript" in str(attributes)]


def test_nothing_is_fetched() -> None:
    for tag, attributes in Tags(render_page(record("plain"))).found:
        for name in ("src", "href"):
            assert not str(attributes.get(name) or "").startswith(("http:", "https:", "//")), (tag, attributes)


@given(st.text(max_size=80))
def test_any_text_can_be_shown(text: str) -> None:
    tags = Tags(render_page(record(text)))
    assert {"html", "main", "footer"} <= {tag for tag, _ in tags.found}
    assert "script" not in {tag for tag, _ in tags.found}
