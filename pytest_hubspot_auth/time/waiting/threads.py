"""Ends timers of other threads when simulated time passes them, and long waits of the test's own thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any
from weakref import WeakSet

import pytest
from freezegun import api

from hubspot_simulator.replacements import replaced

from .real_waits import measures_its_waits

_PATIENCE_SECONDS = 30.0  # after this, a longer wait of the test's own thread fails the test
_SETTLE_SECONDS = 10.0  # how long a timer that fires may hold up the clock
_FOREVER = threading.TIMEOUT_MAX


@dataclass(eq=False)
class Waiter:
    """A wait in another thread. ``at`` is when it ends, in seconds passed."""

    at: float
    event: threading.Event
    lock: Any
    thread: threading.Thread
    busy: Callable[[], bool]
    woken: bool = False


class ThreadTimers:
    """Tracks the waits of ``threading.Timer`` and of APScheduler's thread.

    ``own`` is the thread whose waits move the clock; ``passed`` returns how many seconds have passed.
    """

    def __init__(self, own: int, passed: Callable[[], float]) -> None:
        self._own = own
        self._passed = passed
        self._waiters: list[Waiter] = []
        self._changed = threading.Condition()
        self._initial = frozenset(threading.enumerate())
        self._seen: WeakSet[threading.Thread] = WeakSet()  # the threads that have waited

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch the waits of all threads."""
        event_wait, condition_wait = threading.Event.wait, threading.Condition.wait

        def wait_for_event(event: threading.Event, timeout: float | None = None) -> bool:
            frame = sys._getframe(1)
            if timeout is None or not 0 < timeout <= _FOREVER or not _is_a_timer(frame):
                return event_wait(event, timeout)
            return self._wait(event, timeout, _jobs_of(frame))

        def wait_for_condition(condition: threading.Condition, timeout: float | None = None) -> bool:
            if timeout is None or timeout <= _PATIENCE_SECONDS or threading.get_ident() != self._own:
                return condition_wait(condition, timeout)
            if condition_wait(condition, _PATIENCE_SECONDS):
                return True
            pytest.fail(_still_waiting(timeout), pytrace=False)

        with ExitStack() as stack:
            stack.enter_context(replaced(threading.Event, "wait", wait_for_event))
            stack.enter_context(replaced(threading.Condition, "wait", wait_for_condition))
            yield

    def next_due(self, end: float) -> Waiter | None:
        """Return the wait that ends first, if that is at or before ``end``."""
        with self._changed:
            due = [waiter for waiter in self._waiters if waiter.at <= end and waiter.thread.ident != self._own]
            return min(due, key=lambda waiter: waiter.at, default=None)

    def fire(self, waiter: Waiter) -> None:
        """End a wait. Return when its thread and its jobs wait again or have ended, or after a time limit."""
        with self._changed:
            if waiter not in self._waiters:
                return
            self._waiters.remove(waiter)
            waiter.woken = True
            with suppress(RuntimeError):  # the thread was already woken
                waiter.lock.release()
        self._settle(lambda: (waiter.thread.is_alive() and not self._waits(waiter.thread)) or waiter.busy())

    def settle(self) -> None:
        """Return when all started timers wait, or after a time limit."""
        self._settle(lambda: any(map(self._is_about_to_wait, threading.enumerate())))

    def _settle(self, is_busy: Callable[[], bool]) -> None:
        deadline = api.real_monotonic() + _SETTLE_SECONDS
        with self._changed:
            while api.real_monotonic() < deadline and is_busy():
                self._changed.wait(0.01)

    def _is_about_to_wait(self, thread: threading.Thread) -> bool:
        if thread in self._initial or thread is threading.current_thread():
            return False
        if isinstance(thread, threading.Timer):
            return thread not in self._seen and not thread.finished.is_set()
        return thread.name == "APScheduler" and not self._waits(thread)

    def _waits(self, thread: threading.Thread) -> bool:
        return any(waiter.thread is thread and not waiter.event.is_set() for waiter in self._waiters)

    def _wait(self, event: threading.Event, timeout: float, busy: Callable[[], bool]) -> bool:
        """Wait like ``event.wait(timeout)``, or until that much simulated time has passed."""
        condition: Any = event._cond  # type: ignore[attr-defined]
        with condition:
            if event.is_set():
                return True
            lock = threading.Lock()
            lock.acquire()
            condition._waiters.append(lock)
            waiter = Waiter(self._passed() + timeout, event, lock, threading.current_thread(), busy)
            with self._changed:
                self._waiters.append(waiter)
                self._seen.add(waiter.thread)
                self._changed.notify_all()
            saved = condition._release_save()
            try:
                lock.acquire(True, timeout)
            finally:
                condition._acquire_restore(saved)
                with suppress(ValueError):
                    condition._waiters.remove(lock)
                with self._changed, suppress(ValueError):
                    self._waiters.remove(waiter)
            return event.is_set()


def _is_a_timer(frame: FrameType) -> bool:
    waiting = frame.f_locals.get("self")
    return isinstance(waiting, threading.Timer) or _module(frame).partition(".")[0] == "apscheduler"


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


def _jobs_of(frame: FrameType) -> Callable[[], bool]:
    """Return a function that tells whether APScheduler's executors are busy: a job that starts late would never run."""
    executors: dict[str, Any] = getattr(frame.f_locals.get("self"), "_executors", {})

    def is_busy() -> bool:
        return any(any(getattr(executor, "_instances", {}).values()) for executor in list(executors.values()))

    return is_busy


def _still_waiting(timeout: float) -> str:
    frame: FrameType | None = sys._getframe(2)
    names = []
    while frame is not None and (own := frame.f_globals is globals()) | measures_its_waits(_module(frame)):
        if not own:
            names.append(getattr(frame.f_code, "co_qualname", frame.f_code.co_name))  # co_qualname needs Python 3.11
        frame = frame.f_back
    where = f"{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}" if frame else "the test's thread"
    return (
        f"the test has waited {_PATIENCE_SECONDS:g} real seconds of {timeout:g} s in {names[-1] if names else 'wait'}: "
        f"{where}.\n"
        "Nothing has ended this wait. Simulated waiting cannot: it passes time only for time.sleep and for asyncio's "
        "timers (hubspot-simulator explain waiting).\n"
        "Fix: move the clock with hubspot_clock.advance() and check without waiting, or wait with a shorter timeout."
    )
