"""Messages as OpenAI's two chat APIs write them: text, or a list of parts."""

from __future__ import annotations

from typing import Any

from ..asking import Spoken
from ..errors import bad_request

__all__ = ["spoken"]

_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_TEXTS = {"text", "input_text", "output_text"}
_IMAGES = {"image_url", "input_image"}
_FILES = {"file", "input_file"}


def spoken(message: dict[str, Any], *, param: str) -> Spoken | None:
    """One message; None for those that are about tools. Raises ApiError 400 for one that cannot be read."""
    role = _ROLES.get(str(message.get("role", "user")))
    if role is None:
        return None
    content = message.get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise bad_request("The content of a message is text or a list of parts.", param=param)
    texts, images, files, refused = [], [], [], bool(message.get("refusal"))
    for part in parts:
        kind = part.get("type")
        if kind in _TEXTS:
            texts.append(_text(part.get("text"), param))
        elif kind in _IMAGES:
            images.append(_image(part, param))
        elif kind in _FILES:
            files.append(_file(part, param))
        elif kind == "refusal":
            refused = True
    known: Any = role
    return Spoken(known, "\n".join(texts), tuple(images), tuple(files), refused)


def _image(part: dict[str, Any], param: str) -> str:
    given = part.get("image_url") or part.get("file_id")
    return _text(given.get("url") if isinstance(given, dict) else given, param)


def _file(part: dict[str, Any], param: str) -> tuple[str, str]:
    given = part.get("file") if isinstance(part.get("file"), dict) else part
    assert isinstance(given, dict)  # noqa: S101 - for the type checker: a part is one
    if not given.get("file_data"):
        raise bad_request("A file is sent with its data: file_data, as base64 or a data URL.", param=param)
    return _text(given.get("filename") or "file", param), _text(given["file_data"], param)


def _text(value: Any, param: str) -> str:
    if not isinstance(value, str):
        raise bad_request("A part of a message lacks its text or address.", param=param)
    return value
