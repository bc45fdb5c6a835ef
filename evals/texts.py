"""What images said, kept where the user asks for it, so that another grader can judge them without drawing anew.

An evaluation keeps digests of its images and no more (`record`). With `--keep-texts` the words that the grader read are
kept beside it, by the digest of their image, in a file that only its owner can read. Whoever asks for it holds the
prompts already; still, remove the file when it has served.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import BadFile
from ..jsonl import Journal, read_kept

__all__ = ["Texts", "read_texts"]

_FILE = "texts.jsonl"


class Texts:
    """Appends what images said to a folder's file, each image once; a line that a kill cut short is written again."""

    def __init__(self, folder: Path) -> None:
        self._journal = Journal(folder / _FILE, _entry, permissions=0o600)
        self._known = {digest for digest, _ in self._journal.kept}

    def add(self, digest: str, texts: tuple[str, ...]) -> None:
        """Keep what the image of this SHA-256 said, durably."""
        if digest in self._known:
            return
        self._journal.add(json.dumps({"sha256": digest, "texts": texts}).encode())
        self._known.add(digest)


def read_texts(folder: Path) -> dict[str, tuple[str, ...]]:
    """What each image of the folder's evaluation said, by its SHA-256; what a kill cut short is left out.

    Raises:
        BadFile: nothing was kept there, or a line is damaged.
    """
    path = folder / _FILE
    if not path.exists():
        raise BadFile(f"{folder} kept no texts: it was made without --keep-texts.")
    return dict(read_kept(path, _entry))


def _entry(line: bytes) -> tuple[str, tuple[str, ...]]:
    try:
        entry = json.loads(line)
        return str(entry["sha256"]), tuple(str(text) for text in entry["texts"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("not what an image said. Remove the line.") from error
