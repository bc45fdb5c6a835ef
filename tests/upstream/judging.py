"""POST /v1/moderations, /v1/decisions and /v1/content_provenance_checks. Content is bad where it is marked so."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from .errors import error
from .exchange import Exchange
from .pictures import FLAG, flags_in
from .requests import text_of

if TYPE_CHECKING:
    from .simulator import Simulator

__all__ = ["answer_decisions", "answer_moderations", "answer_provenance", "moderation_result"]

_CATEGORIES = [
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
]  # fmt: skip
_OF_IMAGES = {"self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "violence", "violence/graphic"}


def moderation_result(text: str, *, image: bool = False) -> dict[str, Any]:
    flags = set(FLAG.findall(text)) & set(_CATEGORIES)
    return {
        "flagged": bool(flags),
        "categories": {name: name in flags for name in _CATEGORIES},
        "category_scores": {name: 0.98 if name in flags else 0.0001 for name in _CATEGORIES},
        "category_applied_input_types": {
            name: ["text", "image"] if image and name in _OF_IMAGES else ["text"] for name in _CATEGORIES
        },
    }


async def answer_moderations(upstream: Simulator, exchange: Exchange, body: dict[str, Any]) -> None:
    content = body.get("input", "")
    if isinstance(content, str):
        results = [moderation_result(content)]
    elif content and isinstance(content[0], dict):  # parts are one content, with one result
        try:
            text, image = _seen(content)
        except (binascii.Error, ValueError):
            return await exchange.json(error("Invalid image.", "invalid_request_error", "invalid_image", "input"), 400)
        results = [moderation_result(text, image=image)]
    else:
        results = [moderation_result(text) for text in content]
    model = body.get("model") or "omni-moderation-latest"
    if exchange.kind == "empty":
        results = []
    await exchange.json({"id": upstream.new_id("modr"), "model": model, "results": results})


def _seen(parts: list[dict[str, Any]]) -> tuple[str, bool]:
    text, image = "", False
    for part in parts:
        if part.get("type") == "text":
            text += part.get("text", "")
        elif part.get("type") == "image_url":
            image = True
            address = (part.get("image_url") or {}).get("url", "")
            if address.startswith("data:"):
                data = base64.b64decode(address.partition(",")[2], validate=True)
                text += "".join(f"[[flag:{flag}]]" for flag in flags_in(data))
    return text, image


async def answer_decisions(upstream: Simulator, exchange: Exchange, body: dict[str, Any]) -> None:
    flagged = bool(FLAG.search(text_of(body.get("input"))))
    answers = [_decide(question, flagged, exchange.kind == "refusal") for question in body.get("questions") or []]
    usage = {"input_tokens": 10, "output_tokens": 1, "total_tokens": 11}
    await exchange.json({"answers": answers, "model": body.get("model", "gpt-6-luna"), "usage": usage})


def _decide(question: dict[str, Any], flagged: bool, refuses: bool) -> dict[str, Any]:
    base = {"type": "refusal" if refuses else question["type"], "name": question.get("name")}
    if refuses:
        return base
    if question["type"] == "predicate":
        return {**base, "probability": 0.97 if flagged else 0.02}
    if question["type"] == "choice":
        return {**base, "choice": question["choices"][0]["value"], "confidence": 0.9}
    return {**base, "score": float(len(question["levels"]) - 1 if flagged else 0), "confidence": 0.9}


async def answer_provenance(exchange: Exchange, files: dict[str, list[bytes]]) -> None:
    data = next(iter(files.values()), [b""])[0]
    outcome = "detected" if b"tEXtstub\x00" in data else "not_detected"
    results = [{"type": kind, "outcome": outcome} for kind in ("c2pa", "synthid")]
    await exchange.json({"object": "content_provenance_check", "created_at": 1_790_000_000, "results": results})
