"""Timers of asyncio that simulated time passes.

An event loop in the test's own thread has no time but the simulated: when all that it waits for are timers, the clock
moves to the nearest one. While it waits for anything else, an answer or a job in a thread, a timer takes as long as it
says, really, and then the clock moves. Loops in other threads keep real time; what the clock is moved comes on top.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from weakref import WeakSet

from freezegun import api

from hubspot_simulator.replacements import replaced

from .idle import waits_for_timers_only


class LoopTimers:
    """``own`` is the thread whose waits move the clock, ``passed`` tells the seconds passed, ``move`` passes some."""

    def __init__(self, own: int, passed: Callable[[], float], move: Callable[[float], None]) -> None:
        self._own = own
        self._passed = passed
        self._move = move
        self._origin = api.real_monotonic()
        self._threads = frozenset(threading.enumerate())
        self._loops: WeakSet[Any] = WeakSet()
        self._waited: tuple[Any, float] = (None, 0.0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have every loop of asyncio tell this time. uvloop's tell their own."""
        run_once = asyncio.BaseEventLoop._run_once  # type: ignore[attr-defined]

        def time(loop: Any) -> float:
            if threading.get_ident() == self._own:
                return self._origin + self._passed()
            self._loops.add(loop)
            return api.real_monotonic() + self._passed()

        def pass_time_and_run_once(loop: Any) -> None:
            if threading.get_ident() == self._own:
                self._pass_time(loop)
            run_once(loop)

        with ExitStack() as stack:
            for kind in _kinds(asyncio.BaseEventLoop):
                if "time" in vars(kind):  # freezegun leaves one in a subclass
                    stack.enter_context(replaced(kind, "time", time))
            stack.enter_context(replaced(asyncio.BaseEventLoop, "_run_once", pass_time_and_run_once))
            yield

    def wake(self) -> None:
        """Let loops of other threads see that time has passed."""
        for loop in list(self._loops):
            with suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(int)

    def _pass_time(self, loop: Any) -> None:
        """Wait for what comes first, an event or the nearest timer, and move the clock to that."""
        while not loop._ready and not loop._stopping:
            handles = [handle for handle in loop._scheduled if not handle._cancelled]
            if not handles:
                return
            nearest = min(handles, key=lambda handle: handle._when)
            left = nearest._when - loop.time()
            if left <= 0:
                return
            if self._collect(loop, 0.0):
                return
            if not waits_for_timers_only(loop, handles, self._threads):
                before, waited = self._waited
                waited = waited if before is nearest else 0.0
                began = api.real_monotonic()
                arrived = waited < left and self._collect(loop, left - waited)
                waited += api.real_monotonic() - began
                self._waited = nearest, waited
                if arrived or waited < left:
                    continue
            self._waited = None, 0.0
            self._move(round(left, 6))
            self._origin += max(0.0, nearest._when - loop.time())  # what is less than a microsecond

    def _collect(self, loop: Any, seconds: float) -> bool:
        loop._process_events(loop._selector.select(seconds))
        return bool(loop._ready)


def _kinds(kind: type) -> Iterator[type]:
    yield kind
    subclasses: list[type] = kind.__subclasses__()
    for subclass in subclasses:
        yield from _kinds(subclass)
