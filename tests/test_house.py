"""The house stands as its design says: floors import downwards, packages are shipped, names are public on purpose."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import safelight

ROOT = Path(__file__).parent.parent
FLOORS = {
    "avif": 0, "blocking": 0, "config": 0, "containers": 0, "durable": 0, "errors": 0, "events": 0, "jsonl": 0,
    "media": 0, "png": 0, "processes": 0,
    "services": 1, "store": 1, "safety": 2, "provenance": 3, "tools": 4, "agent": 5, "graphs": 6,
    "server": 7, "evals": 7, "cli": 7, "export": 7, "assembly": 7, "client": 7, "intake": 7, "models": 7, "recall": 7,
    "testing": 7, "warming": 7,
}  # fmt: skip
EXTRA = re.compile(r"safelight\[([\w,]+)\]")
NOT_SHIPPED = {"tests", "examples", "benchmarks", "docs", "build", "out"}


def sources() -> Iterator[Path]:
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).parts
        if not any(part.startswith(".") for part in parts) and parts[0] not in NOT_SHIPPED:
            yield path


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """The top-level names within the package that a module imports, and whether only for types."""
    tree = ast.parse(path.read_text())
    depth = len(path.relative_to(ROOT).parts)
    for_types = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
            for name in names:
                yield name, id(node) in for_types


def test_no_module_imports_a_floor_above_its_own() -> None:
    faults = []
    for path in sources():
        top = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if top in {"__init__", "setup"}:
            continue
        for name, for_types in imported(path):
            if name in FLOORS and FLOORS[name] > FLOORS[top] and not for_types:
                faults.append(f"{path.relative_to(ROOT)} (floor {FLOORS[top]}) imports {name} (floor {FLOORS[name]})")
    assert not faults, "\n".join(faults)


def test_every_folder_has_a_floor() -> None:
    tops = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in sources()} - {"__init__"}
    assert tops <= set(FLOORS)


def test_inside_the_package_imports_are_relative() -> None:
    faults = [
        str(path.relative_to(ROOT))
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "safelight")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "safelight" for alias in node.names))
    ]
    assert not faults


def test_every_package_is_shipped() -> None:
    declared = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {
        ".".join(("safelight", *path.parent.relative_to(ROOT).parts))
        for path in sources()
        if path.name == "__init__.py"
    }
    assert found == declared


def test_every_extra_brings_something_and_is_told_of() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert all(extras.values())
    told = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(told) == sorted(extras)
    named = {extra for path in sources() for found in EXTRA.findall(path.read_text()) for extra in found.split(",")}
    assert named <= set(extras), "a message names an extra that there is not"


@pytest.mark.parametrize(
    "name", sorted(module.name for module in pkgutil.iter_modules([str(ROOT)]) if module.name not in NOT_SHIPPED)
)
def test_all_lists_what_is_public(name: str) -> None:
    module = importlib.import_module(f"safelight.{name}")
    listed = module.__all__
    assert len(listed) == len(set(listed))
    missing = [entry for entry in listed if not hasattr(module, entry)]
    assert not missing, f"{name}.__all__ names {missing}, which it does not have"


def test_the_root_offers_what_it_says() -> None:
    for name in safelight.__all__:
        assert getattr(safelight, name) is not None
    with pytest.raises(AttributeError):
        _ = safelight.nothing_of_that_name  # type: ignore[attr-defined]


def test_help_needs_neither_langgraph_nor_models() -> None:
    code = (
        "import sys, safelight.cli\n"
        "heavy = {'langgraph', 'onnxruntime', 'numpy', 'openai', 'sqlalchemy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr


def test_telemetry_is_off_before_any_library_is_imported() -> None:
    code = (
        "import os, safelight\n"
        "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'\n"
        "assert os.environ['LANGGRAPH_STRICT_MSGPACK'] == 'true'\n"
        "assert os.environ['LANGSMITH_TRACING'] == 'false'\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd="/", env={"LANGSMITH_TRACING": "true", "PATH": "/usr/bin"}
    )
