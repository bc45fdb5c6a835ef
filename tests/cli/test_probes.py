"""What `safelight doctor` says of the models behind each role."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from safelight.cli.probes import probe_roles
from safelight.config import Settings
from safelight.tests.upstream import Simulator


def served(upstream: Simulator, settings: Settings, *reasoner: str) -> Settings:
    key = SecretStr("sk-secret")
    return settings.model_copy(
        update={"reasoner": reasoner, "reasoner_base_url": upstream.url, "reasoner_api_key": key}
    )


async def test_a_model_that_answers_says_what_it_can_do(upstream: Simulator, settings: Settings) -> None:
    upstream.config.missing = {"responses"}
    upstream.answer({"json": {"ready": True}})
    found = await probe_roles(served(upstream, settings, "openai:gpt-6-luna", "embedded"))
    assert [(item.what, item.state) for item in found][:2] == [("reasoner", "ok"), ("reasoner", "ok")]
    assert "chat completions, strict schemas" in found[0].detail


@pytest.mark.parametrize(("kind", "word"), [("401", "key"), ("404", "name"), ("429_quota", "credit")])
async def test_a_model_that_does_not_is_named_with_what_to_do(
    kind: str, word: str, upstream: Simulator, settings: Settings
) -> None:
    upstream.fault(kind, "responses")  # type: ignore[arg-type]
    (alone, *_) = await probe_roles(served(upstream, settings, "openai:gpt-6-luna"))
    (spared, *_) = await probe_roles(served(upstream, settings, "openai:gpt-6-luna", "embedded"))
    assert (alone.state, spared.state) == ("missing", "note")
    assert word in alone.fix
    assert "sk-secret" not in f"{alone}{spared}"


async def test_a_role_without_a_key_is_a_finding_and_hides_no_other(settings: Settings) -> None:
    found = await probe_roles(
        settings.model_copy(update={"reasoner": ("openai:gpt-6-luna",), "generator": ("nobody",)})
    )
    assert [(item.what, item.state) for item in found] == [
        ("reasoner", "missing"),
        ("generator", "missing"),
        ("moderator", "ok"),
    ]
