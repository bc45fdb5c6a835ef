"""The API's reference, rendered from its own description: what can be called, with what, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from .render import page

__all__ = ["Field", "Operation", "operations", "router"]

router = APIRouter()

_GROUPS = (
    ("openai", "OpenAI’s API", "Clients of OpenAI change their base URL, and have a thinking mode."),
    ("runs", "Runs", "The native API: every event of a run, and everything that it leaves."),
    ("files", "Files", "Images by their id: with a key, or with a signed link that expires."),
    ("provenance", "Soft bindings", "From a watermark or a fingerprint back to the manifest, as C2PA describes it."),
    ("operation", "Operation", "For whoever runs the server."),
)


@dataclass(frozen=True)
class Field:
    """A parameter or a field of a body: where it goes, what it takes, and what it is when it is left out."""

    name: str
    where: str
    type: str
    required: bool
    default: str
    about: str


@dataclass(frozen=True)
class Operation:
    """One endpoint."""

    id: str
    method: str
    path: str
    group: str
    about: str
    fields: tuple[Field, ...]


@router.get("/docs")
async def reference(request: Request) -> Response:
    """The reference."""
    found = list(operations(request.app.openapi()))
    told = {tag for tag, _, _ in _GROUPS}
    others = [(tag, tag.capitalize(), "") for tag in dict.fromkeys(each.group for each in found) if tag not in told]
    groups = [
        {"title": title, "about": about, "operations": [each for each in found if each.group == tag]}
        for tag, title, about in (*_GROUPS, *others)
    ]
    return page(request, "reference.html", here="/docs", groups=groups, base=str(request.base_url).rstrip("/"))


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """The endpoints of an OpenAPI document, in its order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            fields = [_parameter(each, document) for each in operation.get("parameters", ())]
            yield Operation(
                id=operation["operationId"],
                method=method.upper(),
                path=path,
                group=operation.get("tags", ["operation"])[0],
                about=operation.get("description", ""),
                fields=(*fields, *_body(operation, document)),
            )


def _parameter(parameter: dict[str, Any], document: dict[str, Any]) -> Field:
    schema = parameter.get("schema", {})
    return Field(
        name=parameter["name"],
        where=parameter["in"],
        type=_type(schema, document),
        required=bool(parameter.get("required")),
        default=_default(schema),
        about=parameter.get("description") or schema.get("description", ""),
    )


def _body(operation: dict[str, Any], document: dict[str, Any]) -> Iterator[Field]:
    seen = set()
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(content.get("schema", {}), document)
        where = "form" if media_type.startswith("multipart/") else "body"
        for name, field in schema.get("properties", {}).items():
            if name not in seen:
                seen.add(name)
                required = name in schema.get("required", ())
                about = field.get("description", "")
                yield Field(name, where, _type(field, document), required, _default(field), about)


def _type(schema: dict[str, Any], document: dict[str, Any]) -> str:
    """A type in a word or two; null is left out, since leaving the field out says the same."""
    if "$ref" in schema:
        return _type(_resolved(schema, document), document)
    if "anyOf" in schema:
        kinds = [_type(each, document) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), document)}"
    bounds = [f"{sign} {schema[key]:g}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in schema]
    kind = "file" if schema.get("format") == "binary" else str(schema.get("type", "any"))
    return f"{kind} {', '.join(bounds)}".strip()


def _default(schema: dict[str, Any]) -> str:
    value = schema.get("default")
    return "" if value is None or value == [] else str(value).lower() if isinstance(value, bool) else str(value)


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found
