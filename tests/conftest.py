"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from safelight.config import Settings
from safelight.tests.upstream import Simulator

ROOT = Path(__file__).parent.parent


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty SAFELIGHT_HOME, no inherited settings, and no search."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SAFELIGHT_HOME", str(folder))
    monkeypatch.setenv("SAFELIGHT_SEARCH", "none")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("SAFELIGHT_CONFIG", str(tmp_path / "absent.toml"))
    return folder


@pytest.fixture
def settings(home: Path) -> Settings:
    """Settings for an empty home."""
    return Settings(home=home, search=("none",))


@pytest.fixture
def upstream() -> Iterator[Simulator]:
    """An OpenAI-compatible service on loopback, as yet without faults."""
    with Simulator.serving() as simulator:
        yield simulator
