"""Identifies the sender of a request, if possible: its connection and its process.

The audit needs this because it must not blame a sender that may never have had the token in question. A connection from
this machine belongs to this process (a test), to one of its descendants (started by ``run`` or a test), or is unknown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from .processes import identity, owners
from .sockets import Ends, is_own

PEER = "hubspot_simulator.peer"  # the key in the WSGI environ of a request that came over a socket
OWN = 0  # the number of this process
_RELAYED = ("HTTP_VIA", "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR")  # many clients may share such a connection

_numbers = count(1)
_forks = count(1)
_last_fork = [0]

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=lambda: _last_fork.__setitem__(0, next(_forks)))


class Peer:
    """The client's end of a connection, with a unique number and the process that was found for it."""

    __slots__ = ("authorization", "ends", "fd", "fork", "number", "process", "shared")

    def __init__(self, ends: Ends, fd: int) -> None:
        self.number = next(_numbers)
        self.ends, self.fd = ends, fd
        self.fork = _last_fork[0]
        self.authorization: str | None = None
        self.process: int | None = None
        self.shared = False


class Senders:
    """Numbers the connections and processes that requests come from.

    ``processes=False`` disables the search for processes. ``relayed_ends`` returns, for the port of a relay's
    connection, the ends of the client's connection that it serves, or None. With it, no connection counts as this
    process's own.
    """

    def __init__(self, *, processes: bool = True, relayed_ends: Callable[[int], Ends | None] | None = None) -> None:
        self._processes = processes
        self._relayed_ends = relayed_ends
        self._process_numbers: dict[tuple[object, ...], int] = {}

    def of(self, environ: Mapping[str, Any]) -> tuple[int | None, int | None]:
        """Return the numbers of a request's connection and process; None if unknown."""
        peer: Peer | None = environ.get(PEER)
        if peer is None:  # no socket, unless another server runs the app
            return None, None if "REMOTE_ADDR" in environ else OWN
        if peer.shared or any(name in environ for name in _RELAYED):
            return None, None
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        if not authorization or authorization != peer.authorization:  # a child may have inherited the connection
            peer.authorization = authorization
            try:
                peer.process = self._process(peer)
            except Exception:  # noqa: BLE001 - the request must be answered anyway
                peer.process = None
        return (None, None) if peer.shared else (peer.number, peer.process)

    def _process(self, peer: Peer) -> int | None:
        address, port = peer.ends[0]
        if not self._processes or not address.startswith(("127.", "::1", "::ffff:127.")):
            return None
        if self._relayed_ends is not None:
            pids = owners(self._relayed_ends(port) or peer.ends, own=False)
        else:
            own = is_own(peer.ends, peer.fd)
            if own and peer.fork == _last_fork[0]:
                return OWN
            pids = owners(peer.ends, own=own is not False)
        peer.shared = len(pids) > 1
        return self._number(pids[0]) if len(pids) == 1 else None

    def _number(self, pid: int) -> int:
        if pid == os.getpid():
            return OWN
        return self._process_numbers.setdefault(identity(pid), len(self._process_numbers) + 1)
