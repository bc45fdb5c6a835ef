"""The documents are true in what a machine can tell: every link leads somewhere, every command exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_are_reachable(document: Path) -> None:
    index = (ROOT / "docs" / "index.md").read_text() + (ROOT / "README.md").read_text()
    if document.parent != ROOT and document.name != "index.md":
        assert str(document.relative_to(ROOT / "docs")) in index, f"nothing links to {document.name}"


def test_the_commands_of_the_readme_exist() -> None:
    blocks = re.findall(r"^    (safelight .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    names = {
        tuple(block.split()[1:3]) if block.split()[1] in {"audit", "keys"} else (block.split()[1],) for block in blocks
    }
    assert len(names) > 5
    for name in names:
        done = subprocess.run(
            [sys.executable, "-m", "safelight.cli", *name, "--help"], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, name
