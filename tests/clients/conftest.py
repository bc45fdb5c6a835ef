"""A server as users start it: the command, in a process of its own, keyless on loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

_JS = Path(__file__).parent / "js"
_READY_SECONDS = 120


@dataclass(frozen=True)
class Served:
    """A running server: its address, and the folder that it keeps everything in."""

    url: str
    home: Path

    @property
    def v1(self) -> str:
        return f"{self.url}/v1"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    env = os.environ | {"SAFELIGHT_HOME": str(home), "SAFELIGHT_SEARCH": "none", "SAFELIGHT_RATE": "10000/minute"}
    command = [sys.executable, "-m", "safelight.cli", "serve", "--port", "0"]
    with (home / "stderr").open("w") as log:
        process = subprocess.Popen(command, env=env, stderr=log, text=True)
    try:
        yield Served(_address(process, home / "stderr"), home)
    finally:
        process.terminate()
        process.wait(30)


def _address(process: subprocess.Popen[str], log: Path) -> str:
    """Where it listens, as soon as it takes requests."""
    with httpx2.Client(timeout=_READY_SECONDS, transport=httpx2.HTTPTransport(retries=3)) as client:
        for _ in range(_READY_SECONDS * 10):
            assert process.poll() is None, log.read_text()
            if found := re.search(r"http://\S+?:\d+", log.read_text()):
                assert client.get(f"{found[0]}/readyz").status_code == 200
                return found[0]
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def node(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """Runs the scripts of `js/` against the server, with the packages of its package.json."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: the JavaScript clients are tested where it is")
    folder = tmp_path_factory.mktemp("js")
    for path in _JS.iterdir():
        shutil.copy(path, folder)
    install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(install, cwd=folder, check=True, timeout=300)
    return Node(folder, served)


@dataclass(frozen=True)
class Node:
    """`run(script)` gives what the script printed: one JSON object."""

    folder: Path
    served: Served

    def run(self, script: str) -> dict[str, Any]:
        env = os.environ | {"BASE_URL": self.served.v1, "OPENAI_API_KEY": "none"}
        done = subprocess.run(
            ["node", script], cwd=self.folder, env=env, capture_output=True, text=True, timeout=280, check=False
        )
        assert done.returncode == 0, done.stderr
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed
