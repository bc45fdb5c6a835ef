"""No brief whatever makes the planner fail, or takes it long."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safelight.agent.embedded.reading import read
from safelight.agent.plan import Plan

from .conftest import planned

MIXED = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=("Cs",)),
        st.sampled_from("“”„«»「」:;,.-–—•\n\t\"'1234567890 "),
        st.sampled_from("four posters لقاحات ワクチン for kids -> 1. 2. € vs 16:9"),
    ),
    min_size=1,
    max_size=400,
).filter(str.strip)


def plan_for(prompt: str, n: int | None = None) -> Plan:
    return asyncio.run(planned(prompt, n=n))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MIXED, st.one_of(st.none(), st.integers(1, 8)))
def test_any_text_gives_a_plan(prompt: str, n: int | None) -> None:
    plan = plan_for(prompt, n)
    assert n is None or len(plan.images) == n
    for spec in plan.images:
        assert len(spec.title) <= 400
        assert all(char.isprintable() for text in spec.texts() for char in text)


@pytest.mark.parametrize(
    "prompt",
    [
        "🦊" * 500,
        "؟" * 50,
        "عدد ١٢ من 34 صورة " * 40,
        "a" * 32_000,
        "word " * 6_400,
        '"' * 32_000,
        ": , ; " * 5_000,
        "1. " * 8_000,
        "- x\n" * 8_000,
        "→" * 10_000,
        "(" * 32_000,
        "«" * 16_000 + "»" * 16_000,
        "four " * 6_000,
        "for kids for kids " * 1_500,
        "\u202e reversed \u202c",
        "\u200b\u200b poster \u200b",
        "ワクチン" * 8_000,
    ],
    ids=range(17),
)
def test_long_and_odd_briefs_are_quick(prompt: str) -> None:
    start = time.process_time()
    read(prompt)  # the lexicon of the language is loaded here the first time
    plan = plan_for(prompt)
    assert plan.images
    assert time.process_time() - start < 8
