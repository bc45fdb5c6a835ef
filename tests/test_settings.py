"""Settings: where they come from, and that the documents list all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from safelight.config import Settings, load_settings
from safelight.errors import ConfigError
from safelight.models import check_prices, chosen
from safelight.services import Price, PriceTable, ServicePool

DOCUMENT = Path(__file__).parent.parent / "docs" / "settings.md"


def test_every_setting_is_documented() -> None:
    text = DOCUMENT.read_text()
    for name in Settings.model_fields:
        assert re.search(rf"`SAFELIGHT_{name.upper()}` \| `{name}` \|", text), name


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


class TestRoles:
    """Where each role is served, and that keys go nowhere else and are never shown."""

    @pytest.fixture(autouse=True)
    def _bare(self, home: Path) -> None:
        """No settings but those of the test."""

    def test_by_themselves_all_roles_are_embedded(self) -> None:
        settings = load_settings()
        assert (settings.reasoner, settings.generator, settings.moderator) == (
            ("embedded",),
            ("canvas",),
            ("embedded",),
        )

    def test_the_common_key_serves_every_role(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-common")
        settings = load_settings()
        for role in ("reasoner", "generator", "moderator", "monitor"):
            assert settings.service_of(role) == ("https://api.openai.com/v1", "sk-common")

    def test_the_common_key_alone_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-common")
        settings = load_settings()
        chains = (settings.reasoner, settings.generator, settings.moderator)
        assert [chain[0].partition(":")[0] for chain in chains] == ["openai", "openai", "embedded"]
        assert [chain[-1].partition(":")[0] for chain in chains] == ["embedded", "canvas", "monitor"]
        monkeypatch.setenv("SAFELIGHT_REASONER", "embedded")
        assert load_settings().reasoner == ("embedded",)

    def test_another_address_says_nothing_of_its_models(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-common")
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1")
        assert load_settings().reasoner == ("embedded",)

    def test_a_budget_without_prices_is_named(self, settings: Settings) -> None:
        dear = settings.model_copy(update={"max_cost": 1.0, "reasoner": ("openai:gpt-6-luna", "embedded")})
        with pytest.raises(ConfigError, match="gpt-6-luna"):
            check_prices(dear, PriceTable.load())
        check_prices(dear, PriceTable({"gpt-6-luna": Price(input=1.0)}))
        check_prices(settings, PriceTable.load())

    def test_the_common_key_never_goes_to_an_address_of_a_role(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-common")
        monkeypatch.setenv("SAFELIGHT_REASONER_BASE_URL", "http://127.0.0.1:8080/v1")
        assert load_settings().service_of("reasoner") == ("http://127.0.0.1:8080/v1", "")

    def test_the_monitor_is_served_where_the_moderator_is(self) -> None:
        settings = Settings(moderator_base_url="http://a/v1", moderator_api_key=SecretStr("m"))
        assert settings.service_of("monitor") == ("http://a/v1", "m")
        assert settings.model_copy(update={"monitor_base_url": "http://b/v1"}).service_of("monitor") == (
            "http://b/v1",
            "",
        )

    def test_keys_are_never_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        monkeypatch.setenv("SAFELIGHT_MONITOR_API_KEY", "sk-secret")
        settings = load_settings()
        pool = ServicePool(settings)
        shown = repr(settings), str(settings), settings.model_dump_json(), repr(pool.endpoint("monitor"))
        assert not any("sk-secret" in text for text in shown)
        monkeypatch.setenv("SAFELIGHT_SERVICE_SECONDS", "0")
        with pytest.raises(ConfigError) as caught:
            load_settings()
        assert "sk-secret" not in f"{caught.value!r}{caught.value.__cause__}"

    def test_one_service_an_endpoint(self, settings: Settings) -> None:
        pool = ServicePool(settings.model_copy(update={"openai_api_key": SecretStr("k")}))
        assert pool.get("reasoner") is pool.get("reasoner") is not pool.get("generator")

    def test_openai_without_a_key_is_named(self, settings: Settings) -> None:
        with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
            ServicePool(settings).get("reasoner")

    @pytest.mark.parametrize("name", ["opnai:gpt", "openai", "embedded:small"])
    def test_a_provider_that_there_is_not_is_named(self, name: str, settings: Settings) -> None:
        with pytest.raises(ConfigError, match="reasoner"):
            chosen("reasoner", settings.model_copy(update={"reasoner": (name,)}))
