"""How the command ends: at once, with its code, and with everything said and done."""

from __future__ import annotations

import subprocess
import sys

import pytest

ENDS = """
import atexit, sys

from safelight.cli.app import main

import threading, time

def work():
    print("said", end="")
    print("warned", end="", file=sys.stderr)
    {ends}

sys.modules["safelight.cli.app"].app = work
atexit.register(lambda: print(" and done", end=""))
main()
print("after")
"""


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ("pass", 0),
        ("sys.exit()", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('no')", 1),
        ("threading.Thread(target=time.sleep, args=(60,)).start(); sys.exit(4)", 4),
    ],
)
def test_the_command_ends_with_its_code_and_nothing_left_unsaid(ends: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS.format(ends=ends)], check=False, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == code, done.stderr
    assert done.stdout == "said and done"
    assert done.stderr.startswith("warned")


def test_an_error_of_ours_is_shown_as_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS.format(ends="raise RuntimeError('a bug')")],
        check=False, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1
    assert "RuntimeError: a bug" in done.stderr


def test_a_reader_that_left_early_is_no_failure() -> None:
    command = f"{sys.executable} -m safelight.cli --help | head -c 1 > /dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "0"
    assert done.stderr == ""
