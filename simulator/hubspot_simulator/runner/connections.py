"""Counts connections to HubSpot's hosts that brought no request, which the journal cannot show."""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..hosts import canonical

SENT_NOTHING = "sent nothing"
REJECTED_CERTIFICATE = "rejected the certificate"
NO_TLS = "did not use TLS, which HubSpot expects on port 443"
INCOMPLETE_REQUEST = "sent no complete request"
ABORTED_HANDSHAKE = "aborted the TLS handshake without giving a reason"
_TLS_HANDSHAKE = b"\x16"  # the first byte of a TLS handshake
UNNAMED_HOST = "HubSpot"  # a TLS client may omit the server name
_CERTIFICATE_ALERTS = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "UNSUPPORTED_CERTIFICATE")


class Connections:
    """Counts connections to HubSpot's hosts, by host: the tunnels of a proxy and the TLS handshakes of a server.

    A tunnel and the handshake inside it count as one connection. The proxy's port number connects the two.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tunnels: dict[int, str] = {}  # by the port of the proxy's connection to the server
        self._in_handshake: dict[int, str] = {}  # tunnels with an unfinished TLS handshake
        self._not_tls: set[int] = set()  # tunnels with another protocol than TLS
        self._without_data: Counter[str] = Counter()  # connections without data since the handshake
        self._with_data: Counter[str] = Counter()
        self._failed: Counter[tuple[str, str]] = Counter()

    def tunnel(self, host: str, port: int, first: bytes = b"") -> None:
        """Count a new tunnel. Call it again with the ``first`` bytes that come through the tunnel."""
        with self._lock:
            if not first:
                if port in self._tunnels:  # the old tunnel is closed, and its port is in use again
                    self._without_data[self._tunnels[port]] += 1
                self._tunnels[port] = host
                self._not_tls.discard(port)
            elif self._tunnels.pop(port, None) is not None:
                if first.startswith(_TLS_HANDSHAKE):
                    self._in_handshake[port] = host
                else:
                    self._not_tls.add(port)
                    self._failed[host, NO_TLS] += 1

    def host(self, port: int) -> str:
        """Return the host of a tunnel with an unfinished TLS handshake, or UNNAMED_HOST if there is no such tunnel."""
        with self._lock:
            return self._in_handshake.get(port, UNNAMED_HOST)

    def watch(self, context: ssl.SSLContext) -> None:
        """Start to count the handshakes of a server's TLS context."""

        def save_server_name(sock: Any, name: str | None, _: ssl.SSLContext) -> None:
            if name and isinstance(sock, _CountingSocket):
                sock.server_name = canonical(name)

        context.sslsocket_class = type("CountingSocket", (_CountingSocket,), {"connections": self})
        context.sni_callback = save_server_name

    def handshake_done(self, host: str, port: int = 0) -> None:
        """Count a completed handshake with a client on this port."""
        with self._lock:
            self._in_handshake.pop(port, None)
            self._without_data[host] += 1

    def handshake_failed(self, host: str, reason: str, port: int = 0) -> None:
        """Count a failed handshake."""
        with self._lock:
            self._in_handshake.pop(port, None)
            if port not in self._not_tls:  # tunnel() has counted it
                self._failed[host, reason] += 1

    def data_received(self, host: str) -> None:
        """Count a connection with data after the handshake."""
        with self._lock:
            self._without_data[host] -= 1
            self._with_data[host] += 1

    def rejected_late(self, host: str, reason: str) -> None:
        """Count a connection that the client rejected after the handshake, which TLS 1.3 allows."""
        with self._lock:
            self._without_data[host] -= 1
            self._failed[host, reason] += 1

    def without_request(self, requests: int = 1) -> Mapping[tuple[str, str], int]:
        """Return how many connections brought no request, by host and by what their client did.

        The latter is ``SENT_NOTHING``, or a phrase such as ``rejected the certificate (unknown ca)``. ``requests`` is
        the total number of requests: if it is 0, connections with data did not bring a complete request.
        """
        with self._lock:
            counts = Counter(self._failed)
            for host, count in (Counter(self._tunnels.values()) + self._without_data).items():
                counts[host, SENT_NOTHING] += count
            for host in self._in_handshake.values():
                counts[host, ABORTED_HANDSHAKE] += 1
            if not requests:
                for host, count in self._with_data.items():
                    counts[host, INCOMPLETE_REQUEST] += count
            return +counts  # without the zeros


class _CountingSocket(ssl.SSLSocket):
    """The server's side of a TLS connection, which reports its progress to ``connections``."""

    connections: Connections
    server_name = ""
    _without_data = False
    _port = 0

    def _host(self) -> str:
        return self.server_name or self.connections.host(self._port)

    def do_handshake(self, block: bool = False) -> None:
        with suppress(OSError):  # the client has disconnected
            self._port = self._port or self.getpeername()[1]
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            self.connections.handshake_failed(self._host(), describe_failure(error), self._port)
            raise
        self._without_data = True
        self.server_name = self._host()
        self.connections.handshake_done(self.server_name, self._port)

    def read(self, *args: Any, **kwargs: Any) -> Any:
        try:
            data = super().read(*args, **kwargs)
        except ssl.SSLError as error:
            if self._without_data and "_ALERT_" in (error.reason or ""):
                self._without_data = False
                self.connections.rejected_late(self.server_name, describe_failure(error))
            raise
        if data and self._without_data:
            self._without_data = False
            self.connections.data_received(self.server_name)
        return data


def describe_failure(error: OSError) -> str:
    """Describe a failed handshake as a phrase with the client as its subject: ``rejected the certificate (...)``."""
    reason = getattr(error, "reason", None) or ""
    words = reason.lower().replace("_", " ")
    alert = words.partition(" alert ")[2]
    if any(name in reason for name in _CERTIFICATE_ALERTS):
        return f"{REJECTED_CERTIFICATE} ({alert})"
    if alert:
        return f"aborted the TLS handshake ({alert})"
    if isinstance(error, ssl.SSLError) and words and not isinstance(error, ssl.SSLEOFError):
        return f"used TLS in a way that the simulator does not support ({words})"
    return ABORTED_HANDSHAKE
