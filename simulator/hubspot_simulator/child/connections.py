"""Who connected to HubSpot's hosts, and what became of it before any request came: the journal cannot know that."""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

NOTHING = "sent nothing"
DISTRUSTED = "distrusted the certificate"
NO_NAME = "HubSpot"  # a TLS client need not say which host it wants
_CERTIFICATE_ALERTS = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "UNSUPPORTED_CERTIFICATE")


class Connections:
    """Counts connections to HubSpot's hosts, by host: tunnels of a proxy, and TLS handshakes of a server's context."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tunnels: Counter[str] = Counter()
        self._begun: Counter[str] = Counter()  # handshakes, whatever came of them
        self._silent: Counter[str] = Counter()  # handshakes that were done, and no request yet
        self._failed: Counter[tuple[str, str]] = Counter()

    def tunnel(self, host: str) -> None:
        """Count a tunnel that a client asked a proxy for."""
        with self._lock:
            self._tunnels[host] += 1

    def watch(self, context: ssl.SSLContext) -> None:
        """Count the handshakes of a server's context from now on."""

        def named(sock: Any, name: str | None, _: ssl.SSLContext) -> None:
            if name and isinstance(sock, _Watched):
                sock.asked_for = name.lower()

        context.sslsocket_class = type("Watched", (_Watched,), {"connections": self})
        context.sni_callback = named

    def done(self, host: str) -> None:
        """Count a handshake that was done."""
        with self._lock:
            self._begun[host] += 1
            self._silent[host] += 1

    def failed(self, host: str, why: str) -> None:
        """Count a handshake that was not done."""
        with self._lock:
            self._begun[host] += 1
            self._failed[host, why] += 1

    def spoke(self, host: str) -> None:
        """Count a connection on which something came after the handshake."""
        with self._lock:
            self._silent[host] -= 1

    def ended(self, host: str, why: str) -> None:
        """Count a connection that its client ended after the handshake, with a reason (TLS 1.3 allows it)."""
        with self._lock:
            self._silent[host] -= 1
            self._failed[host, why] += 1

    def fruitless(self) -> Mapping[tuple[str, str], int]:
        """Return how many connections brought no request, by host and by what their client did.

        That is ``NOTHING``, or a phrase such as ``distrusted the certificate (unknown ca)``.
        """
        with self._lock:
            found = Counter(self._failed)
            for host, count in (self._tunnels - self._begun + +self._silent).items():
                found[host, NOTHING] += count
            return +found


class _Watched(ssl.SSLSocket):
    """A server's side of a connection that tells how far it comes."""

    connections: Connections
    asked_for = NO_NAME
    _silent = False

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            self.connections.failed(self.asked_for, said(error))
            raise
        self._silent = True
        self.connections.done(self.asked_for)

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
    return "ended the TLS handshake without saying why"
