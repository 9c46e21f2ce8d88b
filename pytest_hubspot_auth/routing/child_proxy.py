"""A proxy for the child processes of a guarded test. It refuses HubSpot's hosts and forwards everything else."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from hubspot_simulator.hosts import PORTS

from .proxied_host import requested_host

_HEAD_BYTES = 64 * 1024
_CONNECT_SECONDS = 30.0
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
_BODY = b"the test that started this process is guarded from the real HubSpot (pytest-hubspot-auth)\n"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class ChildProxy:
    """Serves CONNECT on a free loopback port, in threads, from its creation until ``stop()``.

    ``refuses`` takes the host that a child requests and returns whether to refuse it. ``upstream`` is the URL of the
    proxy that the child would use otherwise. Raises OSError if it cannot listen, and ValueError if ``upstream`` is not
    an ``http://`` URL.
    """

    def __init__(self, refuses: Callable[[str], bool], upstream: str | None) -> None:
        self._refuses = refuses
        self._upstream, self._authorization = _read_upstream(upstream)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._stopped = False
        self._start_thread(self._accept)

    def stop(self) -> None:
        """Close every connection and end every thread."""
        self._stopped = True
        with suppress(OSError):  # closing the listener would not wake accept()
            socket.create_connection(self._listener.getsockname()).close()
        while self._threads:
            with self._lock:
                for sock in self._open:
                    with suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)
                threads = self._threads = self._unfinished()
            for thread in threads:
                with suppress(RuntimeError):  # the thread has not started yet
                    thread.join(0.05)
        self._listener.close()

    def _unfinished(self) -> list[threading.Thread]:
        """Return the threads that run or are about to start. Call it with the lock held."""
        return [thread for thread in self._threads if thread.is_alive() or thread.ident is None]

    def _start_thread(self, work: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=args, name="hubspot-child-proxy", daemon=True)
        with self._lock:
            self._threads = [*self._unfinished(), thread]
        thread.start()
        return thread

    def _accept(self) -> None:
        while not self._stopped:
            with suppress(OSError):
                sock, _ = self._listener.accept()
                if self._stopped:
                    sock.close()
                else:
                    self._start_thread(self._serve, sock)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self._track(client)
            try:
                self._handle(client)
            finally:
                self._untrack(client)

    def _handle(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = client.recv(4096)
            if not chunk or len(head) > _HEAD_BYTES:
                return
            head += chunk
        host = requested_host(head)
        if host is None or not head.startswith(b"CONNECT "):
            client.sendall(_BAD_GATEWAY)
        elif self._refuses(host):
            client.sendall(_REFUSED % (len(_BODY), _BODY))
            client.shutdown(socket.SHUT_WR)
        else:
            self._tunnel(client, head)

    def _tunnel(self, client: socket.socket, head: bytes) -> None:
        head, _, rest = head.partition(b"\r\n\r\n")
        target = urlsplit(b"//" + head.split()[1])
        try:
            address = self._upstream or ((target.hostname or b"").decode("ascii"), target.port or PORTS["https"])
            server = socket.create_connection(address, timeout=_CONNECT_SECONDS)
        except (OSError, ValueError):
            client.sendall(_BAD_GATEWAY)
            return
        with server:
            server.settimeout(None)
            self._track(server)
            try:
                if self._upstream:
                    server.sendall(head + b"\r\n" + self._authorization + b"\r\n" + rest)
                else:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    server.sendall(rest)
                downstream = self._start_thread(_copy, server, client)
                _copy(client, server)
                downstream.join()
            finally:
                self._untrack(server)

    def _track(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.add(sock)

    def _untrack(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.discard(sock)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(64 * 1024):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _read_upstream(url: str | None) -> tuple[tuple[str, int] | None, bytes]:
    """Return a proxy's address, and the header with its user name and password."""
    if not url:
        return None, b""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"proxy scheme {parts.scheme!r}: expected http")
    authorization = b""
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        authorization = b"Proxy-Authorization: Basic " + base64.b64encode(user) + b"\r\n"
    return (parts.hostname, parts.port or 80), authorization
