"""Who sent a request, as far as that can be told: by which connection, and from which process.

The audit holds nothing against a sender who may never have had the token in question; this is what it goes by. A
connection from this machine is this process's own (a test's), or one of its descendants' (what ``run`` or a test has
started), or unknown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from .processes import identity, owners
from .sockets import Ends, is_own

PEER = "hubspot_simulator.peer"  # in the WSGI environment of a request that came over a socket
OWN = 0  # the number of this process
_RELAYED = ("HTTP_VIA", "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR")  # many may share such a connection

_numbers = count(1)
_forks = count(1)
_last_fork = [0]

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=lambda: _last_fork.__setitem__(0, next(_forks)))


class Peer:
    """The other end of a connection: its number, which no other has, and what was found out about it."""

    __slots__ = ("asked", "ends", "fd", "fork", "number", "process", "shared")

    def __init__(self, ends: Ends, fd: int) -> None:
        self.number = next(_numbers)
        self.ends, self.fd = ends, fd
        self.fork = _last_fork[0]
        self.asked: str | None = None
        self.process: int | None = None
        self.shared = False


class Senders:
    """Tells senders apart.

    ``processes`` are looked for unless it is false. ``through`` gives, for the port of a relay's connection, the ends
    of the one that it serves, None for any other connection. With it, this process has none of its own.
    """

    def __init__(self, *, processes: bool = True, through: Callable[[int], Ends | None] | None = None) -> None:
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
        address, port = peer.ends[0]
        if not self._processes or not address.startswith(("127.", "::1", "::ffff:127.")):
            return None
        if self._through is not None:
            found = owners(self._through(port) or peer.ends, own=False)
        else:
            own = is_own(peer.ends, peer.fd)
            if own and peer.fork == _last_fork[0]:
                return OWN
            found = owners(peer.ends, own=own is not False)
        peer.shared = len(found) > 1
        return self._number(found[0]) if len(found) == 1 else None

    def _number(self, pid: int) -> int:
        if pid == os.getpid():
            return OWN
        return self._known.setdefault(identity(pid), len(self._known) + 1)
