"""A runner over scripted tools and moderators, and a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from safelight.assembly import Assembly, open_assembly
from safelight.config import Settings


@pytest.fixture
async def assembly(settings: Settings) -> AsyncIterator[Assembly]:
    """The embedded default in an empty home: real models, real illustrator, real store."""
    async with open_assembly(settings) as opened:
        yield opened
