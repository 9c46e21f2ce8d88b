"""Who sent a request, as far as that can be told: by which connection, and from which process.

The audit holds nothing against a sender who may never have had the token in question; this is what it goes by. A
connection from this machine is this process's own (a test's), or one of its descendants' (what ``run`` or a test has
started), or unknown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from .sockets import has_inode, inode_of, is_own

if TYPE_CHECKING:
    import psutil

PEER = "hubspot_simulator.peer"  # in the WSGI environment of a request that came over a socket
OWN = 0  # the number of this process
_RELAYED = ("HTTP_VIA", "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR")  # many may share such a connection
_START_OF_STACK = 25  # among the fields of /proc/PID/stat after the name; another one after an exec

_numbers = count(1)
_forks = count(1)
_last_fork = [0]

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=lambda: _last_fork.__setitem__(0, next(_forks)))


class Peer:
    """The other end of a connection: its number, which no other has, and what was found out about it."""

    __slots__ = ("address", "asked", "fd", "fork", "number", "port", "process", "server_port", "shared")

    def __init__(self, address: str, port: int, server_port: int, fd: int) -> None:
        self.number = next(_numbers)
        self.address, self.port, self.server_port, self.fd = address, port, server_port, fd
        self.fork = _last_fork[0]
        self.asked: str | None = None
        self.process: int | None = None
        self.shared = False


class Senders:
    """Tells senders apart.

    ``processes`` are looked for unless it is false. ``through`` gives, for the port of a relay's connection, the ports
    of both ends of the one that it serves, None for any other connection. With it, this process has none of its own.
    """

    def __init__(
        self, *, processes: bool = True, through: Callable[[int], tuple[int, int] | None] | None = None
    ) -> None:
        self._processes = processes
        self._through = through
        self._known: dict[tuple[object, ...], int] = {}

    def of(self, environ: Mapping[str, Any]) -> tuple[int | None, int | None]:
        """Return the numbers of the connection and of the process that a request came from; None is unknown."""
        peer: Peer | None = environ.get(PEER)
        if peer is None:  # in process, unless another server carries the app
            return None, None if "REMOTE_ADDR" in environ else OWN
        if peer.shared or any(name in environ for name in _RELAYED):
            return None, None
        asks_as = environ.get("HTTP_AUTHORIZATION", "")
        if not asks_as or asks_as != peer.asked:  # a child may have inherited the connection
            peer.asked = asks_as
            try:
                peer.process = self._process(peer)
            except Exception:  # noqa: BLE001  whatever the system says, the request is answered
                peer.process = None
        return (None, None) if peer.shared else (peer.number, peer.process)

    def _process(self, peer: Peer) -> int | None:
        if not self._processes or not peer.address.startswith(("127.", "::1", "::ffff:127.")):
            return None
        if self._through is not None:
            owners = _owners(*(self._through(peer.port) or (peer.port, peer.server_port)), own=False)
        else:
            own = is_own(peer.port, peer.server_port, peer.fd)
            if own and peer.fork == _last_fork[0]:
                return OWN
            owners = _owners(peer.port, peer.server_port, own=own is not False)
        peer.shared = len(owners) > 1
        return self._number(owners[0]) if len(owners) == 1 else None

    def _number(self, process: psutil.Process) -> int:
        if process.pid == os.getpid():
            return OWN
        key = process.pid, process.create_time(), _image(process.pid)
        return self._known.setdefault(key, len(self._known) + 1)


def _owners(port: int, server_port: int, *, own: bool) -> list[psutil.Process]:
    """Return which of the descendants of this process, and it itself if ``own``, have a connection."""
    import psutil  # it is costly to import, and few need it

    this = psutil.Process()
    family = [*([this] if own else []), *this.children(recursive=True)]
    if not family:
        return []
    inode = inode_of(port, server_port)
    if inode is not None:
        return [process for process in family if has_inode(process.pid, inode)]
    return [process for process in family if _has(process, port, server_port)]


def _has(process: psutil.Process, port: int, server_port: int) -> bool:
    import psutil

    look = getattr(process, "net_connections", None) or process.connections  # its name before psutil 6
    try:
        return any(
            one.laddr and one.raddr and (one.laddr.port, one.raddr.port) == (port, server_port) for one in look("tcp")
        )
    except psutil.Error:  # it has ended, or is not ours to look at
        return False


def _image(pid: int) -> str:
    """Return what differs once a process has become another program, by exec; Linux only."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[_START_OF_STACK]
    except (OSError, IndexError):
        return ""
