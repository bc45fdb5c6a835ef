"""Processes of our own for what keeps a processor busy: beside the event loop, and behind it.

Threads share one interpreter lock with the event loop, so that every listener waits while a picture is being worked
on. A process does not, and with a lower priority it takes only what time the loop leaves.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

__all__ = ["Processes"]

T = TypeVar("T")

_NICE = 10


class Processes:
    """`count` processes that are started when there is work; with none, work is done in threads.

    What is handed over (a function of a module, its arguments, its result) is pickled. A process that dies (the kernel
    ran out of memory) takes its work with it, which is then done in a thread, and others are started in its place.
    """

    def __init__(self, count: int = 0) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """What `work(*arguments)` returns. Raises what it raises. It must be harmless to do twice."""
        if not self._count:
            return await asyncio.to_thread(work, *arguments)
        pool = self._pool = self._pool or ProcessPoolExecutor(
            self._count, mp_context=get_context("spawn"), initializer=_settle
        )
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
                pool.shutdown(wait=False)
            return await asyncio.to_thread(work, *arguments)

    def close(self) -> None:
        """Let go of the processes, once they are done with what they have begun."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _settle() -> None:
    """In a new process: behind everybody else, deaf to signals that are meant for its parent, and gone with it."""
    os.nice(_NICE)
    for each in (signal.SIGINT, signal.SIGTERM):  # a drain goes on needing it: its parent says when it is over
        signal.signal(each, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
