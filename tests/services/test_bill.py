"""Prices and bills: what is known is added up, and what is not known is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from safelight.errors import ConfigError
from safelight.services import Bill, Price, PriceTable, billing, current_bill

LUNA = Price(input=1.0, cached=0.1, output=10.0, image_input=2.0)


def test_tokens_are_counted_by_kind() -> None:
    usage = {"input_tokens": 1_000_000, "cached_tokens": 400_000, "image_tokens": 100_000, "output_tokens": 100_000}
    assert LUNA.of(usage) == pytest.approx(0.5 + 0.04 + 0.2 + 1.0)


def test_the_longest_name_that_fits_is_the_price() -> None:
    table = PriceTable({"gpt-6": Price(input=1.0), "gpt-6-luna": LUNA})
    assert table.find("gpt-6-luna-2026-09-08") == LUNA
    assert table.find("openai/gpt-6-terra") == Price(input=1.0)
    assert table.find("qwen3:8b") is None


def test_the_shipped_table_is_laid_under_ones_own(tmp_path: Path) -> None:
    mine = tmp_path / "prices.yaml"
    mine.write_text("gpt-6-luna: {input: 1, output: 10}\ncanvas: {image: 0.5}\n")
    table = PriceTable.load(mine)
    assert table.cost("canvas", {"images": 2}) == 1.0
    assert table.cost("omni-moderation-latest", {"input_tokens": 999}) == 0.0
    assert PriceTable.load().cost("gpt-6-luna", {"input_tokens": 1}) is None, (
        "no price is shipped that may be out of date"
    )


@pytest.mark.parametrize("text", ["a: {input: -1}", "a: {imput: 1}", "- a", "a: [", "a: 3"])
def test_a_table_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(text)
    with pytest.raises(ConfigError, match="price table"):
        PriceTable.load(tmp_path / "prices.yaml")
    with pytest.raises(ConfigError, match="absent"):
        PriceTable.load(tmp_path / "absent.yaml")


async def test_what_has_no_price_or_no_known_end_is_said() -> None:
    kept: list[dict[str, Any]] = []

    async def keep(entry: dict[str, Any]) -> None:
        kept.append(entry)

    bill = Bill(PriceTable({"gpt-6-luna": LUNA}), keep=keep)
    await bill.book("reasoner", "gpt-6-luna", {"input_tokens": 1000, "output_tokens": 100})
    await bill.book("reasoner", "gpt-6-luna", None)
    await bill.book("reasoner", "qwen3:8b", {"input_tokens": 7})
    luna, qwen = bill.public()
    assert (luna["calls"], luna["unknown"], luna["cost"]) == (2, 1, 0.002)
    assert (qwen["unpriced"], qwen["cost"]) == (1, None)
    assert bill.tokens("reasoner") == 1107
    again = Bill(bill.prices)
    for entry in kept:
        again.restore(entry)
    assert again.public() == bill.public()


@limits(deadline=None)
@given(st.lists(st.floats(0, 10), max_size=20), st.floats(0.01, 50))
def test_a_limit_is_never_left_behind_by_more_than_one_call(costs: list[float], limit: float) -> None:
    bill = Bill(PriceTable({}), limit=limit)
    last = 0.0
    for cost in costs:
        if not bill.allows():
            break
        bill.restore({"role": "generator", "model": "m", "cost": cost, "usage": {}})
        last = cost
    assert bill.total <= limit + last + 1e-9


def test_the_bill_of_a_run_is_found_only_within_it() -> None:
    assert current_bill() is None
    with billing(Bill(PriceTable({}))) as bill:
        assert current_bill() is bill
    assert current_bill() is None
