"""What Python's sockets are told, before they do it: an audit event comes after a look-up, and none when data is sent.

Only ``socket.socket`` can be replaced so, not the class in C beneath it. Nothing of this stays behind a guarded test.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from hubspot_simulator.replacements import Replacements

Looks = tuple[Callable[[object], None], Callable[[bytes], None]]  # at an address, at what is sent

_looking: list[Looks] = []
_NAMES = tuple(
    name
    for name in ("connect", "connect_ex", "sendto", "send", "sendall", "sendmsg")
    if hasattr(socket.socket, name)  # the last not on Windows
)
_FIRST = 8  # of many buffers: what is asked of a proxy stands in the first
_replacements = Replacements()


def look(looks: Looks) -> None:
    """Have functions called with each address and with each message, until ``look_away``. The newest ones only."""
    if not _looking:
        for name in _NAMES:
            _replacements.replace(socket.socket, name, partial(_replacement, name))
    _looking.append(looks)


def look_away(looks: Looks) -> None:
    """Call the functions no longer."""
    _looking.remove(looks)
    if not _looking:
        _replacements.undo()


def _replacement(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    if name.startswith("connect"):

        def connect(self: socket.socket, address: Any) -> Any:
            if _looking:
                _looking[-1][0](address)
            return real(self, address)

        return connect
    if name == "sendto":

        def sendto(self: socket.socket, data: Any, *args: Any) -> Any:
            if _looking and args:
                _looking[-1][0](args[-1])
            return real(self, data, *args)

        return sendto
    if name == "sendmsg":

        def sendmsg(self: socket.socket, buffers: Any, *args: Any) -> Any:
            if _looking:
                buffers = list(buffers)
                _looking[-1][1](b"".join(map(_beginning, buffers[:_FIRST])))
                if len(args) > 2:
                    _looking[-1][0](args[2])
            return real(self, buffers, *args)

        return sendmsg

    def send(self: socket.socket, data: Any, *args: Any) -> Any:
        if _looking:
            _looking[-1][1](_beginning(data))
        return real(self, data, *args)

    return send


def _beginning(data: Any) -> bytes:
    try:
        return bytes(memoryview(data).cast("B")[:1024])
    except TypeError:  # the socket says what is wrong with it
        return b""
