"""Without the extra `embedded` every module of tools imports, plain text is read, and the rest says what to install."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import importlib, importlib.abc, pkgutil, sys

EXTRA = {"trafilatura", "pypdf", "docx", "openpyxl", "charset_normalizer", "bm25s", "onnxruntime", "typst", "justext"}

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in EXTRA:
            raise ImportError(f"No module named {name!r}")

sys.meta_path.insert(0, Missing())
import safelight.media, safelight.tools
for module in pkgutil.iter_modules(safelight.tools.__path__):
    if not module.ispkg:
        importlib.import_module(f"safelight.tools.{module.name}")
from safelight.errors import ConfigError
from safelight.tools.files import read_document
assert read_document("Größe".encode("cp1252"), "a.txt").text == "Größe"
assert read_document(b"a,b\\n1,2\\n", "a.csv").tables
for data in (b"%PDF-1.7", b"<html><p>x"):
    try:
        read_document(data)
    except ConfigError as error:
        assert "pip install 'safelight[embedded]'" in str(error)
    else:
        raise SystemExit("read without its reader")
print("fine")
"""


def test_a_bare_install_imports_everything_and_says_what_is_missing() -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout.strip() == "fine", ran.stderr
