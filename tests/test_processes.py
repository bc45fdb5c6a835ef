"""Work in other processes is done as if it were done here, whatever becomes of them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from safelight.processes import Processes


def place() -> tuple[int, int]:
    return os.getpid(), os.nice(0)


def fail() -> None:
    raise ValueError("no lantern")


def die_elsewhere(here: int) -> int:
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


async def test_work_is_done_in_a_process_behind_this_one() -> None:
    processes = Processes(1)
    try:
        pid, nice = await processes.run(place)
        assert pid != os.getpid()
        assert nice > os.nice(0)
        with pytest.raises(ValueError, match="no lantern"):
            await processes.run(fail)
        assert (await processes.run(place))[0] == pid
    finally:
        processes.close()


async def test_without_processes_it_is_done_here() -> None:
    assert await Processes().run(place) == (os.getpid(), os.nice(0))


async def test_a_process_that_is_killed_loses_no_work() -> None:
    processes = Processes(1)
    try:
        first, _ = await processes.run(place)
        done = await asyncio.gather(*(processes.run(die_elsewhere, os.getpid()) for _ in range(3)))
        assert done == [os.getpid()] * 3
        again, _ = await processes.run(place)
        assert again not in (first, os.getpid())
    finally:
        processes.close()


def test_they_outlive_a_signal_to_stop_and_never_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, os, time\n"
        "from safelight.processes import Processes\n"
        "async def main():\n"
        "    processes = Processes(1)\n"
        "    print(await processes.run(os.getpid), flush=True)\n"
        "    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, signal.SIGTERM)
        os.kill(child, signal.SIGINT)
        time.sleep(0.5)
        os.kill(child, 0)
        parent.kill()
        for _ in range(100):
            if not _lives(child):
                break
            time.sleep(0.1)
        assert not _lives(child)


def _lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
