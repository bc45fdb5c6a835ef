"""Nobody phones home: a whole run, searches off, opens no connection and leaves no file but its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WATCHED = """
import sys
reached = []

def watch(event, arguments):
    if event == "socket.connect" and not isinstance(arguments[1], (str, bytes)):  # a path is a local socket
        if arguments[1][0] not in ("127.0.0.1", "::1"):
            reached.append(("connect", arguments[1]))
    elif event == "socket.getaddrinfo" and arguments[0] not in ("localhost", "127.0.0.1", None):
        reached.append(("look up", arguments[0]))

sys.addaudithook(watch)
sys.argv = ["safelight", "generate", "A two-part visual guide to how bread is baked", "-n", "2",
            "--size", "512x640", "--json"]
from safelight.cli import app
try:
    app()
finally:
    print("REACHED", reached, file=sys.stderr)
"""


def environment(tmp_path: Path) -> dict[str, str]:
    """No inherited settings, and so the embedded default: OPENAI_API_KEY would be one. Another's key lies about, as it
    does on many machines, and must tempt nobody."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {
        "HOME": str(tmp_path),
        "SAFELIGHT_HOME": str(tmp_path / "own"),
        "SAFELIGHT_SEARCH": "none",
        "LANGSMITH_API_KEY": "lsv2_not_a_key",
        "LANGSMITH_TRACING": "true",
    }


def test_a_run_reaches_no_other_host_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(tmp_path),
        timeout=110,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "REACHED []" in done.stderr
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["out", "own"], "something else was written into the home folder"


@pytest.mark.skipif(shutil.which("unshare") is None or os.geteuid() != 0, reason="needs unshare and root")
def test_a_run_needs_no_network_at_all(tmp_path: Path) -> None:
    """The same in a network namespace without interfaces, where native code cannot reach out either."""
    done = subprocess.run(
        [
            "unshare",
            "-n",
            sys.executable,
            "-m",
            "safelight.cli",
            "generate",
            "A two-part visual guide to how bread is baked",
            "-n",
            "2",
            "--size",
            "512x640",
            "--json",
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(tmp_path) | {"SAFELIGHT_SEARCH": "ddgs"},
        timeout=110,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert '"researched": false' in done.stdout
