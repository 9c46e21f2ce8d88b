"""Serves a WSGI app in threads: cheroot's requests and responses, without its waits.

Stock cheroot gives every new connection to one of ten workers, so a few silent ones (browsers connect ahead of
need) hold up the next request for ten seconds. Here a worker is given whole requests only: one thread, the watcher,
collects what comes, shakes hands for TLS, and sends on what a slow client did not take at once. Workers grow with the
need, and stop() wakes what sleeps. No thread reads a time that freezegun replaces.
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
_STOP_SECONDS = (0.05, 5.0)  # how long requests may go on: with their connections, then without
_OTHER_PORT = "choose another, or 0 for a free one"
_REASONS: dict[int | None, str] = {
    errno.EACCES: f"no permission to use this port; {_OTHER_PORT}",
    errno.EADDRINUSE: f"the port is taken; {_OTHER_PORT}",
    errno.EADDRNOTAVAIL: "this machine has no such address; use 127.0.0.1, or 0.0.0.0 for all that it has",
}


class ServerStartError(OSError):
    """The server cannot listen where it should. The message says why, and what to do."""


class WSGIServer(HTTPServer):
    """Serves ``app`` on ``host`` and ``port`` (0: a free one) between ``start()`` and ``stop()``, or in a ``with``.

    With an ``ssl_context`` it speaks HTTPS. After a stop it can be started again. Bodies of more than ``max_body``
    bytes are not read: the app has to refuse them by their length.
    """

    max_request_header_size = 64 * 1024
    timeout = 10  # seconds in which a head is there, and a body, an answer or a handshake goes on

    def __init__(
        self,
        app: WSGIApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        max_body: int = 32 * 1024 * 1024,
    ) -> None:
        super().__init__((host, port), gateway=Gateway, server_name=host)  # the name is SERVER_NAME
        self.host = host
        self.port = self._wanted_port = port
        self.software = self.version
        self.wsgi_app = app
        self.ssl_adapter = ssl_context  # to cheroot its presence means https; Connection does the rest
        self.max_body = max_body
        self._lock = threading.Lock()
        self._busy: set[ServerConnection] = set()  # connections whose request waits for a worker, or has one

    @property
    def url(self) -> str:
        """Where a client on this machine reaches the started server."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"{'https' if self.ssl_adapter else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def start(self) -> None:
        """Listen, and serve in threads. Raises ServerStartError when it cannot listen there."""
        if self.ready:
            raise RuntimeError(f"the server is already running at {self.url}")
        self._listener = _listen(self.host, self._wanted_port)
        self.port = self._listener.getsockname()[1]
        self.bind_addr = self.host, self.port
        self._watcher = Watcher(self, self._listener)
        self._queue: SimpleQueue[ServerConnection | None] = SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._serving = threading.Thread(target=self.serve, name="hubspot-server", daemon=True)
        self.ready = True
        self._serving.start()

    def stop(self) -> None:
        """Stop listening, cut what is open and join all threads. Does nothing when the server is not running."""
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
            with self._lock:  # so that no worker closes one meanwhile
                for conn in self._busy:
                    conn.shutdown(socket.SHUT_RDWR)
        else:
            self.error_log("stopped while the WSGI app is still at work", logging.ERROR)
        self._watcher.close()
        self._listener.close()

    def serve(self) -> None:
        """Watch the connections that wait until ``stop()``: what the serving thread runs."""
        self._watcher.run()

    @property
    def busy(self) -> int:
        """How many connections have a request that waits for a worker, or is being answered."""
        return len(self._busy)

    def process_conn(self, conn: ServerConnection) -> None:
        """Give a connection whose request is whole to a worker: to a new one when all are busy."""
        with self._lock:
            self._busy.add(conn)
            if len(self._busy) > len(self._workers) < _MAX_WORKERS:
                thread = threading.Thread(target=self._work, name="hubspot-worker", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the system has no more threads to give: one that is there does it
                    self.error_log("cannot start another thread", logging.ERROR)
                else:
                    self._workers.append(thread)
        self._queue.put(conn)

    def _work(self) -> None:
        queue = self._queue
        while (conn := queue.get()) is not None:
            try:
                conn.answer()
                while self.ready and queue.empty() and conn.goes_on():  # or others are first
                    conn.answer()
            except OSError as error:
                conn.ended = True
                self.error_log(f"lost the connection to {conn.remote_addr}: {error}")
            except BaseException:  # noqa: BLE001 - an app's SystemExit, too: it is logged, and the worker lives
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
        """Whether a connection may stay open. cheroot would count silent ones against a limit."""
        return self.ready

    def clear_stats(self) -> None:
        """Keep no statistics: cheroot's would stay in logging.statistics, and the server with them."""
        self.stats = {"Enabled": False}

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Log what cheroot has to say: errors as such, what clients do wrong for debugging."""
        gone = isinstance(sys.exc_info()[1], (ssl.SSLError, TimeoutError))
        level = logging.ERROR if level > logging.INFO and not gone else logging.DEBUG
        with suppress(IndexError):  # a log record reads the time, which fails while freezegun ends a freeze
            _LOG.log(level, msg, exc_info=traceback)

    def __enter__(self) -> WSGIServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        if not 0 <= port <= 65535:
            raise ValueError(f"a port is a number from 0 to 65535; {_OTHER_PORT}")
        listener = socket.create_server((host, port), family=family, backlog=128, dualstack_ipv6=both)
    except (OSError, ValueError) as error:
        unknown = isinstance(error, (socket.gaierror, UnicodeError))
        number = errno.EADDRNOTAVAIL if unknown else getattr(error, "errno", None)
        raise ServerStartError(f"cannot listen on {host} port {port}: {_REASONS.get(number, error)}") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    return listener
