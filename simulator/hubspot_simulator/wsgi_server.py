"""Serves a WSGI app in threads: cheroot, without the waits of stock cheroot.

Stock cheroot gives every new connection to one of ten workers, so a few silent ones (browsers connect ahead of
need) hold up the next request for ten seconds. Here a connection waits in the selector until it has something to
say, workers grow with the need, and stop() wakes what sleeps. No thread reads a time that freezegun replaces.
"""

from __future__ import annotations

import errno
import io
import logging
import selectors
import socket
import ssl
import threading
from contextlib import suppress
from email.utils import formatdate
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from cheroot.connections import ConnectionManager
from cheroot.makefile import MakeFile
from cheroot.server import HTTPConnection, HTTPRequest, HTTPServer
from cheroot.wsgi import Gateway_10

from .core.clock import unpatched

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_LOG = logging.getLogger("hubspot_simulator.server")
_MONOTONIC, _SLEEP, _TIME = unpatched("monotonic"), unpatched("sleep"), unpatched("time")
_MAX_WORKERS = 128
_IDLE_SECONDS = 300.0  # how long a connection may wait for its next request
_NEXT_SECONDS = 0.01  # how long a worker waits for it before the selector does
_STOP_STEPS = ((socket.SHUT_RD, 0.05), (socket.SHUT_RDWR, 5.0))  # half requests end first, then all
_SELECT_IS_LIVE = hasattr(selectors, "EpollSelector") or hasattr(selectors, "KqueueSelector")
_HTTPS_ONLY = "The client sent a plain HTTP request, but this server only speaks HTTPS on this port."


class ServerStartError(OSError):
    """The server cannot listen where it should. The message says why, and what to do."""


class _Request(HTTPRequest):
    def respond(self) -> None:
        super().respond()
        self.conn.wfile.flush()
        self.conn.unread = self.close_connection
        try:
            while not self.close_connection and self.rfile.read(65536):
                pass  # what the app left of the body: the next request begins behind it
            if self.chunked_read and not self.close_connection:
                list(self.rfile.read_trailer_lines())
        except (OSError, ValueError):  # it stalls, or is not chunked as it should be
            self.close_connection = True

    def simple_response(self, status: str, msg: str = "") -> None:
        self.conn.unread = True
        super().simple_response(status, msg)

    def send_headers(self) -> None:
        if not any(name.lower() == b"date" for name, _ in self.outheaders):
            self.outheaders.append((b"Date", formatdate(_TIME[0](), usegmt=True).encode()))
        # Without the body, as cheroot would read it to its end before it answers. What it writes goes into the
        # buffer, and out with the response's body: one packet is a third faster than two.
        body, self.rfile = self.rfile, None
        wfile, self.conn.wfile = self.conn.wfile, io.BytesIO()
        super().send_headers()
        wfile._write_buf += self.conn.wfile.getvalue()
        self.conn.wfile, self.rfile = wfile, body


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request
    unread = False  # the client may still be sending

    def communicate(self) -> bool:
        tls_is_due = self.server.ssl_adapter is not None and not isinstance(self.socket, ssl.SSLSocket)
        keep: bool = self._begin_tls() if tls_is_due else super().communicate()
        if self.unread:
            self._drain()
        return keep

    def _begin_tls(self) -> bool:
        if self.socket.recv(1, socket.MSG_PEEK).isalpha():  # TLS begins with 0x16
            self.RequestHandlerClass(self.server, self).simple_response("400 Bad Request", _HTTPS_ONLY)
            return False
        context: ssl.SSLContext = self.server.ssl_adapter
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.rfile, self.wfile = MakeFile(self.socket, "rb"), MakeFile(self.socket, "wb")
        self.socket.do_handshake()
        return True

    def _drain(self) -> None:
        """Read on for a second at most: a socket closed on unread bytes may take the answer with it."""
        deadline = _MONOTONIC[0]() + 1
        self.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while (left := deadline - _MONOTONIC[0]()) > 0:
                self.socket.settimeout(left)
                if not socket.socket.recv(self.socket, 65536):
                    break

    def goes_on(self) -> bool:
        """Return whether the next request is here, or comes at once as most do."""
        if self.rfile.has_data() or (isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()):
            return True
        self.socket.settimeout(_NEXT_SECONDS)
        try:
            socket.socket.recv(self.socket, 1, socket.MSG_PEEK)
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(self.server.timeout)
        return True

    def shutdown(self, how: int) -> None:
        """Shut the socket down. SSLSocket's own method would have a worker go on in plain text."""
        with suppress(OSError):  # the client was faster
            socket.socket.shutdown(self.socket, how)

    def close(self) -> None:
        self.shutdown(socket.SHUT_RDWR)
        for file in (self.rfile, self.wfile):  # cheroot leaves wfile, and the socket with it, to the collector
            file.raw.close()
        self.socket.close()


