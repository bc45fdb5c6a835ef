"""Checkpoints are data: what a row names is not imported, let alone called."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import ormsgpack
import pytest
from langgraph.checkpoint.serde.jsonplus import EXT_CONSTRUCTOR_POS_ARGS
from pydantic import BaseModel

from safelight.errors import ConfigError
from safelight.graphs import serde
from safelight.graphs.serde import require_strict_msgpack, strict_serializer


class Known(BaseModel):
    number: int


@dataclass
class Unknown:
    number: int


def row(module: str, name: str, *arguments: str) -> tuple[str, bytes]:
    """A checkpoint row, as an attacker who can write the database would make it."""
    packed = ormsgpack.packb((module, name, arguments))
    return "msgpack", ormsgpack.packb(ormsgpack.Ext(EXT_CONSTRUCTOR_POS_ARGS, packed))


def test_a_row_cannot_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFELIGHT_TEST_SECRET", "leaked")
    for serializer in (strict_serializer(), strict_serializer([Known])):
        assert serializer.loads_typed(row("os", "getenv", "SAFELIGHT_TEST_SECRET")) != "leaked"


def test_only_what_is_allowed_is_rebuilt() -> None:
    serializer = strict_serializer([Known])
    assert serializer.loads_typed(serializer.dumps_typed(Known(number=1))) == Known(number=1)
    assert not isinstance(serializer.loads_typed(serializer.dumps_typed(Unknown(1))), Unknown)
    plain = {"a": [1, "b", None, 2.5], "c": b"bytes"}
    assert strict_serializer().loads_typed(strict_serializer().dumps_typed(plain)) == plain


def test_there_is_no_pickle() -> None:
    with pytest.raises(TypeError):
        strict_serializer().dumps_typed(lambda: None)


def test_strictness_is_in_force_here(monkeypatch: pytest.MonkeyPatch) -> None:
    require_strict_msgpack()
    monkeypatch.setattr(serde._msgpack, "STRICT_MSGPACK_ENABLED", False)
    with pytest.raises(ConfigError, match="Import safelight first"):
        require_strict_msgpack()


@pytest.mark.parametrize(
    ("code", "works"),
    [
        ("import safelight.graphs", True),
        ("import langgraph.graph, safelight.graphs", False),
    ],
)
def test_the_order_of_imports(code: str, works: bool) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "LANGGRAPH_STRICT_MSGPACK"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is works, done.stderr
    assert works or "Import safelight first" in done.stderr
