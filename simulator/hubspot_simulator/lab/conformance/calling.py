"""Calls the methods of an adapter, whether they are plain functions or coroutines, one or many at a time."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ...core.clock import unpatched
from .failures import Runaway, Stuck
from .fuse import Fuse

SECONDS = 15.0  # of real time, after which concurrent work counts as stuck
_END_SECONDS = 1.0
_MONOTONIC = unpatched("monotonic")


class Calling:
    """Runs what an adapter does. Coroutines run on one event loop, which is made when the first one comes."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: list[threading.Thread] = []

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function returns, or the coroutine that it returns."""
        with self._fuse.armed():
            value = function(*arguments)
            return self._complete(value) if inspect.iscoroutine(value) or asyncio.isfuture(value) else value

    def threads(self, calls: Sequence[Callable[[], Any]]) -> list[BaseException | None]:
        """Make calls at the same time, each in a thread, and return what each raised. Raises Stuck."""
        start = threading.Event()
        raised: list[BaseException | None] = [Stuck() for _ in calls]

        def run(index: int, call: Callable[[], Any]) -> None:
            ident = threading.get_ident()
            self._fuse.watch(ident)
            try:
                start.wait()
                value = call()
                if inspect.iscoroutine(value):
                    value.close()
                    raise TypeError('work is a coroutine: set concurrency = "tasks", not "threads"')
                raised[index] = None
            except BaseException as error:  # noqa: BLE001  it is handed to the thread that waits
                raised[index] = error
            finally:
                self._fuse.leave(ident)

        with self._fuse.armed(here=False):
            threads = [
                threading.Thread(target=run, args=(index, call), daemon=True, name=f"work-{index}")
                for index, call in enumerate(calls)
            ]
            self._threads += threads
            for thread in threads:
                thread.start()
            start.set()
            deadline = _MONOTONIC[0]() + SECONDS
            for thread in threads:
                thread.join(max(0.0, deadline - _MONOTONIC[0]()))
        return _checked(raised)

    def tasks(self, calls: Sequence[Callable[[], Any]]) -> list[BaseException | None]:
        """Make calls at the same time, each in a task, and return what each raised. Raises Stuck."""

        async def together() -> list[BaseException | None]:
            values = [call() for call in calls]
            if not all(inspect.isawaitable(value) for value in values):
                raise TypeError('concurrency = "tasks" wants `async def work`')
            tasks = [asyncio.ensure_future(value) for value in values]
            done, _ = await asyncio.wait(tasks, timeout=SECONDS)
            return [task.exception() if task in done else Stuck() for task in tasks]

        with self._fuse.armed():
            return _checked(self._complete(together()))

    def close(self) -> None:
        """End what still runs, and close the loop."""
        for thread in self._threads:
            if thread.is_alive() and thread.ident is not None:
                self._fuse.blow()
                thread.join(_END_SECONDS)
        if self._loop is None:
            return
        loop, self._loop = self._loop, None
        try:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left, timeout=SECONDS) if left else asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    def _complete(self, value: Any) -> Any:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(value)


def _checked(raised: list[BaseException | None]) -> list[BaseException | None]:
    """Return what calls raised. Raises the Runaway or the Stuck that is among them."""
    for kind in (Runaway, Stuck):
        for error in raised:
            if isinstance(error, kind):
                raise error
    return raised
