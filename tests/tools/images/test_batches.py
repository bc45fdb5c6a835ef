"""Batches: what is asked at about the same time is done at once, each gets its own, and nobody waits for the dead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from safelight.tools.images.diffusers.batches import Batches


class Work:
    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, tasks: Sequence[int]) -> list[int]:
        self.gate.wait(5)
        self.batches.append(list(tasks))
        if 13 in tasks:
            raise ValueError("13")
        return [task * 10 for task in tasks]


@pytest.fixture
async def pool() -> AsyncIterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def test_the_same_key_shares_a_batch_up_to_its_size(pool: ThreadPoolExecutor) -> None:
    work = Work()
    batches = Batches(work, pool, size=3, wait=0.01)
    given = await asyncio.gather(*(batches.ask(number, number % 2) for number in range(8)))
    assert given == [number * 10 for number in range(8)]
    assert sorted(map(len, work.batches)) == [1, 1, 3, 3]
    assert all(len({number % 2 for number in batch}) == 1 for batch in work.batches)


async def test_a_failure_reaches_its_batch_and_no_other(pool: ThreadPoolExecutor) -> None:
    batches = Batches(Work(), pool, size=2, wait=0.01)
    given = await asyncio.gather(*(batches.ask(n, n > 20) for n in (12, 13, 21)), return_exceptions=True)
    assert [type(each) for each in given] == [ValueError, ValueError, int]


async def test_who_went_away_is_not_worked_for(pool: ThreadPoolExecutor) -> None:
    work = Work()
    batches = Batches(work, pool, size=4, wait=0.05)
    gone = asyncio.create_task(batches.ask(1, "k"))
    stays = asyncio.create_task(batches.ask(2, "k"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 20
    assert work.batches == [[2]]
