"""Processes: what this one has started, which of them has a connection, and which is which.

Linux is asked directly, for it answers in a fraction of a millisecond; psutil tells it of the others.
"""

from __future__ import annotations

import os
from contextlib import suppress

from .sockets import Ends, NoInodes, has_inode, inode_of

_START_TIME, _START_OF_STACK = 19, 25  # among the fields of /proc/PID/stat after the name


def owners(ends: Ends, *, own: bool) -> list[int]:
    """Return which of the descendants of this process, and it itself if ``own``, have the client's end of a connection.

    A connection that was inherited has several.
    """
    family = [*([os.getpid()] if own else []), *_descendants()]
    if not family:
        return []
    try:
        inode = inode_of(ends)
    except NoInodes:
        return [pid for pid in family if _has(pid, ends)]
    return [] if inode is None else [pid for pid in family if has_inode(pid, inode)]


def identity(pid: int) -> tuple[object, ...]:
    """Return what a process is told by: its pid, its start, and on Linux its program, which an exec replaces."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return pid, fields[_START_TIME], fields[_START_OF_STACK]
    except (OSError, IndexError):
        import psutil  # start-up cost: it is slow to import, and few need it

        return pid, psutil.Process(pid).create_time()


def _descendants() -> list[int]:
    pid = os.getpid()
    if not os.path.exists(f"/proc/{pid}/task/{pid}/children"):  # not Linux, or an unusual one
        import psutil  # as above

        return [process.pid for process in psutil.Process(pid).children(recursive=True)]
    found = _children(pid)
    for one in found:  # which grows
        found += _children(one)
    return found


def _children(pid: int) -> list[int]:
    """Return the children of a process as Linux lists them: by the threads that started them."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:  # it has ended
        return []
    found: list[int] = []
    for thread in threads:
        with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
            found += map(int, file.read().split())
    return found


def _has(pid: int, ends: Ends) -> bool:
    import psutil  # as above

    try:
        process = psutil.Process(pid)
        look = getattr(process, "net_connections", None) or process.connections  # its name before psutil 6
        return any(one.raddr and (one.laddr.port, one.raddr.port) == (ends[0][1], ends[1][1]) for one in look("tcp"))
    except psutil.Error:  # it has ended, or is not ours to look at
        return False
