"""Every example of the server's document runs, in order, against a server."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "server.md"
BLOCK = re.compile(r"```(python|bash)\n(.*?)```", re.DOTALL)


def test_the_examples_run(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    port = server.url.rpartition(":")[2]
    names: dict[str, Any] = {}
    printed = io.StringIO()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the examples leave their files to Python to close
        for language, code in BLOCK.findall(DOCUMENT.read_text()):
            here = code.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
            if language == "python":
                exec(compile(here, "server.md", "exec"), names)  # noqa: S102 - our own document
                server.clients.append(names["client"])
            else:
                done = subprocess.run(
                    ["bash", "-euc", here], check=True, capture_output=True, text=True, env={**os.environ, "PATH": path}
                )
                assert '"error"' not in done.stdout
    shown = printed.getvalue()
    for line in ("moderation_blocked", "I think of a picture.", "[False, True]", "ours"):
        assert line in shown
    assert names["again"].output[-1].type == "message"
    assert (tmp_path / "set.zip").read_bytes().startswith(b"PK")
