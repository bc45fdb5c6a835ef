"""Whole runs with a language model over the wire: what the user sees, what was billed, what left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from safelight.agent.brief import Brief
from safelight.agent.model import ModelReasoner
from safelight.errors import SafelightError
from safelight.events import Delivered, ImageStarted, RunFinished, Thinking, Warned
from safelight.graphs.services import Budget
from safelight.services import Endpoint, Price, PriceTable, Retry, Service
from safelight.testing import BlockOn, ScriptedReasoner
from safelight.tests.agent.model.conftest import impatient
from safelight.tests.upstream import Simulator

from .conftest import Build

BRIEF = Brief(prompt="two posters on bees", n=2)


@pytest.fixture
async def model(upstream: Simulator) -> AsyncIterator[ModelReasoner]:
    service = Service(
        Endpoint("reasoner", base_url=upstream.url, seconds=5.0, attempts=2), retry=Retry(attempts=2, backoff=0.01)
    )
    two = {"intent": "bees", "images": [{"prompt": "a hive"}, {"prompt": "a meadow"}]}
    upstream.answer({"json": two}, schema="Planned")
    yield ModelReasoner(service, "gpt-6-luna")
    await service.aclose()


async def test_a_run_thinks_with_the_model_and_says_what_it_used(
    build: Build, model: ModelReasoner, upstream: Simulator
) -> None:
    world = await build(reasoner=model)
    result, events = await world.run(BRIEF)
    assert result.status == "delivered"
    assert any("Stub reasoning" in event.text for event in events if isinstance(event, Thinking))
    line = next(line for line in result.bill if line["role"] == "reasoner")
    assert (line["calls"], line["unpriced"]) == (upstream.count("responses"), upstream.count("responses"))
    assert line["usage"]["output_tokens"] == 20 * upstream.count("responses")


FAULTS = ["401", "404", "429_quota", "500", "hang", "drop", "drop_mid", "truncated", "malformed", "html", "nothing",
          "empty", "stream_error", "failed", "length", "not_json"]  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
async def test_a_model_that_fails_fails_the_run_loudly(
    kind: Any, build: Build, model: ModelReasoner, upstream: Simulator
) -> None:
    upstream.fault(kind)
    impatient(model.model.service, kind)
    world = await build(reasoner=model)
    run_id = await world.runner.start(BRIEF)
    with pytest.raises(SafelightError) as caught:
        await world.go_on(run_id)
    events = await world.store.runs.events(run_id)
    assert "reasoner" in str(caught.value)
    assert world.generator.requests == []
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert (last.status, last.result["error"]) == ("failed", str(caught.value))
    assert not any(isinstance(event, Delivered | ImageStarted) for event in events)


@pytest.mark.parametrize("kind", ["401", "hang", "html", "not_json"])
async def test_a_declared_fallback_takes_over_and_says_so(
    kind: Any, build: Build, model: ModelReasoner, upstream: Simulator
) -> None:
    upstream.fault(kind)
    impatient(model.model.service, kind)
    world = await build(reasoner=model, more_reasoners=(ScriptedReasoner(name="embedded"),))
    result, events = await world.run(BRIEF)
    assert result.status == "delivered"
    warned = [event.text for event in events if isinstance(event, Warned)]
    assert any("embedded reasoner takes over" in text for text in warned)


@pytest.mark.parametrize("kind", ["refusal", "content_filter"])
async def test_a_model_that_declines_is_a_refusal_and_nobody_else_is_asked(
    kind: Any, build: Build, model: ModelReasoner, upstream: Simulator
) -> None:
    upstream.fault(kind)
    impatient(model.model.service, kind)
    other = ScriptedReasoner()
    world = await build(reasoner=model, more_reasoners=(other,))
    result, _ = await world.run(BRIEF)
    assert result.status == "refused"
    assert result.refusal is not None
    assert result.refusal.stage == "reason"
    assert (other.asked, world.generator.requests) == ([], [])


async def test_what_the_model_thinks_of_a_blocked_request_is_never_shown(
    build: Build, model: ModelReasoner, upstream: Simulator
) -> None:
    world = await build(BlockOn("bees", "shocking"), reasoner=model)
    result, events = await world.run(BRIEF)
    assert result.status == "refused"
    assert not any(isinstance(event, Thinking) for event in events)
    assert world.generator.requests == []


async def test_a_budget_ends_what_costs_and_the_bill_says_so(
    build: Build, model: ModelReasoner, upstream: Simulator
) -> None:
    world = await build(
        reasoner=model, more_reasoners=(ScriptedReasoner(name="embedded"),), budget=Budget(dollars=1e-9)
    )
    object.__setattr__(world.services, "prices", PriceTable({"gpt-6": Price(input=1.0, output=10.0)}))
    result, events = await world.run(BRIEF)
    assert result.cost["reasoner"] > 0
    assert upstream.count("responses") == 1
    assert any("used up its budget" in event.text for event in events if isinstance(event, Warned))
    assert world.generator.requests == []
    record = await world.store.runs.get(result.run_id)
    assert record is not None
    assert record.cost == result.cost["total"]
