"""The instructions that language models reason under: one file a task, known in the ledger by the hash of them all.

Instructions are constant, so that services can cache them; what a task is about goes beside them, as data.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

__all__ = ["TASKS", "prompt", "version"]

TASKS = ("understand", "learn", "deepen", "plan", "rewrite", "review", "mend")


@cache
def prompt(task: str) -> str:
    """The instructions for `task`, one of `TASKS`. Raises KeyError for any other."""
    if task not in TASKS:
        raise KeyError(task)
    return (resources.files(__package__) / f"{task}.md").read_text(encoding="utf-8").strip()


@cache
def version() -> str:
    """16 hexadecimal digits of SHA-256 over all prompts by name: change one word, and it is another version."""
    digest = hashlib.sha256()
    for task in TASKS:
        digest.update(f"{task}\0{prompt(task)}\0".encode())
    return digest.hexdigest()[:16]
