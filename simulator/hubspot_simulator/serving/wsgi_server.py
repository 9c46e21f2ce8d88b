"""Serves a WSGI app in threads, with cheroot's requests and responses but without its waits.

Stock cheroot gives every new connection to one of ten workers, so a few silent connections (browsers open some in
advance) delay the next request by ten seconds. Here, workers get complete requests only. One thread, the watcher,
collects the bytes, performs TLS handshakes, and sends the rest of a response to a slow client. The number of workers
grows on demand, and stop() wakes all threads. No thread reads a time that freezegun replaces.
"""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

from cheroot.server import HTTPServer

from ..core.clock import unpatched
from ..logs import get_logger
from .wsgi_connection import ServerConnection
from .wsgi_gateway import Gateway
from .wsgi_watcher import Watcher

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_LOG = get_logger("hubspot_simulator.serving.server")
_MONOTONIC = unpatched("monotonic")
_MAX_WORKERS = 128
_STOP_SECONDS = (0.05, 5.0)  # the limits for running requests: first with, then without their connections
_OTHER_PORT = "choose another port, or 0 for a free one"
_REASONS: dict[int | None, str] = {
    errno.EACCES: f"no permission to use this port; {_OTHER_PORT}",
    errno.EADDRINUSE: f"the port is in use; {_OTHER_PORT}",
    errno.EADDRNOTAVAIL: "this machine does not have this address; use 127.0.0.1, or 0.0.0.0 for all its addresses",
}


class ServerStartError(OSError):
    """The server cannot listen on its host and port. The message gives the reason and the fix."""


class WSGIServer(HTTPServer):
    """Serves ``app`` on ``host`` and ``port`` (0 for a free one) from ``start()`` or ``with`` to ``stop()``.

    With an ``ssl_context`` it uses HTTPS. It can be started again after a stop. It does not read bodies of more than
    ``max_body`` bytes: the app must reject them by their length.
    """

    max_request_header_size = 64 * 1024
    timeout = 10  # seconds for a head or handshake to complete, and for a body or response to progress

    def __init__(
        self,
        app: WSGIApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        max_body: int = 32 * 1024 * 1024,
    ) -> None:
        super().__init__((host, port), gateway=Gateway, server_name=host)  # server_name becomes SERVER_NAME
        self.host = host
        self.port = self._requested_port = port
        self.software = self.version
        self.wsgi_app = app
        self.ssl_adapter = ssl_context  # cheroot only checks that it is set; ServerConnection uses it
        self.max_body = max_body
        self._lock = threading.Lock()
        self._busy: set[ServerConnection] = set()  # connections with a request that waits for a worker or has one

    @property
    def url(self) -> str:
        """The URL of the running server for clients on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"{'https' if self.ssl_adapter else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def start(self) -> None:
        """Listen, and serve in threads. Raises ServerStartError if it cannot listen."""
        if self.ready:
            raise RuntimeError(f"the server is already running at {self.url}")
        self._listener = _listen(self.host, self._requested_port)
        self.port = self._listener.getsockname()[1]
        self.bind_addr = self.host, self.port
        self._watcher = Watcher(self, self._listener)
        self._queue: SimpleQueue[ServerConnection | None] = SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._serving = threading.Thread(target=self.serve, name="hubspot-server", daemon=True)
        self.ready = True
        self._serving.start()

    def stop(self) -> None:
        """Stop listening, close all connections and join all threads. Does nothing if the server is not running."""
        if not self.ready:
            return
        self.ready = False
        self._watcher.wake()
        self._serving.join()
        for _ in self._workers:
            self._queue.put(None)
        workers = [thread for thread in self._workers if thread is not threading.current_thread()]
        for seconds in _STOP_SECONDS:
            deadline = _MONOTONIC[0]() + seconds
            for thread in workers:
                thread.join(max(0.0, deadline - _MONOTONIC[0]()))
            if not any(thread.is_alive() for thread in workers):
                break
            with self._lock:  # so that no worker closes a connection meanwhile
                for conn in self._busy:
                    conn.shutdown(socket.SHUT_RDWR)
        else:
            self.error_log("stopped while the WSGI app is still handling a request", logging.ERROR)
        self._watcher.close()
        self._listener.close()

    def serve(self) -> None:
        """Watch the waiting connections until ``stop()``. Runs in the serving thread."""
        self._watcher.run()

    @property
    def busy(self) -> int:
        """How many connections have a request that waits for a worker or is being answered."""
        return len(self._busy)

    def process_conn(self, conn: ServerConnection) -> None:
        """Pass a connection with a complete request to a worker, or to a new worker if all are busy."""
        with self._lock:
            self._busy.add(conn)
            if len(self._busy) > len(self._workers) < _MAX_WORKERS:
                thread = threading.Thread(target=self._work, name="hubspot-worker", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the system has no more threads: an existing worker will take it
                    self.error_log("cannot start another thread", logging.ERROR)
                else:
                    self._workers.append(thread)
        self._queue.put(conn)

    def _work(self) -> None:
        queue = self._queue
        while (conn := queue.get()) is not None:
            try:
                conn.respond()
                while self.ready and queue.empty() and conn.next_request_ready():  # other connections come first
                    conn.respond()
            except OSError as error:
                conn.ended = True
                self.error_log(f"lost the connection to {conn.remote_addr}: {error}")
            except BaseException:  # noqa: BLE001 - also SystemExit of an app: it is logged, and the worker goes on
                conn.ended = True
                self.error_log("error while serving a connection", logging.ERROR, traceback=True)
            with self._lock:
                self._busy.discard(conn)
            if self.ready:
                self._watcher.put(conn)
            else:
                conn.close()

    @property
    def can_add_keepalive_connection(self) -> bool:
        """Whether a connection may stay open. cheroot would limit the number of silent ones."""
        return self.ready

    def clear_stats(self) -> None:
        """Keep no statistics: cheroot's would keep the server alive in logging.statistics."""
        self.stats = {"Enabled": False}

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Log a message of cheroot: real errors as ERROR, faults of clients as DEBUG."""
        client_gone = isinstance(sys.exc_info()[1], (ssl.SSLError, TimeoutError))
        level = logging.ERROR if level > logging.INFO and not client_gone else logging.DEBUG
        with suppress(IndexError):  # log records read the time, which fails while freezegun stops
            _LOG.log(level, msg, exc_info=traceback)

    def __enter__(self) -> WSGIServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    dual_stack = host == "::" and socket.has_dualstack_ipv6()
    try:
        if not 0 <= port <= 65535:
            raise ValueError(f"a port is a number from 0 to 65535; {_OTHER_PORT}")
        listener = socket.create_server((host, port), family=family, backlog=128, dualstack_ipv6=dual_stack)
    except (OSError, ValueError) as error:
        unknown_host = isinstance(error, (socket.gaierror, UnicodeError))
        number = errno.EADDRNOTAVAIL if unknown_host else getattr(error, "errno", None)
        raise ServerStartError(f"cannot listen on {host} port {port}: {_REASONS.get(number, error)}") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    return listener
