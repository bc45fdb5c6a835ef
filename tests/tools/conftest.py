"""One document reader for all tests of tools: its process takes a second to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from safelight.tools.reader import DocumentReader


@pytest.fixture(scope="session")
def documents() -> Iterator[DocumentReader]:
    reader = DocumentReader(workers=1)
    yield reader
    reader.close()
