"""POST /v1/images/generations and /v1/images/edits, whole or streamed."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from .errors import error
from .exchange import Exchange, dumps
from .pictures import FLAG, flags_in, make_picture

if TYPE_CHECKING:
    from .simulator import Simulator

__all__ = ["answer_images", "usage_of_images"]

EPOCH = 1_790_000_000


async def answer_images(
    upstream: Simulator, exchange: Exchange, body: dict[str, Any], files: dict[str, list[bytes]]
) -> None:
    edit = exchange.endpoint == "images.edits"
    sources = _sources(body, files) if edit else []
    if edit and not sources:
        missing = error("Missing required parameter: 'image'.", "invalid_request_error", "missing_required_parameter")
        return await exchange.json(missing, 400)
    pictures = [] if exchange.kind == "empty" else _pictures(upstream, body, sources, edit=edit)
    about = {
        "size": _said(body, "size", "1024x1024"),
        "quality": _said(body, "quality", "medium"),
        "background": _said(body, "background", "opaque"),
        "output_format": body.get("output_format") or "png",
    }
    if str(body.get("stream", "")).lower() in {"true", "1"} and exchange.kind != "plain":
        partials = int(body.get("partial_images") or 0)
        return await exchange.stream(_events(pictures, about, partials, edit=edit), closing=False)
    usage = usage_of_images(len(pictures), edit=edit)
    data = [_entry(upstream, exchange, body, picture, about["output_format"]) for picture in pictures]
    await exchange.json({"created": EPOCH, "data": data, **about, "usage": usage})


def usage_of_images(number: int, *, edit: bool) -> dict[str, Any]:
    image = 40 if edit else 0
    return {
        "input_tokens": 10 + image,
        "input_tokens_details": {"image_tokens": image, "text_tokens": 10},
        "output_tokens": 1056 * number,
        "total_tokens": 10 + image + 1056 * number,
    }


def _said(body: dict[str, Any], key: str, otherwise: str) -> str:
    value = body.get(key)
    return otherwise if value in {None, "", "auto"} else str(value)


def _sources(body: dict[str, Any], files: dict[str, list[bytes]]) -> list[bytes]:
    sources = [data for name, parts in files.items() if name.startswith("image") for data in parts]
    for reference in body.get("images") or []:
        address = reference.get("image_url", "") if isinstance(reference, dict) else ""
        if address.startswith("data:"):
            sources.append(base64.b64decode(address.partition(",")[2]))
    return sources


def _pictures(upstream: Simulator, body: dict[str, Any], sources: list[bytes], *, edit: bool) -> list[bytes]:
    prompt = str(body.get("prompt", ""))
    origin = hashlib.blake2b(b"".join(sources), digest_size=8).hexdigest() if edit else ""
    flags = FLAG.findall(prompt) + [flag for source in sources for flag in flags_in(source)]
    return [
        make_picture(
            upstream.config.image,
            f"{'e' if edit else 'g'}|{body.get('model')}|{prompt}|{origin}|{place}",
            _said(body, "size", "1024x1024"),
            body.get("output_format") or "png",
            flags,
        )
        for place in range(int(body.get("n") or 1))
    ]


def _events(
    pictures: list[bytes], about: dict[str, str], partials: int, *, edit: bool
) -> list[tuple[str | None, bytes]]:
    prefix = "image_edit" if edit else "image_generation"
    events: list[tuple[str | None, bytes]] = []
    for picture in pictures:
        base = {"b64_json": base64.b64encode(picture).decode(), "created_at": EPOCH, **about}
        for number in range(partials):
            name = f"{prefix}.partial_image"
            events.append((name, dumps({"type": name, "partial_image_index": number, **base})))
        name = f"{prefix}.completed"
        events.append((name, dumps({"type": name, **base, "usage": usage_of_images(1, edit=edit)})))
    return events


def _entry(upstream: Simulator, exchange: Exchange, body: dict[str, Any], picture: bytes, form: str) -> dict[str, str]:
    if body.get("response_format") != "url":
        return {"b64_json": base64.b64encode(picture).decode()}
    name = upstream.keep_picture(picture)
    return {"url": f"http://{exchange.headers.get('host', '127.0.0.1')}/img/{name}.{form}"}
