"""What tests of several folders share."""

from __future__ import annotations

from pathlib import Path

import pytest

from safelight.config import Settings

ROOT = Path(__file__).parent.parent


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty SAFELIGHT_HOME, no inherited settings, and no search."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SAFELIGHT_HOME", str(folder))
    monkeypatch.setenv("SAFELIGHT_SEARCH", "none")
    monkeypatch.setenv("SAFELIGHT_CONFIG", str(tmp_path / "absent.toml"))
    return folder


@pytest.fixture
def settings(home: Path) -> Settings:
    """Settings for an empty home."""
    return Settings(home=home, search=("none",))
