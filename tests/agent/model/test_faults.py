"""Every way in which a reasoning service fails: what the user is told, how often it was asked, and what was billed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from safelight.agent.brief import Brief
from safelight.errors import ReasonerError
from safelight.services import Limits, Service
from safelight.tests.upstream import Latency, Simulator

from .conftest import Thinker, impatient

BRIEF = Brief(prompt="two posters on bees: SECRET WORDS", n=2)

# fault → kind of the error, requests made, calls whose billing nobody can know
FAULTS = {
    "400": ("rejected", 1, 0),
    "401": ("unauthorized", 1, 0),
    "403": ("unauthorized", 1, 0),
    "404": ("no_such_model", 1, 0),
    "408": ("timeout", 2, 2),
    "409": ("unavailable", 2, 0),
    "429": ("rate_limited", 2, 0),
    "429_quota": ("quota", 1, 0),
    "500": ("unavailable", 2, 0),
    "502": ("dropped", 2, 2),
    "503": ("unavailable", 2, 0),
    "hang": ("timeout", 2, 2),
    "drop": ("dropped", 2, 2),
    "drop_mid": ("truncated or dropped", 2, 2),
    "truncated": ("truncated", 2, 2),
    "malformed": ("malformed", 2, 2),
    "html": ("html", 2, 2),
    "nothing": ("empty", 2, 2),
    "stream_error": ("dropped", 2, 2),
    "empty": ("empty", 1, 0),
    "refusal": ("refused", 1, 0),
    "content_filter": ("blocked", 1, 0),
    "length": ("incomplete", 1, 0),
}
_OF_RESPONSES = {"failed": ("failed", 1, 0)}


@pytest.mark.parametrize("api", ["responses", "chat.completions"])
@pytest.mark.parametrize("kind", [*FAULTS, *_OF_RESPONSES])
async def test_a_fault_names_itself(kind: Any, api: Any, upstream: Simulator, thinker: Thinker) -> None:
    if api == "chat.completions":
        if kind in _OF_RESPONSES:
            pytest.skip("chat completions have no such answer")
        upstream.config.missing.add("responses")
    upstream.fault(kind, endpoint=api)
    impatient(thinker.reasoner.model.service, kind)
    wanted, asked, unknown = (FAULTS | _OF_RESPONSES)[kind]
    with pytest.raises(ReasonerError) as caught:
        await thinker.reasoner.understand(BRIEF, thinker.think)
    assert caught.value.kind in wanted.split(" or ")
    assert upstream.count(api) == asked
    message = str(caught.value)
    assert "reasoner" in message
    assert "SECRET WORDS" not in message
    assert "sk-secret" not in message
    lines = thinker.bill.public()
    assert sum(line["unknown"] for line in lines) == unknown
    for _ in range(1000):  # the other side notes a call's end a moment after we have read it
        if unknown or all(call.ended is not None for call in upstream.asked(api)):
            break
        await asyncio.sleep(0.005)
    answered = sum(call.answered for call in upstream.asked(api)) if unknown == 0 else 0
    billed = 0 if kind[0].isdigit() or kind in {"nothing", "html"} else answered
    assert sum(line["calls"] for line in lines) == billed + unknown


@pytest.mark.parametrize("kind", ["429", "500", "hang", "drop", "truncated", "malformed", "html", "stream_error"])
async def test_what_passes_is_outlived(kind: Any, upstream: Simulator, thinker: Thinker) -> None:
    upstream.fault(kind, first=1, retry_after=0.02)
    impatient(thinker.reasoner.model.service, kind)
    found = await thinker.reasoner.understand(BRIEF, thinker.think)
    assert found.count == 2
    assert upstream.count("responses") == 2
    assert thinker.thoughts == list(dict.fromkeys(thinker.thoughts)), "no thought is shown twice"


async def test_retry_after_is_waited_for(upstream: Simulator, thinker: Thinker) -> None:
    upstream.fault("429", first=1, retry_after=0.3)
    await thinker.reasoner.understand(BRIEF, thinker.think)
    first, second = upstream.asked("responses")
    assert second.started - first.started >= 0.3


@pytest.mark.parametrize("api", ["responses", "chat.completions"])
async def test_plain_json_instead_of_a_stream_is_a_whole_answer(
    api: Any, upstream: Simulator, thinker: Thinker
) -> None:
    upstream.config.missing = {"responses"} if api == "chat.completions" else set()
    upstream.fault("plain", endpoint=api)
    assert (await thinker.reasoner.understand(BRIEF, thinker.think)).count == 2
    assert upstream.count(api) == 1


async def test_an_answer_that_does_not_fit_is_asked_for_once_more(upstream: Simulator, thinker: Thinker) -> None:
    upstream.answer({"json": {"summary": "bees", "count": 99}}, times=1)
    upstream.answer({"json": {"summary": "bees", "count": 2}})
    assert (await thinker.reasoner.understand(BRIEF, thinker.think)).summary == "bees"
    assert "count" in str(upstream.asked("responses")[1].body["input"][-1])


async def test_a_schema_that_is_taken_and_ignored_is_asked_for_otherwise(upstream: Simulator, thinker: Thinker) -> None:
    upstream.fault("not_json", endpoint="responses")
    assert (await thinker.reasoner.understand(BRIEF, thinker.think)).count == 2
    await thinker.reasoner.understand(BRIEF, thinker.think)
    assert [call.endpoint for call in upstream.calls] == ["responses", "chat.completions", "chat.completions"]


async def test_prose_again_and_again_is_an_error(upstream: Simulator, thinker: Thinker) -> None:
    upstream.fault("not_json")
    with pytest.raises(ReasonerError, match="no complete JSON") as caught:
        await thinker.reasoner.understand(BRIEF, thinker.think)
    assert caught.value.kind == "invalid"
    assert (upstream.count("responses"), upstream.count("chat.completions")) == (1, 3)
    assert thinker.bill.public()[0]["calls"] == 4


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ({"missing": {"responses"}}, ["responses", "chat.completions"]),
        ({"schemas": False}, ["responses", "responses"]),
        ({"summaries": False}, ["responses", "responses"]),
        ({"missing": {"responses"}, "schemas": False}, ["responses", "chat.completions", "chat.completions"]),
    ],
)
async def test_what_a_service_cannot_do_is_found_out_once(
    config: dict[str, Any], asked: list[str], upstream: Simulator, thinker: Thinker
) -> None:
    upstream.config = upstream.config.model_copy(update=config)
    if not config.get("schemas", True):
        upstream.answer({"text": 'Here you are:\n```json\n{"summary": "bees", "count": 2,}\n```'})
    await thinker.reasoner.understand(BRIEF, thinker.think)
    assert [call.endpoint for call in upstream.calls][: len(asked)] == asked
    learned = len(upstream.calls)
    await thinker.reasoner.understand(BRIEF, thinker.think)
    assert len(upstream.calls) == learned + 1


async def test_a_breaker_leaves_a_dead_service_alone(upstream: Simulator, thinker: Thinker) -> None:
    upstream.fault("500")
    for _ in range(3):
        with pytest.raises(ReasonerError):
            await thinker.reasoner.understand(BRIEF, thinker.think)
    asked = upstream.count()
    with pytest.raises(ReasonerError) as caught:
        await thinker.reasoner.understand(BRIEF, thinker.think)
    assert (caught.value.kind, upstream.count()) == ("busy", asked)


async def test_no_more_than_allowed_are_in_flight(upstream: Simulator, thinker: Thinker) -> None:
    upstream.config.latency["responses"] = Latency(ms=40)
    endpoint = thinker.reasoner.model.service.endpoint
    thinker.reasoner.model.service = Service(endpoint, limits=Limits(2))
    await asyncio.gather(*(thinker.reasoner.understand(BRIEF, thinker.think) for _ in range(6)))
    assert upstream.max_inflight == 2
    await thinker.reasoner.model.service.aclose()


async def test_nothing_is_asked_once_the_budget_is_used_up(upstream: Simulator, thinker: Thinker) -> None:
    thinker.bill.limit = 1e-9
    await thinker.reasoner.understand(BRIEF, thinker.think)
    with pytest.raises(ReasonerError) as caught:
        await thinker.reasoner.understand(BRIEF, thinker.think)
    assert caught.value.kind == "budget"
    assert upstream.count() == 1
    assert thinker.bill.costs()["reasoner"] > 0
