"""Opens the store that the settings name, with the keys that lie beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..config import Settings
from ..errors import StoreError
from .keys import KeyRing
from .store import Store

__all__ = ["open_store"]


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[tuple[Store, KeyRing]]:
    """The store and the keys alone: what looking at runs and auditing needs."""
    _prepare_home(settings.home)
    keys = await asyncio.to_thread(KeyRing.open, settings.keys_dir)
    anchor = settings.keys_dir / "ledger.anchor"
    async with Store.open(settings.database_url, settings.blobs_url, keys.get("ledger"), anchor=anchor) as store:
        yield store, keys


def _prepare_home(home: Path) -> None:
    """Create the folder that everything lives under, for its owner alone."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(
            f"The folder {home} cannot be created ({error.strerror}). "
            "Set SAFELIGHT_HOME to a folder that can be written."
        ) from error
