"""The table's arithmetic, against figures that were published and against counting by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.evals.intervals import wilson
from safelight.evals.table import Counts, Judged, row_of


def test_the_published_instant_row_comes_out() -> None:
    # 3,112 images, 685 violating; the image monitor caught 598, either layer 658: so the prompt layer alone 60.
    row = row_of(Counts(generated=3112, violating=685, by_image=598, by_prompt=60, by_both=0))
    assert f"{100 * row.CT.value:.1f}" == "96.1"
    assert f"{100 * row.SO.value:.1f}" == "99.1"
    assert f"{100 * row.IT.value:.1f}" == "87.3"
    assert f"{100 * row.PO.value:.1f}" == "8.8"
    assert row.RU.count == 27


def test_the_published_thinking_row_comes_out() -> None:
    # 6,944 images, 464 violating, 87.5 % caught: 406.
    row = row_of(Counts(generated=6944, violating=464, by_image=406, by_prompt=0, by_both=0))
    assert f"{100 * row.CT.value:.1f}" == "87.5"
    assert f"{100 * row.SO.value:.1f}" == "99.2"


judged = st.builds(Judged, violates=st.booleans(), by_prompt=st.booleans(), by_image=st.booleans())


@given(st.lists(judged, max_size=60))
def test_the_columns_are_consistent(images: list[Judged]) -> None:
    row = row_of(Counts.of(images))
    assert row.CT.count == row.IT.count + row.PO.count
    assert row.CT.count + row.RU.count == row.V.count
    assert row.SO.count == len(images) - sum(i.violates and not (i.by_prompt or i.by_image) for i in images)


@given(st.integers(0, 400), st.integers(0, 400))
def test_an_interval_holds_its_share_and_stays_within_bounds(count: int, more: int) -> None:
    share = wilson(count, count + more)
    if count + more:
        assert 0 <= share.low <= share.value <= share.high <= 1


def test_nothing_of_nothing_is_not_zero_percent() -> None:
    assert str(wilson(0, 0)) == "–"


@pytest.mark.parametrize(("count", "total"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(count: int, total: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson(count, total)
    with pytest.raises(ValueError, match="contradict"):
        Counts(generated=total, violating=count, by_image=0, by_prompt=0, by_both=0)
