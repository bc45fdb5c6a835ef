"""Settings: where they come from, and that the documents list all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from safelight.config import Settings, load_settings
from safelight.errors import ConfigError

DOCUMENT = Path(__file__).parent.parent / "docs" / "settings.md"


def test_every_setting_is_documented() -> None:
    text = DOCUMENT.read_text()
    for name in Settings.model_fields:
        assert f"| `SAFELIGHT_{name.upper()}` | `{name}` |" in text


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('concurrency = 7\nsearch = ["none"]\nmax_pages = 4\n')
    monkeypatch.setenv("SAFELIGHT_CONFIG", str(file))
    monkeypatch.setenv("SAFELIGHT_CONCURRENCY", "3")
    settings = load_settings()
    assert (settings.concurrency, settings.search, settings.max_pages) == (3, ("none",), 4)


def test_chains_may_be_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFELIGHT_SEARCH", "folder:/tmp/notes, ddgs")
    assert load_settings().search == ("folder:/tmp/notes", "ddgs")


@pytest.mark.parametrize("name", ["SAFELIGHT_CONCURRENCY", "SAFELIGHT_SEARCH_SECONDS"])
def test_a_setting_that_cannot_work_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "0")
    with pytest.raises(ConfigError, match=name.removeprefix("SAFELIGHT_").lower()):
        load_settings()


def test_a_misspelt_setting_in_the_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("concurency = 7\n")
    monkeypatch.setenv("SAFELIGHT_CONFIG", str(file))
    with pytest.raises(ConfigError, match="concurency"):
        load_settings()
