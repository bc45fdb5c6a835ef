"""The contact sheet: one self-contained page about a run, with nothing fetched and no script."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, Template, select_autoescape

__all__ = ["render_page"]


def render_page(run: dict[str, Any]) -> str:
    """The page for a run record (see `run_record`). Everything in it is escaped; images are linked by file name."""
    return _template().render(
        run=run,
        images=[_image(image) for image in run["images"]],
        sources=[{**source, "safe_url": _web(source["url"])} for source in run["sources"]],
        verdicts=_grouped(run["verdicts"]),
        total=run["timings"].get("total", 0.0),
    )


@cache
def _template() -> Template:
    environment = Environment(autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((resources.files(__package__) / "run.html").read_text(encoding="utf-8"))


def _image(image: dict[str, Any]) -> dict[str, Any]:
    if "gap" in image:
        return image
    return {**image, "file": PurePath(image["path"]).name if image.get("path") else ""}


def _web(url: str) -> str:
    """The address, if a browser may follow it; a source's address is untrusted text."""
    return url if urlsplit(url).scheme in {"http", "https"} else ""


def _grouped(verdicts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Verdicts by stage, in the order in which the stages first came up."""
    groups: dict[str, dict[str, Any]] = {}
    for verdict in verdicts:
        group = groups.setdefault(verdict["stage"], {"stage": verdict["stage"], "allowed": 0, "other": []})
        if verdict["decision"] == "allow":
            group["allowed"] += 1
        else:
            group["other"].append(verdict)
    return list(groups.values())
