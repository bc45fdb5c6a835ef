"""The registry on real databases: what it holds in memory is what a full load would hold, whoever changed the store."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.provenance.registry import Registered, StoreRegistry
from safelight.provenance.watermark.code import encode
from safelight.store import Store

KEY = b"a ledger key of thirty-two bytes"
RUNS, IMAGES = 3, 9


def image(number: int, run: int | None = None, fingerprint: bytes | None = None) -> Registered:
    """Every third has no mark."""
    facts: dict[str, Any] = {"size": [1, 2]}
    if number % 3:
        facts["watermark"] = bytes([number] * 12).hex()
    return Registered(
        image_id=f"img_{number:011x}",
        run_id=f"run_{number % RUNS if run is None else run}",
        image=number,
        sha256=f"{number:064x}",
        fingerprint=fingerprint or bytes([number]) * 32,
        thumbnail=b"png",
        manifest=b"jumbf",
        facts=facts,
    )


def traces_of(number: int) -> Any:
    """What the mark of that image leaves where nothing is lost."""
    return 1 - 2.0 * encode(np.unpackbits(np.full(12, number, np.uint8)))[None]


def held(registry: StoreRegistry) -> dict[str, dict[int, bytes]]:
    """What lies in memory. The tests of answers do not tell: those are compared with the store once more."""
    slots = {"fingerprints": registry._fingerprints._words, "marks": registry._marks._marks}
    found: dict[str, dict[int, bytes]] = {}
    for name, each in slots.items():
        columns, filled = each.view()
        assert not columns[:, ~filled].any()  # nothing is left of what is gone
        found[name] = {int(number): columns[:, number].tobytes() for number in np.flatnonzero(filled)}
    return found


async def answers(registry: StoreRegistry) -> tuple[set[int], set[int]]:
    """The images that are found by their looks, and those that are found by their marks."""
    near, marked = set(), set()
    for number in range(IMAGES):
        if image(number).image_id in {each.image_id for each in await registry.near([bytes([number]) * 32], 0)}:
            near.add(number)
        match = await registry.match(traces_of(number))
        if match is not None and match.mark == image(number).mark:
            marked.add(number)
    return near, marked


steps = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 1), st.integers(0, IMAGES - 1)),
    st.tuples(st.just("erase"), st.integers(0, 1), st.integers(0, RUNS - 1)),
    st.tuples(st.just("take out"), st.integers(0, 1), st.integers(0, IMAGES - 1)),
    st.tuples(st.just("search"), st.integers(0, 1), st.just(0)),
)


async def follow(url: str, blobs: str, sequence: list[tuple[str, int, int]]) -> None:
    """Two registries over one database, as two processes have them, and a model of what there is."""
    images: set[int] = set()
    marks: set[int] = set()
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(Store.open(url, blobs, KEY)) for _ in range(2)]
        registries = [StoreRegistry(store.images) for store in stores]
        for run in range(RUNS):
            await stores[0].runs.create(f"run_{run}", brief={})
        for step, who, what in sequence:
            if step == "add":
                await registries[who].add(image(what))
                if what not in images and what % 3:
                    marks.add(what)
                images.add(what)
            elif step == "erase":
                await stores[who].erase(f"run_{what}")
                marks = {each for each in marks if each % RUNS != what}
            elif step == "take out":
                await stores[who].images.drop_lost(f"run_{what % RUNS}", what)
                images.discard(what)
                marks.discard(what)
            else:
                assert await answers(registries[who]) == (images, marks)
        fresh = StoreRegistry(stores[0].images)
        await fresh.refresh()
        for registry in (*registries, fresh):
            assert await answers(registry) == (images, marks)
            assert held(registry) == held(fresh)
        everything = held(fresh)
        assert sorted(everything["fingerprints"].values()) == sorted(bytes([each]) * 32 for each in images)
        assert sorted(everything["marks"].values()) == sorted(bytes([each]) * 12 for each in marks)


@settings(deadline=None, max_examples=15)
@given(st.lists(steps, max_size=14))
def test_after_any_changes_memory_is_what_a_full_load_gives(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[tuple[str, int, int]]
) -> None:
    path = tmp_path_factory.mktemp("registry")
    asyncio.run(follow(f"sqlite:///{path / 'safelight.db'}", "memory://", sequence))


async def test_on_postgresql_as_well(postgresql: str) -> None:
    rng = np.random.default_rng(5)
    names = ["add", "add", "add", "erase", "take out", "search"]
    sequence = [
        (str(name), int(rng.integers(2)), int(rng.integers(RUNS if name == "erase" else IMAGES)))
        for name in rng.choice(names, 60)
    ]
    await follow(postgresql, "memory://", sequence)


async def test_pages_are_put_together(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safelight.store.image_index._MOST", 3)
    async with Store.open(url, "memory://", KEY) as store:
        registry = StoreRegistry(store.images)
        for number in range(8):
            await registry.add(image(number))
        assert await answers(registry) == ({*range(8)}, {1, 2, 4, 5, 7})


async def test_what_was_deleted_by_hand_is_not_found(url: str) -> None:
    async with Store.open(url, "memory://", KEY) as store:
        registry = StoreRegistry(store.images)
        for number in range(1, 6):
            await registry.add(image(number))
        assert await answers(registry) == ({1, 2, 3, 4, 5}, {1, 2, 4, 5})

        def by_hand(connection: sa.Connection) -> None:
            connection.execute(sa.text("DELETE FROM images WHERE image = 1"))
            connection.execute(sa.text("UPDATE images SET stamp = NULL WHERE image = 2"))

        await store.db.write(by_hand)
        assert await answers(registry) == ({2, 3, 4, 5}, {4, 5})
        assert 0 not in held(registry)["fingerprints"]  # nor kept


async def test_a_search_that_is_called_off_while_all_is_loaded_loses_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safelight.store.image_index._MOST", 1)
    async with Store.open(url, "memory://", KEY) as store:
        for number in range(IMAGES):
            await StoreRegistry(store.images).add(image(number))
        registry = StoreRegistry(store.images)
        for _ in range(5):
            search = asyncio.create_task(registry.near([bytes(32)], 0))
            await asyncio.sleep(0.002)
            search.cancel()
            await asyncio.gather(search, return_exceptions=True)
        assert (await answers(registry))[0] == {*range(IMAGES)}


async def test_searches_at_once_share_one_load(url: str) -> None:
    async with Store.open(url, "memory://", KEY) as store:
        for number in range(IMAGES):
            await StoreRegistry(store.images).add(image(number))
        registry = StoreRegistry(store.images)
        found = await asyncio.gather(*(registry.near([bytes([number]) * 32], 0) for number in range(IMAGES)))
        assert [each.image_id for (each,) in found] == [image(number).image_id for number in range(IMAGES)]


OTHER = """
import asyncio, sys
from safelight.provenance.registry import StoreRegistry
from safelight.store import Store
sys.path.insert(0, sys.argv[2])
from test_registry import KEY, image

