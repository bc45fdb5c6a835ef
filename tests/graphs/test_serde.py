"""LangGraph's serializer is strict before any graph is built, or none is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from safelight.errors import ConfigError
from safelight.graphs import serde
from safelight.graphs.serde import require_strict_msgpack


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
