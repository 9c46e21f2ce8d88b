"""Serves a WSGI app in threads: cheroot, without the waits of stock cheroot.

Stock cheroot gives every new connection to one of ten workers, so a few silent ones (browsers connect ahead of
need) hold up the next request for ten seconds. Here a connection waits in a selector until it has something to
say, workers grow with the need, and stop() wakes what sleeps. No thread reads a time that freezegun replaces.
"""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import ssl
import sys
import threading
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

from cheroot.server import HTTPServer

from .core.clock import unpatched
from .logs import get_logger
from .wsgi_connection import Connection
from .wsgi_gateway import Gateway

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_LOG = get_logger("hubspot_simulator.server")
_MONOTONIC = unpatched("monotonic")
_MAX_WORKERS = 128
_IDLE_SECONDS = 300.0  # how long a connection may wait for its next request
_SWEEP_SECONDS = 30.0  # how often those that waited longer are looked for
_STOP_STEPS = ((socket.SHUT_RD, 0.05), (socket.SHUT_RDWR, 5.0))  # half requests end first, then all
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

    With an ``ssl_context`` it speaks HTTPS. After a stop it can be started again.
    """

    max_request_header_size = 64 * 1024
    timeout = 10  # how long a request that has begun may stand still

    def __init__(
        self,
        app: WSGIApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__((host, port), gateway=Gateway, server_name=host)  # the name is SERVER_NAME
        self.host = host
        self.port = self._wanted_port = port
        self.software = self.version
        self.wsgi_app = app
        self.ssl_adapter = ssl_context  # to cheroot its presence means https; Connection does the rest
        self._lock = threading.Lock()
        self._busy: set[Connection] = set()  # connections waiting for a worker, or with one

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
        self._wake_up, self._waker = socket.socketpair()
        self._parking: deque[Connection] = deque()
        self._selector = selectors.DefaultSelector()
        for source in (self._listener, self._wake_up):
            self._selector.register(source, selectors.EVENT_READ)
        self._queue: SimpleQueue[Connection | None] = SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._serving = threading.Thread(target=self.serve, name="hubspot-server", daemon=True)
        self.ready = True
        self._serving.start()

    def stop(self) -> None:
        """Stop listening, cut what is open and join all threads. Does nothing when the server is not running."""
        if not self.ready:
            return
        self.ready = False
        self._waker.send(b"\0")
        self._serving.join()
        for _ in self._workers:
            self._queue.put(None)
        workers = [thread for thread in self._workers if thread is not threading.current_thread()]
        for how, seconds in _STOP_STEPS:
            with self._lock:  # so that no worker closes one meanwhile
                for conn in self._busy:
                    conn.shutdown(how)
            deadline = _MONOTONIC[0]() + seconds
            for thread in workers:
                thread.join(max(0.0, deadline - _MONOTONIC[0]()))
            if not any(thread.is_alive() for thread in workers):
                break
        else:
            self.error_log("stopped while the WSGI app is still at work", logging.ERROR)
        parked = [key.data for key in self._selector.get_map().values() if key.data]
        for closable in (*parked, *self._parking, self._selector, self._listener, self._wake_up, self._waker):
            closable.close()

    def serve(self) -> None:
        """Watch the connections that wait for a request until ``stop()``: what the serving thread runs."""
        sweep = _MONOTONIC[0]() + _SWEEP_SECONDS
        while self.ready:
            try:
                for key, _ in self._selector.select(_SWEEP_SECONDS):
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj is self._wake_up:
                        self._wake_up.recv(4096)
                        while self._parking:
                            self._watch(self._parking.popleft())
                    else:
                        self._selector.unregister(key.fileobj)
                        self.process_conn(key.data)
                if _MONOTONIC[0]() >= sweep:
                    self._close_idle()
                    sweep = _MONOTONIC[0]() + _SWEEP_SECONDS
            except Exception:  # noqa: BLE001 - it is logged
                self.error_log("error in the serving thread", logging.ERROR, traceback=True)
                threading.Event().wait(0.1)  # out of file descriptors, for one: not at full speed

    def _accept(self) -> None:
        with suppress(BlockingIOError, ConnectionError):  # the client has gone again
            sock, address = self._listener.accept()
            sock.settimeout(self.timeout)
            conn = Connection(self, sock)
            conn.remote_addr, conn.remote_port = address[:2]
            self._watch(conn)  # it has to say something before a worker is spent on it

    def _watch(self, conn: Connection) -> None:
        conn.last_used = _MONOTONIC[0]()
        self._selector.register(conn.socket, selectors.EVENT_READ, conn)

    def _close_idle(self) -> None:
        threshold = _MONOTONIC[0]() - _IDLE_SECONDS
        for key in list(self._selector.get_map().values()):
            if key.data and key.data.last_used < threshold:
                self._selector.unregister(key.fileobj)
                key.data.close()

    def put_conn(self, conn: Connection) -> None:
        """Have a connection watched for its next request. Only the serving thread touches the selector."""
        if self.ready:
            self._parking.append(conn)
            self._waker.send(b"\0")
        else:
            conn.close()

    def process_conn(self, conn: Connection) -> None:
        """Give a connection to a worker: to a new one when all are busy."""
        with self._lock:
            self._busy.add(conn)
            if len(self._busy) > len(self._workers) < _MAX_WORKERS:
                self._workers.append(threading.Thread(target=self._work, name="hubspot-worker", daemon=True))
                self._workers[-1].start()
        self._queue.put(conn)

    def _work(self) -> None:
        queue = self._queue
        while (conn := queue.get()) is not None:
            keep = False
            try:
                keep = conn.communicate()
            except OSError as error:
                self.error_log(f"lost the connection to {conn.remote_addr}: {error}")
            except BaseException:  # noqa: BLE001 - an app's SystemExit, too: it is logged, and the worker lives
                self.error_log("error while serving a connection", logging.ERROR, traceback=True)
            with self._lock:
                self._busy.discard(conn)
            if keep:
                self.put_conn(conn)
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
        gone = isinstance(sys.exc_info()[1], (ssl.SSLError, TimeoutError))  # cheroot warns of these
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
