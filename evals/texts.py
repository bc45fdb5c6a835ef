"""What images said, kept where the user asks for it, so that another grader can judge them without drawing anew.

An evaluation keeps digests of its images and no more (`record`). With `--keep-texts` the words that the grader read are
kept beside it, by the digest of their image, in a file that only its owner can read. Whoever asks for it holds the
prompts already; still, remove the file when it has served.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..errors import BadFile

__all__ = ["Texts", "read_texts"]

_FILE = "texts.jsonl"


class Texts:
    """Appends what images said to a folder's file, each image once; a line that a kill cut short is written again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / _FILE
        self._known = set(read_texts(folder)) if self._path.exists() else set()

    def add(self, digest: str, texts: tuple[str, ...]) -> None:
        """Keep what the image of this SHA-256 said, durably."""
        if digest in self._known:
            return
        line = json.dumps({"sha256": digest, "texts": texts}).encode()
        # The break comes first too: after a half line, this one stands by itself.
        with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
            file.write(b"\n" + line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._known.add(digest)


def read_texts(folder: Path) -> dict[str, tuple[str, ...]]:
    """What each image of the folder's evaluation said, by its SHA-256; what a kill cut short is left out.

    Raises:
        BadFile: nothing was kept there.
    """
    path = folder / _FILE
    found: dict[str, tuple[str, ...]] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise BadFile(f"{folder} kept no texts: it was made without --keep-texts ({error.strerror}).") from error
    for line in lines:
        try:
            entry = json.loads(line)
            found[str(entry["sha256"])] = tuple(str(text) for text in entry["texts"])
        except (ValueError, KeyError, TypeError):
            continue
    return found