class _Connections(ConnectionManager):
    """The connections that wait for a request. Workers put them in, the serving thread takes them out."""

    server: _Server
    _selector: Any
    _stop_requested: bool

    def __init__(self, server: _Server) -> None:
        super().__init__(server)
        self._wake_up, self._waker = socket.socketpair()
        self._selector.register(self._wake_up.fileno(), selectors.EVENT_READ, data=self._wake_up)

    def put(self, conn: _Connection) -> None:
        conn.last_used = _MONOTONIC[0]()
        self._selector.register(conn.socket.fileno(), selectors.EVENT_READ, data=conn)
        if not _SELECT_IS_LIVE:  # Windows: a select() under way does not see the new socket
            self._waker.send(b"\0")

    def stop(self) -> None:
        self._stop_requested = True
        self._waker.send(b"\0")

    def close(self) -> None:
        super().close()
        self._waker.close()

    def _run(self, expiration_interval: float) -> None:
        expiry = _MONOTONIC[0]() + expiration_interval
        while not self._stop_requested:
            for fd, source in self._selector.select(timeout=expiration_interval):
                if source is self.server:
                    self._accept()
                elif source is self._wake_up:
                    source.recv(4096)
                else:
                    self._selector.unregister(fd)
                    self.server.process_conn(source)
            if (now := _MONOTONIC[0]()) >= expiry:
                self._expire(now - _IDLE_SECONDS)
                expiry = now + expiration_interval

    def _accept(self) -> None:
        with suppress(BlockingIOError, ConnectionError):  # the client has gone again
            sock, address = self.server.socket.accept()
            sock.settimeout(self.server.timeout)
            conn = _Connection(self.server, sock)
            conn.remote_addr, conn.remote_port = address[:2]
            self.put(conn)  # it has to say something before a worker is spent on it

    def _expire(self, threshold: float) -> None:
        for fd, source in list(self._selector.connections):
            if isinstance(source, _Connection) and source.last_used < threshold:
                self._selector.unregister(fd)
                source.close()


