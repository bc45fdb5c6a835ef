"""Collects what is asked at about the same time, and has it done at once, in one thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

__all__ = ["Batches"]

Task = TypeVar("Task")
Result = TypeVar("Result")


class Batches(Generic[Task, Result]):
    """Runs `work` on up to `size` tasks with the same key, which wait `wait` seconds for each other.

    Results come back in the order of the tasks. What nobody waits for any more when its turn comes is left out; an
    exception of `work` reaches everybody in its batch. One event loop at a time.
    """

    def __init__(
        self, work: Callable[[Sequence[Task]], Sequence[Result]], executor: Executor, *, size: int, wait: float
    ) -> None:
        self._work, self._executor, self._size, self._wait = work, executor, size, wait
        self._open: dict[Hashable, list[tuple[Task, asyncio.Future[Result]]]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, task: Task, key: Hashable) -> Result:
        """The result of one task. Raises what `work` raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        waiting = self._open.setdefault(key, [])
        waiting.append((task, future))
        if len(waiting) >= self._size:
            self._start(key, waiting)
        elif len(waiting) == 1:
            loop.call_later(self._wait, self._start, key, waiting)
        return await future

    def _start(self, key: Hashable, waiting: list[tuple[Task, asyncio.Future[Result]]]) -> None:
        if self._open.get(key) is not waiting:  # it was full, and has been started
            return
        del self._open[key]
        running = asyncio.create_task(self._run(waiting))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def _run(self, waiting: list[tuple[Task, asyncio.Future[Result]]]) -> None:
        wanted = [(task, future) for task, future in waiting if not future.done()]
        if not wanted:
            return
        try:
            loop = asyncio.get_running_loop()
            results = await loop.run_in_executor(self._executor, self._work, [task for task, _ in wanted])
        except Exception as error:  # whoever waits is told
            for _, future in wanted:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(wanted, results, strict=True):
            if not future.done():
                future.set_result(result)
