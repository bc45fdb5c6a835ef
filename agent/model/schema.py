"""JSON schemas as services demand them for strict output, and JSON as models really write it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ValidationError

__all__ = ["faults_of", "find_object", "strict_schema"]


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
    made = {key: _strict(value) for key, value in node.items() if key not in {"default", "title"}}
    if isinstance(node.get("properties"), dict):
        # A property may itself be called `title` or `default`: names are kept, whatever they are.
        made["properties"] = {name: _strict(value) for name, value in node["properties"].items()}
        made["required"] = list(node["properties"])
        made["additionalProperties"] = False
    return made


def find_object(text: str) -> dict[str, Any]:
    """The JSON object in `text`: all of it, or the first that stands in prose or a code fence.

    Raises:
        ValueError: there is none.
    """
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            found, _ = decoder.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            found = None
        if isinstance(found, dict) and found:
            return found
        start = text.find("{", start + 1)
    raise ValueError("the answer holds no JSON object")


def faults_of(error: ValueError, *, most: int = 8) -> str:
    """What is wrong with an answer, for the model that gave it; never what stood there, which may be a stranger's."""
    if isinstance(error, ValidationError):
        listed = error.errors(include_input=False, include_url=False, include_context=False)[:most]
        return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'answer'}: {fault['msg']}" for fault in listed)
    return str(error)
