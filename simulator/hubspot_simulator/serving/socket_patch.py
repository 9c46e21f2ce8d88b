"""Redirects this process's connections to HubSpot's hosts to a simulator, below every HTTP library.

This file and the modules that it imports use only the standard library of Python 3.8 and later:
``runner/python/hook.py`` loads them by path into child processes, whose interpreter may lack the package.

For HubSpot's hosts, ``socket.getaddrinfo`` returns an address in 192.0.2.0/24. That range is reserved (RFC 5737), so a
connection that bypasses the patch reaches nobody. ``socket.socket.connect`` replaces the address by the simulator's.
TLS stays on: before a handshake with a HubSpot host, the context learns to trust the simulator's private authority.
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

from ..hosts import PORTS, no_such_port
from ..replacements import Replacements

_NET = "192.0.2."
_numbers = itertools.count(1)
_lock = threading.RLock()
_installed: list[SocketPatch] = []
_replacements = Replacements()


class SocketPatch:
    """A redirection of some hosts to a simulator.

    ``matches`` tells whether a host, as a caller passed it (text, bytes, None), is redirected. ``https`` and ``http``
    are the simulator's addresses for ports 443 and 80. ``authority`` is the certificate of its private authority (PEM).
    Patches nest: the newest that matches wins.
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
        self._targets = {PORTS["https"]: https, PORTS["http"]: http}
        self._authority = authority
        self._address = f"{_NET}{next(_numbers) % 254 + 1}"
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._trusting: weakref.WeakSet[ssl.SSLContext] = weakref.WeakSet()

    def install(self) -> None:
        """Start to redirect connections, including those of clients that already exist."""
        with _lock:
            if not _installed:
                for owner, name, function in _PATCHES:
                    _replacements.wrap(owner, name, function)
            _installed.append(self)

    def uninstall(self) -> None:
        """Stop to redirect connections, and close the redirected ones."""
        with _lock:
            _installed.remove(self)
            if not _installed:
                _replacements.undo()
        for sock in list(self._sockets):  # a pooled connection would still lead to the simulator
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def target(self, sock: socket.socket, port: int) -> tuple[str, int]:
        """Return the simulator's address for a port of HubSpot. Raises ConnectionRefusedError for other ports."""
        if port not in self._targets:
            raise ConnectionRefusedError(no_such_port(port))
        self.track(sock)
        return self._targets[port]

    def track(self, sock: socket.socket) -> None:
        """Remember a socket, to close it in ``uninstall()``. A TLS socket replaces the redirected one."""
        self._sockets.add(sock)

    def trust(self, context: ssl.SSLContext) -> None:
        """Make a context trust the simulator's authority."""
        if context not in self._trusting:
            context.load_verify_locations(cadata=self._authority)
            self._trusting.add(context)


def _patch_for(host: object) -> SocketPatch | None:
    """Return the newest socket patch that matches a host."""
    return next((patch for patch in reversed(_installed) if patch._matches(host)), None)


def _patch_at(address: object) -> SocketPatch | None:
    """Return the socket patch with this placeholder address."""
    if not isinstance(address, tuple) or not str(address[0]).startswith(_NET):
        return None
    return next((patch for patch in _installed if patch._address == address[0]), None)


def redirected(sock: socket.socket, address: Any) -> Any:
    """Return the address to connect a socket to: the simulator's address instead of a placeholder."""
    patch = _patch_at(address)
    return address if patch is None else patch.target(sock, address[1])


# The replacements get the replaced function as their first argument.


def _getaddrinfo(
    real: Any, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> Any:
    patch = _patch_for(host)
    if patch is None:
        return real(host, port, family, type, proto, flags)
    if family == socket.AF_INET6:
        raise socket.gaierror(socket.EAI_NONAME, "the simulator serves HubSpot's hosts over IPv4 only")
    return real(patch._address, port, family, type, proto, flags)


def _gethostbyname(real: Any, host: str) -> str:
    patch = _patch_for(host)
    return str(real(host)) if patch is None else patch._address


def _connect(real: Any, sock: socket.socket, address: Any) -> Any:
    return real(sock, redirected(sock, address))


def _wrap_socket(real: Any, context: ssl.SSLContext, sock: Any, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
    patch = _prepare(context, kwargs.get("server_hostname", args[3] if len(args) > 3 else None))
    wrapped: ssl.SSLSocket = real(context, sock, *args, **kwargs)
    if patch is not None:
        patch.track(wrapped)
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
