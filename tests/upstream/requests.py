"""What is in a request: its text, wherever the API lets text stand, and the parts of a form."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["has_image", "last_user_text", "parse_form", "text_of"]

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_NAME = re.compile(rb'name="([^"]*)"')


def text_of(value: Any) -> str:
    """All text of an `input` or of `messages`."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(text for text in map(text_of, value) if text)
    if isinstance(value, dict):
        parts = (value.get(key) for key in ("text", "content", "output", "arguments"))
        return "\n".join(text for text in (text_of(part) for part in parts if isinstance(part, str | list)) if text)
    return ""


def last_user_text(value: Any) -> str:
    """The text of the last turn of a user; everything's, where there are no turns."""
    if isinstance(value, list):
        for item in reversed(value):
            if isinstance(item, dict) and item.get("role") == "user" and (text := text_of(item.get("content"))):
                return text
    return text_of(value)


def has_image(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(has_image, value))
    if isinstance(value, dict):
        return value.get("type") in {"input_image", "image_url"} or has_image(value.get("content"))
    return False


def parse_form(body: bytes, content_type: str) -> tuple[dict[str, Any], dict[str, list[bytes]]]:
    """Fields and files of multipart/form-data."""
    fields: dict[str, Any] = {}
    files: dict[str, list[bytes]] = {}
    match = _BOUNDARY.search(content_type)
    for part in body.split(b"--" + match[1].encode()) if match else []:
        head, separator, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not separator or name is None:
            continue
        content = content.removesuffix(b"\r\n")
        if b'filename="' in head:
            files.setdefault(name[1].decode(), []).append(content)
        else:
            fields[name[1].decode()] = content.decode("utf-8", "replace")
    return fields, files
