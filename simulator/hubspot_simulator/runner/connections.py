"""Who connected to HubSpot's hosts, and what became of it before any request came: the journal cannot know that."""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..hosts import canonical

NOTHING = "sent nothing"
DISTRUSTED = "distrusted the certificate"
NO_TLS = "spoke no TLS, which HubSpot expects on port 443"
NOT_WHOLE = "sent no whole request"
ENDED = "ended the TLS handshake without saying why"
_TLS = b"\x16"  # a handshake begins so
NO_NAME = "HubSpot"  # a TLS client need not say which host it wants
_CERTIFICATE_ALERTS = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "UNSUPPORTED_CERTIFICATE")


class Connections:
    """Counts connections to HubSpot's hosts, by host: tunnels of a proxy, and TLS handshakes of a server's context.

    A tunnel and the handshake in it are one connection: the proxy's port tells that they belong together.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tunnels: dict[int, str] = {}  # by the port from which the proxy speaks to the server
        self._begun: dict[int, str] = {}  # those in which TLS has begun, and nobody knows what becomes of it
        self._other: set[int] = set()  # those in which something else was said
        self._silent: Counter[str] = Counter()  # handshakes that were done, and no request yet
        self._spoke: Counter[str] = Counter()
        self._failed: Counter[tuple[str, str]] = Counter()

    def tunnel(self, host: str, port: int, first: bytes = b"") -> None:
        """Count a tunnel that a client asked a proxy for; a second time when the first bytes come through it."""
        with self._lock:
            if not first:
                if port in self._tunnels:  # that one ended, and the port is used again
                    self._silent[self._tunnels[port]] += 1
                self._tunnels[port] = host
                self._other.discard(port)
            elif self._tunnels.pop(port, None) is not None:
                if first.startswith(_TLS):
                    self._begun[port] = host
                else:
                    self._other.add(port)
                    self._failed[host, NO_TLS] += 1

    def host(self, port: int) -> str:
        """Return the host to which a tunnel leads in which TLS was begun; NO_NAME for no such tunnel."""
        with self._lock:
            return self._begun.get(port, NO_NAME)

    def watch(self, context: ssl.SSLContext) -> None:
        """Count the handshakes of a server's context from now on."""

        def named(sock: Any, name: str | None, _: ssl.SSLContext) -> None:
            if name and isinstance(sock, _Watched):
                sock.asked_for = canonical(name)

        context.sslsocket_class = type("Watched", (_Watched,), {"connections": self})
        context.sni_callback = named

    def done(self, host: str, port: int = 0) -> None:
        """Count a handshake that was done, with a client on this port."""
        with self._lock:
            self._begun.pop(port, None)
            self._silent[host] += 1

    def failed(self, host: str, why: str, port: int = 0) -> None:
        """Count a handshake that was not done."""
        with self._lock:
            self._begun.pop(port, None)
            if port not in self._other:  # it is counted already
                self._failed[host, why] += 1

    def spoke(self, host: str) -> None:
        """Count a connection on which something came after the handshake."""
        with self._lock:
            self._silent[host] -= 1
            self._spoke[host] += 1

    def ended(self, host: str, why: str) -> None:
        """Count a connection that its client ended after the handshake, with a reason (TLS 1.3 allows it)."""
        with self._lock:
            self._silent[host] -= 1
            self._failed[host, why] += 1

    def fruitless(self, requests: int = 1) -> Mapping[tuple[str, str], int]:
        """Return how many connections brought no request, by host and by what their client did.

        That is ``NOTHING``, or a phrase such as ``distrusted the certificate (unknown ca)``. ``requests`` is how many
        came in all: with none, what was begun on a connection was no whole one.
        """
        with self._lock:
            found = Counter(self._failed)
            for host, count in (Counter(self._tunnels.values()) + self._silent).items():
                found[host, NOTHING] += count
            for host in self._begun.values():
                found[host, ENDED] += 1
            if not requests:
                for host, count in self._spoke.items():
                    found[host, NOT_WHOLE] += count
            return +found


class _Watched(ssl.SSLSocket):
    """A server's side of a connection that tells how far it comes."""

    connections: Connections
    asked_for = ""
    _silent = False
    _port = 0

    def _host(self) -> str:
        return self.asked_for or self.connections.host(self._port)

    def do_handshake(self, block: bool = False) -> None:
        with suppress(OSError):  # it is gone
            self._port = self._port or self.getpeername()[1]
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            self.connections.failed(self._host(), said(error), self._port)
            raise
        self._silent = True
        self.asked_for = self._host()
        self.connections.done(self.asked_for, self._port)

    def read(self, *args: Any, **kwargs: Any) -> Any:
        try:
            got = super().read(*args, **kwargs)
        except ssl.SSLError as error:
            if self._silent and "_ALERT_" in (error.reason or ""):
                self._silent = False
                self.connections.ended(self.asked_for, said(error))
            raise
        if got and self._silent:
            self._silent = False
            self.connections.spoke(self.asked_for)
        return got


def said(error: OSError) -> str:
    """Return what the failure of a handshake tells of the client, as a phrase that follows its name."""
    reason = getattr(error, "reason", None) or ""
    words = reason.lower().replace("_", " ")
    alert = words.partition(" alert ")[2]
    if any(name in reason for name in _CERTIFICATE_ALERTS):
        return f"{DISTRUSTED} ({alert})"
    if alert:
        return f"ended the TLS handshake ({alert})"
    if isinstance(error, ssl.SSLError) and words and not isinstance(error, ssl.SSLEOFError):
        return f"spoke TLS in a way that the simulator does not ({words})"
    return ENDED
