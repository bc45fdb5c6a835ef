"""Reads hostile documents in a process of its own, which can be limited and killed.

Parsers of PDF, Office files and HTML are large, and some input makes each of them loop or eat memory. A thread cannot
be stopped, so `DocumentReader` runs `read_document` in a child process with a memory limit, without the parent's
environment, unable to open connections, start programs or write files; when a document takes too long, the child is
killed and the next document gets a new one. A child lives on between documents: starting one takes a second of CPU.

Parent and child speak in frames over pipes: a length, then JSON; a request has the document's bytes behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import struct
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, Any

from ..errors import BadFile, ConfigError
from .source import Document

__all__ = ["DocumentReader"]

MAX_REPLY_BYTES = 64_000_000
_FRAME = struct.Struct(">II")
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "VIRTUAL_ENV", "HOME")


class DocumentReader:
    """Turns untrusted bytes into `Document`s, in at most `workers` child processes.

    `seconds` is the time for one document, `memory` the address space of a child in bytes (POSIX only). Children are
    started when first needed; `close` ends them, and so does dropping the reader.
    """

    def __init__(self, *, workers: int = 2, seconds: float = 30.0, memory: int = 2_000_000_000) -> None:
        self._seconds = seconds
        self._memory = memory
        # Its own threads: those that wait for a child would else take the event loop's few from everybody.
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="safelight-reader")
        self._slots: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(workers):
            self._slots.put(None)
        weakref.finalize(self, _close_all, self._slots)

    async def read(self, data: bytes, name: str = "", *, url: str = "", charset: str | None = None) -> Document:
        """The document's text and tables (see `files.read_document`). Raises BadFile, ConfigError."""
        ask = partial(self.read_blocking, data, name, url=url, charset=charset)
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)

    def read_blocking(self, data: bytes, name: str = "", *, url: str = "", charset: str | None = None) -> Document:
        """The same for threads. Safe in any number of them; those beyond `workers` wait."""
        child = self._slots.get()
        try:
            if child is not None and not child.alive:
                child.close()
                child = None
            if child is None:
                child = _Child(self._memory)
            reply = child.ask({"name": name, "url": url, "charset": charset}, data, self._seconds)
        finally:
            self._slots.put(child if child is not None and child.alive else None)
        if reply is None:
            raise BadFile(
                f"{name or 'The document'} could not be read within {self._seconds:g} s and "
                f"{self._memory / 1e9:g} GB of memory. Shorten it, or save it anew."
            )
        if "config" in reply:
            raise ConfigError(str(reply["config"]))
        if "bad" in reply:
            raise BadFile(str(reply["bad"]))
        return Document.model_validate(reply["document"])

    def close(self) -> None:
        """Ends the children that are idle. The reader can be used again afterwards."""
        _close_all(self._slots)


class _Child:
    """One child process. After a failed `ask` it is dead."""

    def __init__(self, memory: int) -> None:
        environment = {name: value for name in _KEPT_ENVIRONMENT if (value := os.environ.get(name)) is not None}
        environment |= {
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONUTF8": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, "-W", "ignore", "-m", "safelight.tools.reading", str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        assert self._process.stdin is not None  # noqa: S101 (for the type checker: both are piped)
        assert self._process.stdout is not None  # noqa: S101
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._ready = False

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], data: bytes, seconds: float) -> dict[str, Any] | None:
        """The child's reply, or None where it died or was killed for being late."""
        timer = threading.Timer(seconds, self._process.kill)
        timer.start()
        try:
            return self._exchange(request, data)
        except (OSError, EOFError, ValueError):
            self.close()
            return None
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()

    def _exchange(self, request: dict[str, Any], data: bytes) -> dict[str, Any]:
        if not self._ready:
            self._await_ready()
        send_frame(self._stdin, request, data)
        reply, _ = receive_frame(self._stdout)
        return reply

    def _await_ready(self) -> None:
        try:
            receive_frame(self._stdout)
        except EOFError as error:
            raise ConfigError(
                "The process that reads documents cannot be started. To see why, run "
                "`python -m safelight.tools.reading 2000000000`; give it more memory if that is it."
            ) from error
        self._ready = True

    def close(self) -> None:
        self._process.kill()
        for pipe in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        self._process.wait()


def _close_all(slots: queue.LifoQueue[_Child | None]) -> None:
    closed = 0
    with contextlib.suppress(queue.Empty):
        while True:
            child = slots.get_nowait()
            closed += 1
            if child is not None:
                child.close()
    for _ in range(closed):
        slots.put(None)


def send_frame(pipe: IO[bytes], message: dict[str, Any], data: bytes = b"") -> None:
    """Writes one message and the bytes behind it."""
    head = json.dumps(message).encode()
    pipe.write(_FRAME.pack(len(head), len(data)))
    pipe.write(head)
    pipe.write(data)
    pipe.flush()


def receive_frame(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Reads what `send_frame` wrote. Raises EOFError at the end, ValueError on nonsense."""
    head_size, data_size = _FRAME.unpack(_exactly(pipe, _FRAME.size))
    if head_size + data_size > MAX_REPLY_BYTES:
        raise ValueError("a frame is too large")
    message = json.loads(_exactly(pipe, head_size))
    if not isinstance(message, dict):
        raise ValueError("a message is no object")
    return message, _exactly(pipe, data_size)


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) != size:
        raise EOFError
    return data
