"""An anchor for the ledger: a signed note, outside the database, of how far the chain had come.

Whoever can write to the database can put back an old copy of all of it, and an old copy verifies. The anchor is what it
then falls short of. It proves as much as the place where it is kept: beside the keys it holds against whoever has the
database alone; copied to another machine, against whoever has this one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from ..durable import write_whole
from ..errors import LedgerBroken, StoreError
from .chain import Head, Seal

__all__ = ["Anchor"]


class Anchor:
    """The note at `path`, renewed at most every `seconds`: behind by that much, it still proves all that it says."""

    def __init__(
        self, path: Path, seal: Seal, *, seconds: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._seal = seal
        self._seconds = seconds
        self._monotonic = monotonic
        self._noted: tuple[float, int] | None = None

    def due(self, head: Head) -> bool:
        """True where the last note is old enough or there was none; who is told so is expected to write the next."""
        now = self._monotonic()
        if self._noted is not None and (now - self._noted[0] < self._seconds or head.seq <= self._noted[1]):
            return False
        self._noted = (now, head.seq)
        return True

    def read(self) -> Head | None:
        """The note, or None where there is none.

        Raises:
            LedgerBroken: it is damaged or forged.
            StoreError: it cannot be read.
        """
        try:
            fields = json.loads(self._path.read_text("ascii"))
            head = Head(
                int(fields["seq"]), bytes.fromhex(fields["hash"]), str(fields["key_id"]), bytes.fromhex(fields["mac"])
            )
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"The ledger's anchor {self._path} cannot be read: {error.strerror or error}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerBroken(
                f"The ledger's anchor {self._path} is damaged: {error}.", entry=0, fault="anchor"
            ) from error
        if not self._seal.signed_head(head):
            raise LedgerBroken(
                f"The ledger's anchor {self._path} was not signed by this installation.", entry=head.seq, fault="anchor"
            )
        return head

    def note(self, head: Head) -> None:
        """Write down `head`, in place of what stood there. Raises StoreError where that fails."""
        text = json.dumps({"seq": head.seq, "hash": head.hash.hex(), "key_id": head.key_id, "mac": head.mac.hex()})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, text.encode("ascii"))
        except OSError as error:
            raise StoreError(f"The ledger's anchor {self._path} cannot be written: {error}.") from error