class _Workers:
    """The threads that serve: one more whenever all are busy. In place of cheroot's pool, which never grows."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._queue: SimpleQueue[_Connection | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._busy: set[_Connection] = set()  # waiting for a worker, or with one
        self._threads: list[threading.Thread] = []

    def put(self, conn: _Connection) -> None:
        with self._lock:
            self._busy.add(conn)
            if len(self._busy) > len(self._threads) < _MAX_WORKERS:
                self._threads.append(threading.Thread(target=self._work, name="hubspot-worker", daemon=True))
                self._threads[-1].start()
        self._queue.put(conn)

    def _work(self) -> None:
        while (conn := self._queue.get()) is not None:
            keep = self._serve(conn)
            with self._lock:
                self._busy.discard(conn)
            if keep:
                self._server.put_conn(conn)
            else:
                conn.close()

    def _serve(self, conn: _Connection) -> bool:
        try:
            while conn.communicate():
                if not conn.goes_on():
                    return True
        except OSError as error:
            self._server.error_log(f"lost the connection to {conn.remote_addr}: {error}")
        except BaseException:  # noqa: BLE001 - an app's SystemExit, too: it is logged, and the worker lives
            self._server.error_log("error while serving a connection", logging.ERROR, traceback=True)
        return False

    def stop(self) -> None:
        threads = [thread for thread in self._threads if thread is not threading.current_thread()]
        for _ in self._threads:
            self._queue.put(None)
        for how, seconds in _STOP_STEPS:
            with self._lock:  # so that no worker closes one meanwhile
                for conn in self._busy:
                    conn.shutdown(how)
            deadline = _MONOTONIC[0]() + seconds
            for thread in threads:
                thread.join(max(0.0, deadline - _MONOTONIC[0]()))
        if any(thread.is_alive() for thread in threads):
            self._server.error_log("stopped while the WSGI app is still at work", logging.ERROR)


class _Server(HTTPServer):
    expiration_interval = 30.0  # how often idle connections are looked for
    max_request_header_size = 64 * 1024
    keep_alive_conn_limit = None  # cheroot counts silent connections, too
    timeout = 10  # how long a request that has begun may stand still

    def __init__(self, app: WSGIApplication, host: str, port: int, ssl_context: ssl.SSLContext | None) -> None:
        super().__init__((host, port), gateway=Gateway_10, server_name=host)  # the name is SERVER_NAME
        self.wsgi_app = app
        self.requests = _Workers(self)
        self.ssl_adapter = ssl_context  # to cheroot its presence means https; _Connection does the rest
        self.thread = threading.Thread(target=self.serve, name="hubspot-server", daemon=True)

    def clear_stats(self) -> None:
        self.stats = {"Enabled": False}  # cheroot's would stay in logging.statistics, and the server with them

    def prepare(self) -> None:
        self.software = self.version
        family = socket.AF_INET6 if ":" in self.bind_addr[0] else socket.AF_INET
        self.socket = socket.create_server(self.bind_addr, family=family, backlog=128)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.bind_addr = self.socket.getsockname()[:2]
        self._connections = _Connections(self)
        self.ready = True

    def serve(self) -> None:
        while self.ready:
            try:
                self._connections.run(self.expiration_interval)
            except Exception:  # noqa: BLE001 - it is logged
                self.error_log("error in the serving thread", logging.ERROR, traceback=True)
                _SLEEP[0](0.1)  # out of file descriptors, for one: not at full speed

    def stop(self) -> None:
        self.ready = False
        self._connections.stop()
        self.thread.join()
        self.socket.close()
        self.requests.stop()
        self._connections.close()

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        with suppress(IndexError):  # a log record reads the time, which fails while freezegun ends a freeze
            _LOG.log(logging.ERROR if level > logging.INFO else logging.DEBUG, msg, exc_info=traceback)


class WSGIServer:
    """Serves ``app`` on ``host`` and ``port`` (0: a free one) between ``start()`` and ``stop()``, or in a ``with``.

    With an ``ssl_context`` it speaks HTTPS. After ``stop()`` it can be started again.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.host = host
        self.port = self._wanted_port = port
        self._app, self._ssl_context = app, ssl_context
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """Where a client on this machine reaches the started server."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"{'https' if self._ssl_context else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def start(self) -> None:
        """Listen, and serve in threads. Raises ServerStartError when it cannot listen there."""
        if self._server is not None:
            raise RuntimeError(f"the server is already running at {self.url}")
        try:
            if not 0 <= self._wanted_port <= 65535:
                raise ValueError("a port is a number from 0 to 65535")
            server = _Server(self._app, self.host, self._wanted_port, self._ssl_context)
            server.prepare()
        except (OSError, ValueError) as error:
            raise _start_error(self.host, self._wanted_port, error) from error
        self.port = server.bind_addr[1]
        self._server = server
        server.thread.start()

    def stop(self) -> None:
        """Stop listening, cut what is open and join all threads. Does nothing when the server is not running."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __enter__(self) -> WSGIServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
