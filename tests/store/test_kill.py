"""Killed at any moment, or beside any number of others, a store keeps what it acknowledged and says the truth."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from safelight.store import Finished, Store, Unknown, ref_of

KEY = b"a ledger key of thirty-two bytes"
WORKER = Path(__file__).with_name("worker.py")
Lines = list[dict[str, Any]]


class Worker:
    """A worker process and everything it said."""

    def __init__(self, database: str, blobs: Path, seed: int, count: int = 10_000) -> None:
        words = [sys.executable, str(WORKER), database, blobs.as_uri(), str(seed), str(count)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_until_open(self) -> None:
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline()) == {"open": True}

    def kill(self) -> Lines:
        self.process.send_signal(signal.SIGKILL)
        return self.lines()

    def lines(self) -> Lines:
        out, err = self.process.communicate(timeout=90)
        assert "Traceback" not in err, err
        whole = [line for line in out.splitlines(keepends=True) if line.endswith("\n")]  # the last may be cut off
        return [json.loads(line) for line in whole]


async def check(database: str, blobs: Path, said: Lines) -> None:
    """What the dead acknowledged is there, and of what they did not, nothing is claimed."""
    async with Store.open(database, blobs.as_uri(), KEY) as store:
        await store.ledger.verify()
        hashes = {entry.seq: entry.hash.hex() for entry in await store.ledger.entries(limit=100_000)}
        assert {line["entered"]: line["hash"] for line in said if "entered" in line}.items() <= hashes.items()

        finished = {line["finished"]: line["ref"] for line in said if "finished" in line}
        for key in {line["began"] for line in said if "began" in line}:
            outcome = await store.effects.begin("run", "generate", key)
            assert isinstance(outcome, Finished | Unknown)  # never Started: it may have been paid for
            if key in finished:
                assert outcome == Finished({"ref": finished[key]})
            if isinstance(outcome, Finished):
                assert ref_of(await store.blobs.get(outcome.result["ref"])) == outcome.result["ref"]
            else:
                assert key in {pending.key for pending in await store.effects.pending("run")}
        for line in said:
            if "kept" in line:
                await store.blobs.get(line["kept"])
    for path in (blobs / "sha256").rglob("*"):
        if path.is_file():  # also of those that were kept and not acknowledged
            assert ref_of(path.read_bytes()) == f"sha256:{path.name}"


async def killed(database: str, folder: Path, times: int, seed: int) -> Lines:
    """Kill a worker at a random moment, check, go on with another one; returns all that was said."""
    rng, said = random.Random(seed), []
    for number in range(times):
        worker = await asyncio.to_thread(Worker, database, folder, number)
        await asyncio.to_thread(worker.wait_until_open)
        await asyncio.sleep(rng.uniform(0, 0.35))
        said += await asyncio.to_thread(worker.kill)
        await check(database, folder, said)
    began = Counter(line["began"] for line in said if "began" in line)
    assert max(began.values(), default=0) <= 1  # no call was silently made again
    assert began
    return said


async def test_killed_at_random_moments(url: str, tmp_path: Path) -> None:
    await killed(url, tmp_path / "blobs", times=2, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_killed_at_fifty_random_moments(url: str, tmp_path: Path) -> None:
    said = await killed(url, tmp_path / "blobs", times=50, seed=2)
    assert any("unknown" in line for line in said)  # some kills fell between a beginning and its end
    assert any("found" in line for line in said)


async def test_processes_side_by_side_make_one_chain_and_one_call_each(url: str, tmp_path: Path) -> None:
    """Three processes open the same new database at once and want the same twelve calls."""
    workers = [await asyncio.to_thread(Worker, url, tmp_path / "blobs", seed, 12) for seed in range(3)]
    said = [line for lines in await asyncio.gather(*(asyncio.to_thread(w.lines) for w in workers)) for line in lines]
    assert sum("done" in line for line in said) == 3
    assert Counter(Counter(line["began"] for line in said if "began" in line).values()) == {1: 12}
    assert sorted(line["entered"] for line in said if "entered" in line) == list(range(2, 2 + 36))
    await check(url, tmp_path / "blobs", said)
