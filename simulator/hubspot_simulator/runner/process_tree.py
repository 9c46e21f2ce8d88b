"""Finds and ends all processes that a child started, by a mark in their environment.

Killing the process group is not enough: on a terminal the child shares this process's group, and a daemon leaves its
group. The watchdog loads this file by its path, so it may import only the standard library and psutil.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psutil import Process

MARK = "HUBSPOT_SIMULATOR_RUN"
_GRACE_SECONDS = 2.0  # between terminate() and kill()
_POLL_SECONDS = 0.02
_ROUNDS = 5  # processes may start others while they end


def end(mark: str, root: int | None = None) -> None:
    """End every process with this mark, and the process ``root`` and its descendants: first terminate, then kill."""
    for attempt in range(_ROUNDS):
        processes = find(mark, root)
        if not processes:
            return
        for process in processes:
            with suppress(OSError, _psutil_error()):
                process.terminate() if attempt == 0 else process.kill()
        deadline = time.monotonic() + _GRACE_SECONDS
        while any(map(_is_running, processes)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


def find(mark: str, root: int | None = None) -> list[Process]:
    """Return the running processes with this mark, the process ``root``, and the descendants of all; never this one."""
    import psutil  # start-up cost: it is slow to import, and needed once a program has ended

    first = [process for process in psutil.process_iter() if _is_marked(process, mark)]
    with suppress(psutil.Error):
        first += [psutil.Process(root)] if root else []
    processes = {process.pid: process for process in first}
    for process in first:
        with suppress(psutil.Error):  # it has just ended
            processes.update((child.pid, child) for child in process.children(recursive=True))
    processes.pop(os.getpid(), None)
    return [process for process in processes.values() if _is_running(process)]


def _is_marked(process: Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except (OSError, _psutil_error()):  # another user's process, or one that has just ended
        return False


def _is_running(process: Process) -> bool:
    """Return whether a process runs. Does not wait for it: its exit status belongs to its parent."""
    import psutil  # as above

    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _psutil_error() -> type[Exception]:
    import psutil  # as above

    error: type[Exception] = psutil.Error
    return error
