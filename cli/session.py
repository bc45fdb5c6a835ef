"""What all commands share: one event loop, one clear line an error, the right exit code."""

from __future__ import annotations

import asyncio
import json
import sys
import unicodedata
from collections.abc import Callable, Coroutine
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer
from pydantic import ValidationError

from ..errors import BadFile, BadInput, SafelightError
from .log import configure_log

__all__ = ["ExitCode", "fail", "plain", "print_json", "read_file", "run"]

T = TypeVar("T")


class ExitCode(IntEnum):
    """What the command's end means."""

    DELIVERED = 0
    FAILURE = 1
    USAGE = 2
    REFUSED = 3
    PARTIAL = 4


def run(work: Coroutine[Any, Any, T], *, loop: Callable[[Coroutine[Any, Any, T]], T] = asyncio.run) -> T:
    """Run a command's work to its end; errors become one line on stderr and an exit code. `loop` runs a coroutine."""
    configure_log()
    try:
        return loop(work)
    except ValidationError as error:
        fail("; ".join(_fault(item) for item in error.errors()), ExitCode.USAGE)
    except BadInput as error:
        fail(str(error), ExitCode.USAGE)
    except SafelightError as error:
        hint = (
            f" (run {error.run_id}; go on with it by: safelight generate --resume {error.run_id})"
            if error.run_id
            else ""
        )
        fail(f"{error}{hint}", ExitCode.FAILURE)
    except BrokenPipeError:
        raise  # whoever read has read enough (`| head`): the end, and nothing to be told
    except OSError as error:
        fail(f"{error.filename or 'The system'}: {error.strerror or error}", ExitCode.FAILURE)
    except KeyboardInterrupt:
        fail("Interrupted. `safelight runs` shows the run; --resume goes on with it.", ExitCode.FAILURE)


async def read_file(path: Path) -> bytes:
    """What a file that the user named holds. Raises BadFile."""
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error


def fail(message: str, code: ExitCode) -> NoReturn:
    """One line on stderr, and the end."""
    typer.echo(f"safelight: {plain(message)}", err=True)
    raise typer.Exit(int(code))


def plain(text: str, limit: int = 2000) -> str:
    """Text that is safe on a terminal: no control characters (escape sequences among them), one line, bounded."""
    kept = "".join(char if unicodedata.category(char) not in {"Cc", "Cf", "Cs"} else " " for char in text)
    kept = " ".join(kept.split())
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def print_json(data: Any, *, pretty: bool = True) -> None:
    """One JSON object on stdout."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2 if pretty else None, default=str) + "\n")
    sys.stdout.flush()


def _fault(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"])
    message = item["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
