"""Finds and ends all that a child started, wherever it has gone since: by a mark in the environment.

A group kill is not enough: on a terminal the child shares this process's group, and a daemon leaves any group.
The watchdog loads this by its path, hence nothing but the standard library and psutil here.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psutil import Process

MARK = "HUBSPOT_SIMULATOR_RUN"
_GRACE_SECONDS = 2.0  # between asking them to end and making them
_GLANCE_SECONDS = 0.02
_ROUNDS = 5  # what is being ended may start others


def end(mark: str, root: int | None = None) -> None:
    """End every process that has a mark, and those under ``root`` (a process id): asked first, then killed."""
    for attempt in range(_ROUNDS):
        found = find(mark, root)
        if not found:
            return
        for process in found:
            with suppress(OSError, _gone()):
                process.terminate() if attempt == 0 else process.kill()
        deadline = time.monotonic() + _GRACE_SECONDS
        while any(map(_lives, found)) and time.monotonic() < deadline:
            time.sleep(_GLANCE_SECONDS)


def find(mark: str, root: int | None = None) -> list[Process]:
    """Return the living processes that have a mark, those under ``root``, and what they started; never this one."""
    import psutil  # start-up cost: it is slow to import, and needed once a program has ended

    first = [process for process in psutil.process_iter() if _is_marked(process, mark)]
    with suppress(psutil.Error):
        first += [psutil.Process(root)] if root else []
    found = {process.pid: process for process in first}
    for process in first:
        with suppress(psutil.Error):  # it has ended just now
            found.update((started.pid, started) for started in process.children(recursive=True))
    found.pop(os.getpid(), None)
    return [process for process in found.values() if _lives(process)]


def _is_marked(process: Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except (OSError, _gone()):  # somebody else's, or it has ended just now
        return False


def _lives(process: Process) -> bool:
    """Tell whether a process runs. It is not waited for: its status is its parent's, which may be this process."""
    import psutil  # as above

    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _gone() -> type[Exception]:
    import psutil  # as above

    error: type[Exception] = psutil.Error
    return error
