"""An instance of any JSON schema, the plainest there is."""

from __future__ import annotations

from typing import Any

__all__ = ["instance_of"]

_FORMATS = {
    "date-time": "2026-11-01T00:00:00Z",
    "date": "2026-11-01",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "http://127.0.0.1/stub",
}


def instance_of(schema: Any, root: Any = None, *, name: str = "value", depth: int = 0) -> Any:
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > 12:
        return None

    def inner(part: Any, part_name: str = name) -> Any:
        return instance_of(part, root, name=part_name, depth=depth + 1)

    if "$ref" in schema:
        node: Any = root
        for step in schema["$ref"].lstrip("#/").split("/"):
            node = node[step]
        return inner(node)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return inner(next((part for part in schema[key] if part.get("type") != "null"), schema[key][0]))
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((item for item in kind if item != "null"), "null")
    if kind == "object" or "properties" in schema:
        return {key: inner(part, key) for key, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [inner(schema.get("items", {})) for _ in range(max(int(schema.get("minItems", 1)), 1))]
    return _scalar(schema, kind, name)


def _scalar(schema: dict[str, Any], kind: str | None, name: str) -> Any:
    if kind == "integer":
        return int(schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1))
    if kind == "number":
        return float(schema.get("minimum", 0.5))
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    return _FORMATS.get(schema.get("format", ""), f"stub {name}").ljust(int(schema.get("minLength", 0)), ".")
