"""Tells whether an event loop waits for its timers only.

Time may jump only then: a jump over an answer that is on its way would be a timeout that never happened.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from functools import partial
from typing import Any


def waits_for_timers_only(loop: Any, handles: Iterable[Any], known: frozenset[threading.Thread]) -> bool:
    """Tell whether nothing but a timer can wake the loop. It is not running anything just now.

    ``handles`` are its timers. Threads that are ``known`` are taken not to wake it.
    """
    tasks = asyncio.all_tasks(loop)
    if tasks and _Waits(tasks, handles).are_timed():
        return True
    return not _watches_files(loop) and not _strangers(known)


class _Waits:
    """What the tasks of a loop wait for: sleeps, each other, or something that may come from outside."""

    def __init__(self, tasks: set[Any], handles: Iterable[Any]) -> None:
        self._tasks = tasks
        self._sleeps = [handle._args[0] for handle in handles if _ends_sleep(handle)]
        self._ends: list[tuple[Any, dict[str, Any]]] = []  # a future, and what a callback at its end knows
        found = list(tasks)
        # anyio's pytest plugin runs a test in one task, which sets a future for which another one waits
        self._ends += [(task, _set_by_test_runner(task)) for task in tasks]
        for future in found:
            for callback, _ in future._callbacks or ():
                names = _known_to(callback)
                self._ends.append((future, names))
                found += [v for v in names.values() if asyncio.isfuture(v) and not v.done() and v not in found]

    def are_timed(self) -> bool:
        """Tell whether every task sleeps, or waits for others that do."""
        return all(task._fut_waiter is not None and self._is_timed(task._fut_waiter) for task in self._tasks)

    def _is_timed(self, future: Any) -> bool:
        if future in self._tasks or future.done() or any(future is sleep for sleep in self._sleeps):
            return True
        holders = [end for end in self._ends if any(value is future for value in end[1].values())]
        return bool(holders) and all(
            self._is_timed(ended)
            # what gather and wait wait for may be no task: a job in a thread
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


def _known_to(callback: Any) -> dict[str, Any]:
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
        except ValueError:  # it is empty
            continue
    holder = getattr(callback, "__self__", names.get("self"))
    for name in ("_on_completed_fut", "_parent_task"):  # of a task group
        names[name] = getattr(holder, name, None)
    return names


def _watches_files(loop: Any) -> bool:
    """Tell whether the loop waits for a socket or a pipe, other than the one by which threads wake it."""
    try:
        watched = loop._selector.get_map()
    except AttributeError:  # Windows' proactor does not say
        return True
    own = getattr(loop, "_ssock", None)
    return any(key.fileobj is not own and key.fd != (own.fileno() if own else -1) for key in watched.values())


def _strangers(known: frozenset[threading.Thread]) -> bool:
    """Tell whether a thread has been started since, by anybody but the simulator."""
    return any(thread not in known and not thread.name.startswith("hubspot-") for thread in threading.enumerate())
