"""Reads the bundled YAML, once each."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

import yaml

__all__ = ["listed", "load"]

# libyaml is much faster than the loader in Python, and is there in every wheel of PyYAML for the common platforms.
_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Safe):  # type: ignore[misc]
    """YAML with only `true` and `false` as booleans: `on`, `no` and `y` are words of some language here."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in _Safe.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


@cache
def load(path: str) -> Any:
    """The parsed YAML file at `path`, relative to `data` and without its ending. FileNotFoundError if absent."""
    text = (resources.files(f"{__package__}.data") / f"{path}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - the loader is a safe one


@cache
def listed(folder: str) -> tuple[str, ...]:
    """The names of the YAML files in `folder`, sorted, without their ending."""
    entries = (resources.files(f"{__package__}.data") / folder).iterdir()
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml")))
