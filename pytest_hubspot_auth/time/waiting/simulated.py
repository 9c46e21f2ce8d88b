"""Waiting that passes simulated time, if you choose so: a sleep moves the clocks and returns immediately."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import timedelta
from operator import index
from types import ModuleType
from typing import Any

from freezegun import api

from hubspot_simulator.replacements import replaced

from .loops import LoopTimers
from .real_waits import measures_its_waits, real_sleep
from .threads import ThreadTimers

_TURN_SECONDS = 0.001  # a real pause for other threads, which a polling loop may be waiting for


class SimulatedWaiting:
    """Makes waits pass simulated time, from ``start()`` until ``stop()`` or the end of a ``with`` block.

    ``now`` returns the frozen time in seconds, ``tick`` moves the frozen clock. Waits in the thread that called
    ``start()`` move the clock; waits in other threads do not.
    """

    def __init__(self, now: Callable[[], float], tick: Callable[[timedelta], None]) -> None:
        self._now = now
        self._tick = tick
        self._users = 0
        self._stack = ExitStack()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {'on' if self.is_on else 'off'}>"

    @property
    def is_on(self) -> bool:
        """Whether waits pass simulated time at the moment."""
        return self._users > 0

    def start(self) -> SimulatedWaiting:
        """Start, or do nothing if already started. Each call needs its own ``stop()``."""
        self._users += 1
        if self._users == 1:
            self._thread = threading.get_ident()
            self._began = self._passed = self._now()
            self._timers = ThreadTimers(self._thread, self.passed)
            self._loops = LoopTimers(self._thread, self.passed, lambda seconds: self.move(timedelta(seconds=seconds)))
            self._stack.enter_context(self._timers.running())
            self._stack.enter_context(self._loops.running())
            self._replace_sleep()
        return self

    def stop(self) -> None:
        """Make waits real again."""
        if self._users == 1:
            self._stack.close()
        self._users = max(0, self._users - 1)

    def __enter__(self) -> SimulatedWaiting:
        return self  # start() was already called

    def __exit__(self, *_: object) -> None:
        self.stop()

    def passed(self) -> float:
        """Return how many seconds have passed since ``start()``. Setting the clock back does not reduce them."""
        with suppress(RuntimeError):  # another thread calls this while the test ends
            self._passed = max(self._passed, self._now())
        return self._passed - self._began

    def move(self, delta: timedelta) -> None:
        """Move the frozen clock, from one timer of other threads to the next, and wake event loops."""
        self._timers.settle()
        end = self.passed() + delta.total_seconds()
        while (due := self._timers.next_due(end)) is not None:
            step = timedelta(seconds=max(0.0, due.at - self.passed()))
            self._tick(step)
            delta -= step
            self._timers.fire(due)
        self._tick(delta)
        self._loops.wake()

    def _replace_sleep(self) -> None:
        real = time.sleep

        def sleep(seconds: float, /) -> None:
            if not self.is_on or threading.get_ident() != self._thread or not _is_a_duration(seconds):
                real(seconds)
                return
            length = seconds if isinstance(seconds, float) else index(seconds)
            self.move(timedelta(microseconds=max(round(length * 1e6), 1 if length else 0)))
            real_sleep(min(length, _TURN_SECONDS))

        # also where a module used `from time import sleep`
        self._stack.callback(_replace_everywhere, sleep, real)
        _replace_everywhere(real, sleep)
        scheduler = getattr(sys.modules.get("sched"), "scheduler", None)
        if scheduler is not None:
            self._stack.enter_context(replaced(scheduler.__init__, "__defaults__", (api.fake_monotonic, sleep)))


def _is_a_duration(seconds: object) -> bool:
    if not isinstance(seconds, float):
        try:
            seconds = index(seconds)  # type: ignore[arg-type] # NumPy's integers are not int
        except TypeError:
            return False
    return 0 <= seconds < threading.TIMEOUT_MAX


def _replace_everywhere(old: Any, new: Any) -> None:
    for name, module in list(sys.modules.items()):
        if not isinstance(module, ModuleType) or measures_its_waits(name):
            continue
        for attribute, value in list(vars(module).items()):
            if value is old:
                setattr(module, attribute, new)
