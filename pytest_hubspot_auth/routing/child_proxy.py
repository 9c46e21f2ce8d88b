"""A proxy for the children of a guarded test. It refuses HubSpot's hosts and lets everything else through."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from hubspot_simulator.hosts import PORTS

from .proxied_host import asked_host

_HEAD_BYTES = 64 * 1024
_CONNECT_SECONDS = 30.0
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
_BODY = b"the test that started this process is guarded from the real HubSpot (pytest-hubspot-auth)\n"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class ChildProxy:
    """Takes CONNECT on a free loopback port from when it is made to ``stop()``, in threads.

    ``refuses`` is called with the host that a child asks for, and tells whether to refuse it. ``upstream`` is the
    proxy that the child would take itself (an ``http://`` URL). Raises OSError when it cannot listen, and ValueError
    for an upstream of another kind.
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
        self._begin(self._accept)

    def stop(self) -> None:
        """Cut every connection and end every thread."""
        self._stopped = True
        with suppress(OSError):  # closing it would not wake accept()
            socket.create_connection(self._listener.getsockname()).close()
        while self._threads:
            with self._lock:
                for sock in self._open:
                    with suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)
                threads = self._threads = [one for one in self._threads if one.is_alive() or one.ident is None]
            for thread in threads:
                with suppress(RuntimeError):  # it is about to start
                    thread.join(0.05)
        self._listener.close()

    def _begin(self, work: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=args, name="hubspot-child-proxy", daemon=True)
        with self._lock:
            self._threads = [one for one in self._threads if one.is_alive() or one.ident is None]
            self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        while not self._stopped:
            with suppress(OSError):
                sock, _ = self._listener.accept()
                if self._stopped:
                    sock.close()
                else:
                    self._begin(self._serve, sock)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self._opened(client)
            try:
                self._answer(client)
            finally:
                self._closed(client)

    def _answer(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            part = client.recv(4096)
            if not part or len(head) > _HEAD_BYTES:
                return
            head += part
        host = asked_host(head)
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
            where = self._upstream or ((target.hostname or b"").decode("ascii"), target.port or PORTS["https"])
            server = socket.create_connection(where, timeout=_CONNECT_SECONDS)
        except (OSError, ValueError):
            client.sendall(_BAD_GATEWAY)
            return
        with server:
            server.settimeout(None)
            self._opened(server)
            try:
                if self._upstream:
                    server.sendall(head + b"\r\n" + self._authorization + b"\r\n" + rest)
                else:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    server.sendall(rest)
                back = self._begin(_copy, server, client)
                _copy(client, server)
                back.join()
            finally:
                self._closed(server)

    def _opened(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.add(sock)

    def _closed(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.discard(sock)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(64 * 1024):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _read_upstream(url: str | None) -> tuple[tuple[str, int] | None, bytes]:
    """Return the address of a proxy, and the header that names its user."""
    if not url:
        return None, b""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"{parts.scheme} is no scheme of a proxy that is known here")
    authorization = b""
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        authorization = b"Proxy-Authorization: Basic " + base64.b64encode(user) + b"\r\n"
    return (parts.hostname, parts.port or 80), authorization
