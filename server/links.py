"""Links to images: `file-<run>-<index>`, signed for whoever may not send a key, valid for a while."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from ..store import Keys

__all__ = ["Links", "file_id", "parse_file_id"]

_FILE = re.compile(r"file-([0-9a-f]{32})-(\d{1,2})\Z")


def file_id(run_id: str, index: int) -> str:
    """The public id of image `index` of a run."""
    return f"file-{run_id.removeprefix('run_')}-{index}"


def parse_file_id(text: str) -> tuple[str, int] | None:
    """The run and index that a file id stands for; None for anything else."""
    match = _FILE.match(text)
    return (f"run_{match[1]}", int(match[2])) if match else None


class Links:
    """Makes and checks signed links. A signature covers the account, the file and the moment of expiry."""

    def __init__(
        self, keys: Keys, *, seconds: int, public_url: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._seconds = seconds
        self._public_url = public_url.rstrip("/")
        self._clock = clock

    def make(self, base_url: str, account: str, run_id: str, index: int) -> str:
        """A link to the image's bytes. `base_url` is where the server was called, used where no other is set."""
        base = self._public_url or base_url.rstrip("/")
        name = file_id(run_id, index)
        expires = int(self._clock()) + self._seconds
        key_id = self._keys.current
        signature = self._sign(key_id, account, name, expires)
        return f"{base}/v1/files/{name}/content?expires={expires}&key={key_id}&signature={signature}"

    def holds(self, account: str, name: str, expires: str, key_id: str, signature: str) -> bool:
        """Whether this is a link that we made, for this account's file, and is still valid."""
        if not (expires.isascii() and expires.isdigit() and len(expires) < 12) or key_id not in self._keys.secrets:
            return False
        wanted = self._sign(key_id, account, name, int(expires))
        return (
            hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")) and int(expires) > self._clock()
        )

    def file_of(self, url: str) -> tuple[str, dict[str, str]] | None:
        """The file id and query of a link that looks like ours, wherever it points; None for any other."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        match = re.fullmatch(r"(?:/[^/]+)*/v1/files/(file-[0-9a-f]{32}-\d{1,2})/content", parts.path)
        if match is None:
            return None
        return match[1], {name: values[0] for name, values in parse_qs(parts.query).items()}

    def _sign(self, key_id: str, account: str, name: str, expires: int) -> str:
        text = f"safelight.link\0{account}\0{name}\0{expires}".encode()
        return hmac.new(self._keys.secrets[key_id], text, hashlib.sha256).hexdigest()
