"""The child process of `tools.reader`: reads documents from standard input until it ends."""

from __future__ import annotations

import os
import sys
from typing import Any

from ..errors import BadFile, ConfigError
from .files import read_document
from .reader import receive_frame, send_frame

__all__ = ["main"]

_FORBIDDEN_EVENTS = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "pty.",
)
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main(memory: int) -> None:
    """Serves requests one after another. Whatever a parser prints goes nowhere."""
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _limit(memory)
    sys.addaudithook(_refuse_effects)
    send_frame(replies, {"ready": True})
    while True:
        try:
            request, data = receive_frame(requests)
        except EOFError:
            return
        send_frame(replies, _reply(request, data))


def _reply(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    try:
        document = read_document(data, request["name"], url=request["url"], charset=request["charset"])
    except BadFile as error:
        return {"bad": str(error)}
    except ConfigError as error:
        return {"config": str(error)}
    return {"document": document.model_dump(mode="json")}


def _limit(memory: int) -> None:
    """Bounds the address space, and forbids core dumps and files, where the platform can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(kind, (value, value))


def _refuse_effects(event: str, arguments: tuple[Any, ...]) -> None:
    """A second wall: a parser that a document has taken over from within Python gets no network, program or file.

    It does not hold against native code; the operator's sandbox does (docs/design/untrusted.md).
    """
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITE_FLAGS and arguments[0] != os.devnull:
        raise PermissionError("documents are read without writing files")
    if event.startswith(_FORBIDDEN_EVENTS):
        raise PermissionError(f"documents are read without {event}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
