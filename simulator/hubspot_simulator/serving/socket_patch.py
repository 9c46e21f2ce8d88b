"""Turns this process's connections to HubSpot's hosts to a simulator, below every HTTP library.

Standard library only, for Python 3.8 and later, and so is what it imports of this package: ``runner/python/hook.py``
loads it from its folder into the interpreter of a child, which need not have the package installed.

``socket.getaddrinfo`` answers an address of 192.0.2.0/24 for HubSpot's hosts, which is nobody's (RFC 5737), so that
a connection that escapes the patch reaches nobody. ``socket.socket.connect`` leads that address to the simulator. TLS
stays on: just before a handshake with a HubSpot host, the context learns to trust the simulator's private authority.
"""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..replacements import Replacements

_NET = "192.0.2."
_numbers = itertools.count(1)
_lock = threading.RLock()
_installed: list[SocketPatch] = []
_replacements = Replacements()


class SocketPatch:
    """One way to a simulator: for which hosts, where to, and whom to trust there.

    ``matches`` tells whether what a caller passed as a host (text, bytes, None) is meant. ``https`` and ``http`` are
    the simulator's addresses for port 443 and for port 80. ``authority`` is the certificate of its private authority
    (PEM). Patches nest: the newest one that matches wins.
    """

    def __init__(
        self,
        matches: Callable[[object], bool],
        *,
        https: tuple[str, int],
        http: tuple[str, int],
        authority: str,
    ) -> None:
        self._matches = matches
        self._ways = {443: https, 80: http}
        self._authority = authority
        self._address = f"{_NET}{next(_numbers) % 254 + 1}"
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._trusting: weakref.WeakSet[ssl.SSLContext] = weakref.WeakSet()

    def install(self) -> None:
        """Turn connections from now on. Clients that were imported and built before are turned, too."""
        with _lock:
            if not _installed:
                for owner, name, function in _PATCHES:
                    _replacements.wrap(owner, name, function)
            _installed.append(self)

    def uninstall(self) -> None:
        """Let connections go where they go by themselves, and cut those that were turned."""
        with _lock:
            _installed.remove(self)
            if not _installed:
                _replacements.undo()
        for turned in list(self._sockets):  # a pooled one would still lead here
            with suppress(OSError):
                turned.shutdown(socket.SHUT_RDWR)

    def way(self, sock: socket.socket, port: int) -> tuple[str, int]:
        """Return where a socket that wants that port of HubSpot goes. Raises ConnectionRefusedError."""
        if port not in self._ways:
            raise ConnectionRefusedError(f"HubSpot has no port {port}: the simulator stands for 443 and 80")
        self.follow(sock)
        return self._ways[port]

    def follow(self, sock: socket.socket) -> None:
        """Cut a socket, too, when the socket patch is gone: that of TLS takes the place of the one that was turned."""
        self._sockets.add(sock)

    def trust(self, context: ssl.SSLContext) -> None:
        """Have a context trust the simulator's authority."""
        if context not in self._trusting:
            context.load_verify_locations(cadata=self._authority)
            self._trusting.add(context)


def _patch_for(host: object) -> SocketPatch | None:
    """Return the socket patch that is meant by a host name."""
    return next((patch for patch in reversed(_installed) if patch._matches(host)), None)


def _patch_at(address: object) -> SocketPatch | None:
    """Return the socket patch whose stand-in an address is."""
    if not isinstance(address, tuple) or not str(address[0]).startswith(_NET):
        return None
    return next((patch for patch in _installed if patch._address == address[0]), None)


def turned(sock: socket.socket, address: Any) -> Any:
    """Return where a socket goes that is to connect to an address: to the simulator, for that of a stand-in."""
    patch = _patch_at(address)
    return address if patch is None else patch.way(sock, address[1])


# What stands in the place of a function gets that function first.


def _getaddrinfo(
    real: Any, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> Any:
    patch = _patch_for(host)
    if patch is None:
        return real(host, port, family, type, proto, flags)
    if family == socket.AF_INET6:
        raise socket.gaierror(socket.EAI_NONAME, "the simulator stands for HubSpot's IPv4 addresses only")
    return real(patch._address, port, family, type, proto, flags)


def _gethostbyname(real: Any, host: str) -> str:
    patch = _patch_for(host)
    return str(real(host)) if patch is None else patch._address


def _connect(real: Any, sock: socket.socket, address: Any) -> Any:
    return real(sock, turned(sock, address))


def _wrap_socket(real: Any, context: ssl.SSLContext, sock: Any, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
    patch = _prepare(context, kwargs.get("server_hostname", args[3] if len(args) > 3 else None))
    wrapped: ssl.SSLSocket = real(context, sock, *args, **kwargs)
    if patch is not None:
        patch.follow(wrapped)
    return wrapped


def _wrap_bio(
    real: Any, context: ssl.SSLContext, incoming: Any, outgoing: Any, *args: Any, **kwargs: Any
) -> ssl.SSLObject:
    _prepare(context, kwargs.get("server_hostname", args[1] if len(args) > 1 else None))
    wrapped: ssl.SSLObject = real(context, incoming, outgoing, *args, **kwargs)
    return wrapped


def _prepare(context: ssl.SSLContext, server_hostname: object) -> SocketPatch | None:
    patch = _patch_for(server_hostname)
    if patch is not None:
        patch.trust(context)
    return patch


_PATCHES: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (socket, "getaddrinfo", _getaddrinfo),
    (socket, "gethostbyname", _gethostbyname),
    (socket.socket, "connect", _connect),
    (socket.socket, "connect_ex", _connect),
    (ssl.SSLContext, "wrap_socket", _wrap_socket),
    (ssl.SSLContext, "wrap_bio", _wrap_bio),
)
