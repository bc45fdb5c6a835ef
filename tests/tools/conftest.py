"""One document reader for all tests of tools: its process takes a second to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from safelight.tools.reader import DocumentReader

settings.register_profile("patient", deadline=None)  # a busy machine is no failure; time is bounded where it matters
settings.load_profile("patient")


@pytest.fixture(scope="session")
def documents() -> Iterator[DocumentReader]:
    reader = DocumentReader(workers=1)
    yield reader
    reader.close()
