"""Where a command's log goes: a file in the home folder, so that the terminal keeps to one clear line an error.

Tracebacks are written without the values of variables: those would be prompts and keys.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

import structlog

__all__ = ["LOG_NAME", "configure_log"]

LOG_NAME = "safelight.log"


class _HomeLogger:
    """Appends lines to the log of the home that is configured when the first line is written."""

    def __init__(self) -> None:
        self._path: Path | None = None

    def msg(self, line: str) -> None:
        from ..config import load_settings

        # A log that cannot be written (a full disk is what it may have to tell of) must not hide the error itself.
        with contextlib.suppress(Exception):
            if self._path is None:
                self._path = load_settings().home / LOG_NAME
                self._path.touch(mode=0o600)
            with self._path.open("a", encoding="utf-8") as log:
                log.write(line + "\n")

    critical = error = warning = info = debug = msg


def configure_log() -> None:
    """JSON lines of what is an error; what a user should know of a run is told as its events."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=lambda *_: _HomeLogger(),
    )
