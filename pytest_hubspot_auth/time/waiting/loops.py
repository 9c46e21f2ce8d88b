"""Makes asyncio's timers follow simulated time.

An event loop in the test's own thread has only simulated time. When it waits only for timers, the clock moves to the
nearest one. While it waits for anything else, such as a response or a job in a thread, a timer takes its real duration,
and then the clock moves. Loops in other threads keep real time, plus every move of the clock.
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
    """``own`` is the thread whose waits move the clock. ``passed`` returns the seconds passed; ``move`` passes more."""

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
        """Make every asyncio loop use simulated time. uvloop's loops keep their own time."""
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
            for loop_class in _with_subclasses(asyncio.BaseEventLoop):
                if "time" in vars(loop_class):  # freezegun sets one on a subclass
                    stack.enter_context(replaced(loop_class, "time", time))
            stack.enter_context(replaced(asyncio.BaseEventLoop, "_run_once", pass_time_and_run_once))
            yield

    def wake(self) -> None:
        """Wake the loops of other threads, so that they see that time has passed."""
        for loop in list(self._loops):
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(int)

    def _pass_time(self, loop: Any) -> None:
        """Wait for an event or the nearest timer, whichever comes first, and move the clock there."""
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
                handle, waited = self._waited
                waited = waited if handle is nearest else 0.0
                began = api.real_monotonic()
                arrived = waited < left and self._collect(loop, left - waited)
                waited += api.real_monotonic() - began
                self._waited = nearest, waited
                if arrived or waited < left:
                    continue
            self._waited = None, 0.0
            self._move(round(left, 6))
            self._origin += max(0.0, nearest._when - loop.time())  # the fraction of a microsecond that remains

    def _collect(self, loop: Any, seconds: float) -> bool:
        loop._process_events(loop._selector.select(seconds))
        return bool(loop._ready)


def _with_subclasses(loop_class: type) -> Iterator[type]:
    yield loop_class
    subclasses: list[type] = loop_class.__subclasses__()
    for subclass in subclasses:
        yield from _with_subclasses(subclass)
