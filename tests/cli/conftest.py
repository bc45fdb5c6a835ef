"""One user's machine, for the commands: real processes, real models, real images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


class Shell:
    """One user's machine: a home, a working folder, and a command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {**os.environ, "SAFELIGHT_HOME": str(folder / "home"), "SAFELIGHT_SEARCH": "none"}

    def __call__(self, *arguments: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "safelight.cli", *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.env | env,
            timeout=110,
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str, code: int = 0, **env: str) -> Any:
        return json.loads(self(*arguments, "--json", code=code, **env).stdout)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("shell"))