async def main():
    async with Store.open(sys.argv[1], "memory://", KEY) as store:
        for line in sys.stdin:
            verb, number = line.split()
            if verb == "add":
                await StoreRegistry(store.images).add(image(int(number), run=0))
            else:
                await store.erase(f"run_{number}")
            print("done", flush=True)

asyncio.run(main())
"""


async def test_what_another_process_does_is_seen_by_the_next_search(url: str) -> None:
    words = [sys.executable, "-c", OTHER, url, str(Path(__file__).parent)]
    async with Store.open(url, "memory://", KEY) as store:
        await store.runs.create("run_0", brief={})
        registry = StoreRegistry(store.images)
        assert await answers(registry) == (set(), set())
        other = await asyncio.create_subprocess_exec(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert other.stdin is not None
        assert other.stdout is not None
        try:
            for verb, number, seen in (
                ("add", 4, ({4}, {4})),
                ("add", 5, ({4, 5}, {4, 5})),
                ("erase", 0, ({4, 5}, set())),
            ):
                other.stdin.write(f"{verb} {number}\n".encode())
                assert await other.stdout.readline() == b"done\n"
                assert await answers(registry) == seen
        finally:
            other.stdin.close()
            await other.wait()


async def test_two_processes_write_and_nothing_is_skipped(url: str) -> None:
    """Both register as fast as they can while a third looks on: what it has learned in steps is everything."""
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(Store.open(url, "memory://", KEY)) for _ in range(3)]
        watching = StoreRegistry(stores[2].images)

        async def write(who: int) -> None:
            writer = StoreRegistry(stores[who].images)
            for number in range(40):
                await writer.add(image(2 * number + who, run=0))

        writers = [asyncio.create_task(write(who)) for who in range(2)]
        while not all(each.done() for each in writers):
            await watching.refresh()
        await asyncio.gather(*writers)
        await watching.refresh()
        fresh = StoreRegistry(stores[2].images)
        await fresh.refresh()
        assert held(watching) == held(fresh)
        assert set(held(fresh)["fingerprints"]) == {*range(80)}
