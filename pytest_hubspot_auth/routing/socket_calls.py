"""Watches calls of Python's socket methods: audit events come only after a lookup, and there is none for sent data.

Only ``socket.socket`` can be patched, not the C class below it. Nothing stays patched after a guarded test.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from hubspot_simulator.replacements import Replacements

Watchers = tuple[Callable[[object], None], Callable[[bytes], None]]  # of an address, of the data that is sent

_watchers: list[Watchers] = []
_NAMES = tuple(
    name
    for name in ("connect", "connect_ex", "sendto", "send", "sendall", "sendmsg")
    if hasattr(socket.socket, name)  # Windows has no sendmsg
)
_FIRST_BUFFERS = 8  # a request to a proxy names the host in the first buffers
_replacements = Replacements()


def watch(watchers: Watchers) -> None:
    """Call the watchers, and no older ones, with each address and the start of sent data, until ``unwatch``."""
    if not _watchers:
        for name in _NAMES:
            _replacements.replace(socket.socket, name, partial(_replacement, name))
    _watchers.append(watchers)


def unwatch(watchers: Watchers) -> None:
    """Stop calling the watchers."""
    _watchers.remove(watchers)
    if not _watchers:
        _replacements.undo()


def _replacement(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    if name.startswith("connect"):

        def connect(self: socket.socket, address: Any) -> Any:
            if _watchers:
                _watchers[-1][0](address)
            return real(self, address)

        return connect
    if name == "sendto":

        def sendto(self: socket.socket, data: Any, *args: Any) -> Any:
            if _watchers and args:
                _watchers[-1][0](args[-1])
            return real(self, data, *args)

        return sendto
    if name == "sendmsg":

        def sendmsg(self: socket.socket, buffers: Any, *args: Any) -> Any:
            if _watchers:
                buffers = list(buffers)
                _watchers[-1][1](b"".join(map(_prefix, buffers[:_FIRST_BUFFERS])))
                if len(args) > 2:
                    _watchers[-1][0](args[2])
            return real(self, buffers, *args)

        return sendmsg

    def send(self: socket.socket, data: Any, *args: Any) -> Any:
        if _watchers:
            _watchers[-1][1](_prefix(data))
        return real(self, data, *args)

    return send


def _prefix(data: Any) -> bytes:
    try:
        return bytes(memoryview(data).cast("B")[:1024])
    except TypeError:  # not bytes-like: the socket itself raises
        return b""
