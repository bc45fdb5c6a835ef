"""What starting costs: the list of commands needs nothing but itself, and every command is where it says."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from safelight.cli.app import COMMANDS, app

HEAVY = ("pydantic", "structlog", "langgraph", "sqlalchemy", "numpy", "PIL", "onnxruntime", "openai")


def test_the_list_of_commands_imports_none_of_them() -> None:
    probe = (
        "import sys\n"
        "from safelight.cli import app\n"
        "sys.argv = ['safelight', '--help']\n"
        "try:\n    app()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "generate" in done.stdout
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name: str) -> None:
    done = CliRunner().invoke(app, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert f"{name} [OPTIONS]" in done.output
    assert "╭" not in done.output, "rich help, where the rest is plain"


@pytest.mark.parametrize("name", ["show", "rotate", "create", "list", "revoke"])
def test_keys_of_both_kinds_are_under_one_command(name: str) -> None:
    assert CliRunner().invoke(app, ["keys", name, "--help"]).exit_code == 0


def test_the_list_fits_its_lines() -> None:
    assert all(len(text) <= 60 for _, text in COMMANDS.values())


def test_an_unknown_command_is_named() -> None:
    done = CliRunner().invoke(app, ["nonsense"])
    assert done.exit_code == 2
    assert "nonsense" in done.output
