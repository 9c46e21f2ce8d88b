"""Finds the processes that own a connection, among this process and its descendants.

On Linux, the kernel answers in a fraction of a millisecond. Other systems need psutil.
"""

from __future__ import annotations

import os
from contextlib import suppress

from .sockets import Ends, NoInodes, has_inode, inode_of

_START_TIME, _START_OF_STACK = 19, 25  # among the fields of /proc/PID/stat after the name


def owners(ends: Ends, *, own: bool) -> list[int]:
    """Return the ids of the processes that have the client's end of a connection.

    The candidates are this process's descendants and, with ``own``, this process. An inherited connection has several
    owners.
    """
    candidates = [*([os.getpid()] if own else []), *_descendants()]
    if not candidates:
        return []
    try:
        inode = inode_of(ends)
    except NoInodes:
        return [pid for pid in candidates if _has(pid, ends)]
    return [] if inode is None else [pid for pid in candidates if has_inode(pid, inode)]


def identity(pid: int) -> tuple[object, ...]:
    """Return what identifies a process: its pid, its start time, and on Linux its program, which exec replaces."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return pid, fields[_START_TIME], fields[_START_OF_STACK]
    except (OSError, IndexError):
        import psutil  # slow to import and rarely needed

        return pid, psutil.Process(pid).create_time()


def _descendants() -> list[int]:
    pid = os.getpid()
    if not os.path.exists(f"/proc/{pid}/task/{pid}/children"):  # not Linux, or one without this file
        import psutil  # as above

        return [process.pid for process in psutil.Process(pid).children(recursive=True)]
    descendants = _children(pid)
    for descendant in descendants:  # grows during the loop
        descendants += _children(descendant)
    return descendants


def _children(pid: int) -> list[int]:
    """Return the children of a process, which Linux lists by the threads that started them."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:  # it has ended
        return []
    children: list[int] = []
    for thread in threads:
        with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
            children += map(int, file.read().split())
    return children


def _has(pid: int, ends: Ends) -> bool:
    import psutil  # as above

    try:
        process = psutil.Process(pid)
        list_connections = getattr(process, "net_connections", None) or process.connections  # its name before psutil 6
        ports = ends[0][1], ends[1][1]
        connections = list_connections("tcp")
        return any(item.raddr and (item.laddr.port, item.raddr.port) == ports for item in connections)
    except psutil.Error:  # it has ended, or belongs to another user
        return False
