"""JSON schemas as services demand them for strict output, and JSON as models really write it."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

__all__ = ["faults_of", "find_object", "strict_schema"]

_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
# What the strict subset has no place for; pydantic checks it when the answer is in.
_LEFT_OUT = {"default", "title", "minLength", "maxLength"}


@cache
def strict_schema(answer: type[BaseModel]) -> dict[str, Any]:
    """The schema of `answer` in the strict subset: every property required, none besides, no defaults and no titles.

    Source: OpenAI, "Structured outputs", supported schemas.
    """
    schema: dict[str, Any] = _strict(answer.model_json_schema())
    return schema


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _strict(value) for key, value in node.items() if key not in _LEFT_OUT}
    if isinstance(node.get("properties"), dict):
        # A property may itself be called `title` or `default`: names are kept, whatever they are.
        made["properties"] = {name: _strict(value) for name, value in node["properties"].items()}
        made["required"] = list(node["properties"])
        made["additionalProperties"] = False
    return made


def find_object(text: str) -> dict[str, Any]:
    """The JSON object in `text`: all of it, or the first that stands in prose or a code fence.

    A comma too many before a closing bracket is forgiven; an object that was cut off is not mended, since what is
    missing might have been what mattered.

    Raises:
        ValueError: there is none.
    """
    decoder = json.JSONDecoder(strict=False)
    for candidate in (text, _TRAILING_COMMA.sub(r"\1", text)):
        start = candidate.find("{")
        while start >= 0:
            try:
                found, _ = decoder.raw_decode(candidate, start)
            except (json.JSONDecodeError, RecursionError):
                found = None
            if isinstance(found, dict) and found:
                return found
            # An object that does not parse is not searched for smaller ones: they would be parts of it.
            start = -1 if _looks_cut(candidate, start) else candidate.find("{", start + 1)
    raise ValueError("the answer holds no complete JSON object")


def _looks_cut(text: str, start: int) -> bool:
    """Whether the brace at `start` opens an object with a key: then its inner objects must not pass for the answer."""
    return re.match(r'\{\s*"', text[start : start + 200]) is not None


def faults_of(error: ValueError, *, most: int = 8) -> str:
    """What is wrong with an answer, for the model that gave it; never what stood there, which may be a stranger's."""
    if isinstance(error, ValidationError):
        listed = error.errors(include_input=False, include_url=False, include_context=False)[:most]
        return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'answer'}: {fault['msg']}" for fault in listed)
    return str(error)
