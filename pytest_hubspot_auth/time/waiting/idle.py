"""Tells whether an event loop waits only for its timers.

Only then may time jump. If it jumped while a response is on its way, code would see a timeout that never happened.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from functools import partial
from typing import Any


def waits_for_timers_only(loop: Any, handles: Iterable[Any], threads: frozenset[threading.Thread]) -> bool:
    """Tell whether only a timer can wake the loop. The loop must not be running a callback.

    ``handles`` are its timers. ``threads`` are those that are assumed not to wake it.
    """
    tasks = asyncio.all_tasks(loop)
    if tasks and _Waits(tasks, handles).are_timed():
        return True
    return not _watches_files(loop) and not _has_other_threads(threads)


class _Waits:
    """What the tasks of a loop wait for: sleeps, each other, or something from outside."""

    def __init__(self, tasks: set[Any], handles: Iterable[Any]) -> None:
        self._tasks = tasks
        self._sleeps = [handle._args[0] for handle in handles if _ends_sleep(handle)]
        self._ends: list[tuple[Any, dict[str, Any]]] = []  # a future, and the variables of one of its callbacks
        futures = list(tasks)
        # anyio's pytest plugin runs a test in one task, which sets a future that another task waits for
        self._ends += [(task, _set_by_test_runner(task)) for task in tasks]
        for future in futures:
            for callback, _ in future._callbacks or ():
                names = _variables_of(callback)
                self._ends.append((future, names))
                futures += [v for v in names.values() if asyncio.isfuture(v) and not v.done() and v not in futures]

    def are_timed(self) -> bool:
        """Tell whether every task sleeps, or waits for others that do."""
        return all(task._fut_waiter is not None and self._is_timed(task._fut_waiter) for task in self._tasks)

    def _is_timed(self, future: Any) -> bool:
        if future in self._tasks or future.done() or any(future is sleep for sleep in self._sleeps):
            return True
        holders = [end for end in self._ends if any(value is future for value in end[1].values())]
        return bool(holders) and all(
            self._is_timed(ended)
            # gather and wait may also wait for something that is not a task: a job in a thread
            and all(map(self._is_timed, names.get("children", ())))
            and names.get("counter", len(holders)) == len(holders)
            for ended, names in holders
        )


def _ends_sleep(handle: Any) -> bool:
    return handle._callback is asyncio.futures._set_result_unless_cancelled  # type: ignore[attr-defined]


def _set_by_test_runner(task: Any) -> dict[str, Any]:
    frame = getattr(task.get_coro(), "cr_frame", None)
    if frame is None or frame.f_code.co_name != "_run_tests_and_fixtures":
        return {}
    return {"future": frame.f_locals.get("future")}


def _variables_of(callback: Any) -> dict[str, Any]:
    names: dict[str, Any] = {}
    if isinstance(callback, partial):
        names.update({str(index): value for index, value in enumerate(callback.args)})
        callback = callback.func
    if str(getattr(callback, "__module__", "")).partition(".")[0] not in ("asyncio", "anyio"):
        return {}
    code, cells = getattr(callback, "__code__", None), getattr(callback, "__closure__", None)
    for name, cell in zip(code.co_freevars if code else (), cells or (), strict=False):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # the cell is empty
            continue
    holder = getattr(callback, "__self__", names.get("self"))
    for name in ("_on_completed_fut", "_parent_task"):  # set by a task group
        names[name] = getattr(holder, name, None)
    return names


def _watches_files(loop: Any) -> bool:
    """Tell whether the loop waits for a socket or pipe, other than the one that threads use to wake it."""
    try:
        watched = loop._selector.get_map()
    except AttributeError:  # Windows' proactor does not say
        return True
    own = getattr(loop, "_ssock", None)
    return any(key.fileobj is not own and key.fd != (own.fileno() if own else -1) for key in watched.values())


def _has_other_threads(threads: frozenset[threading.Thread]) -> bool:
    """Tell whether a thread outside ``threads`` is running, except the simulator's own."""
    return any(thread not in threads and not thread.name.startswith("hubspot-") for thread in threading.enumerate())
