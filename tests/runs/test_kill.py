"""Kill a run at any point: it resumes, delivers every image once, pays for nothing twice, and its ledger verifies."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from safelight.assembly import open_store
from safelight.config import Settings
from safelight.store.tables import EffectRow

PROMPT = "A four-part visual guide to how bread is baked, for a school kitchen"
SAFELIGHT = [sys.executable, "-m", "safelight.cli"]


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*SAFELIGHT, "generate", *arguments, "--stream", "--size", "512x512"],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "SAFELIGHT_MODERATOR_SECONDS": "600"},  # on a busy machine, a verdict may take its time
    )


def kill_after(process: subprocess.Popen[str], seconds: float) -> bool:
    """Kill the process and its workers; false where it had already ended."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    process.communicate()
    return False


async def run_ids(settings: Settings) -> list[str]:
    async with open_store(settings) as (store, _):
        return [record.id for record in await store.runs.recent(limit=10)]


async def assert_paid_once(settings: Settings, run_id: str) -> None:
    """Every generator call and stamp that finished did so once, and the chain of the ledger is whole."""
    async with open_store(settings) as (store, _):
        await store.ledger.verify()
        assert await store.effects.pending(run_id) == []
        query = sa.select(EffectRow.effect, EffectRow.state).where(EffectRow.run_id == run_id)
        rows = await store.db.read(lambda connection: [tuple(row) for row in connection.execute(query)])
        # One row a distinct call: a call whose end is noted is never begun again.
        assert Counter(rows) == {("generate", "finished"): 4, ("stamp", "finished"): 4}
        images = await store.images.by_run(run_id)
        assert sorted(image.image for image in images) == [0, 1, 2, 3]


def one_round(settings: Settings, tmp_path: Path, moments: list[float]) -> None:
    process = start(PROMPT, "-n", "4", "--out", "out", cwd=tmp_path)
    for moment in moments:
        if not kill_after(process, moment):
            break
        ids = asyncio.run(run_ids(settings))
        again = ("--resume", ids[0]) if ids else (PROMPT, "-n", "4")
        process = start(*again, "--out", "out", cwd=tmp_path)
    _, errors = process.communicate(timeout=240)
    (run_id,) = asyncio.run(run_ids(settings))
    if process.returncode != 0 and "already ended" not in errors:
        raise AssertionError(errors)
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["status"] == "delivered"
    images = [Path(tmp_path, image["path"]) for image in record["images"]]
    assert len({path.read_bytes() for path in images}) == 4
    asyncio.run(assert_paid_once(settings, run_id))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds that a whole run takes here, home and caches warm."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAFELIGHT_SEARCH", "none")
        patch.setenv("SAFELIGHT_HOME", str(folder / "home"))
        start("a cat", "-n", "1", "--out", "warm", cwd=folder).communicate()
        begun = time.perf_counter()
        start(PROMPT, "-n", "4", "--out", "warm", cwd=folder).communicate()
        return time.perf_counter() - begun


def test_a_run_that_is_killed_twice(settings: Settings, tmp_path: Path) -> None:
    one_round(settings, tmp_path, [4.0, 5.0])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(50))
def test_a_run_that_is_killed_at_a_random_moment(
    settings: Settings, tmp_path: Path, undisturbed: float, number: int
) -> None:
    moment = random.Random(20260 + number).uniform(0.02, 1) * undisturbed
    one_round(settings, tmp_path, [moment])
