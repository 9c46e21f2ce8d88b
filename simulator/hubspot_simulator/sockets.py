"""Finds the socket at the other end of a loopback connection: among this process's, or in the tables of Linux."""

from __future__ import annotations

import _socket
import os
import re
import stat
from collections.abc import Iterator

_NEAR = 16  # a client's descriptor is most often a little below that of the connection that was accepted from it
_TABLES = ("/proc/self/net/tcp", "/proc/self/net/tcp6")
_FAMILIES = (_socket.AF_INET, _socket.AF_INET6)


def is_own(port: int, server_port: int, near: int) -> bool | None:
    """Tell whether this process has the socket at ``port`` that is connected to ``server_port``.

    ``near`` is the descriptor of the server's end. None where descriptors cannot be looked at (Windows).
    """
    if os.name != "posix":
        return None
    wanted = port, server_port
    return any(_ports(fd) == wanted for fd in _descriptors(near))


def _descriptors(near: int) -> Iterator[int]:
    close = range(max(near - _NEAR, 0), near + _NEAR)
    yield from range(near - 1, close.start - 1, -1)
    yield from range(near + 1, close.stop)
    try:
        yield from (int(name) for name in os.listdir("/dev/fd") if int(name) not in close)
    except OSError:  # a system without it: what is near will do
        return


def _ports(fd: int) -> tuple[int, int] | None:
    """Return the ports of both ends of a TCP connection; None when a descriptor is none."""
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return None
        sock = _socket.socket(-1, -1, -1, fd)  # not socket.socket, which tests replace
    except OSError:
        return None
    try:
        if sock.type != _socket.SOCK_STREAM or sock.family not in _FAMILIES:
            return None
        return sock.getsockname()[1], sock.getpeername()[1]
    except OSError:  # it listens, or was closed just now
        return None
    finally:
        sock.detach()


def inode_of(port: int, server_port: int) -> int | None:
    """Return what Linux calls the socket at ``port`` that is connected to ``server_port``; None when it has none."""
    pattern = rb":%04X [0-9A-F]+:%04X [0-9A-F]{2} \S+ \S+ \S+ +\d+ +\d+ (\d+)" % (port, server_port)
    for table in _TABLES:
        try:
            with open(table, "rb") as file:
                found = re.search(pattern, file.read())
        except OSError:
            continue
        if found and int(found[1]):
            return int(found[1])
    return None


def has_inode(pid: int, inode: int) -> bool:
    """Tell whether a process has a socket of Linux among its descriptors."""
    wanted = f"socket:[{inode}]"
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            return any(_link(entry.path) == wanted for entry in entries)
    except OSError:  # it has ended, or is not ours to look at
        return False


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
