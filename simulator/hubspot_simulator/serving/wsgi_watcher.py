"""The connections of the WSGI server that wait: for a request to be whole, or for a client to take its answer."""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import sys
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from ..core.clock import unpatched
from .wsgi_connection import ServerConnection
from .wsgi_wire import FREE, UNREAD

if TYPE_CHECKING:
    from .wsgi_server import WSGIServer

_MONOTONIC = unpatched("monotonic")
_IDLE_SECONDS = 300.0  # how long a connection may wait for its next request
_SLOWNESS = 6  # times the server's timeout that 64 KiB of a body or an answer may take, if they never stand still
_ENDING_SECONDS = 1.0  # how long a client that was answered may be silent before it is cut
_CROWDED_SECONDS = 1.0  # how long a large body may stand still while others wait for room
_SWEEP_SECONDS = 30.0  # how often deadlines are looked at, at the least
_PAUSE_SECONDS = 0.1  # how long nothing is accepted when the system has no more connections to give
_ROOM = 64 * 1024 * 1024  # bytes of bodies, beyond what every connection has free
_ACCEPTED_AT_ONCE = 32
_MAX_CONNECTIONS = 480 if sys.platform == "win32" else 1000  # select() takes 512 there
_SPARE = 100  # descriptors for all else that the process does
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Watcher:
    """Waits for many connections in one thread, and gives those with a whole request to the server's workers.

    A head or a handshake must be complete within the server's ``timeout``. A body or an answer must not stand still for
    so long, and may not take forever.
    """

    def __init__(self, server: WSGIServer, listener: socket.socket) -> None:
        self._server = server
        self._listener = listener
        self._wake_up, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake_up, selectors.EVENT_READ, self._unpark)
        self._connections: dict[int, ServerConnection] = {}
        self._parked: deque[ServerConnection] = deque()
        self._for_room: deque[ServerConnection] = (
            deque()
        )  # connections that wait until others have no more use for theirs
        self._reserved = 0
        self._most = _most_connections()
        self._accepts_at = 0.0  # when the listener is watched again; 0 while it is
        self._next = 0.0  # when a deadline may have passed

    def put(self, conn: ServerConnection) -> None:
        """Have a connection watched that a worker has answered. For any thread."""
        self._parked.append(conn)
        self.wake()

    def wake(self) -> None:
        """Have ``run`` look at what has changed. For any thread."""
        with suppress(BlockingIOError):  # it has not seen the last one yet
            self._waker.send(b"\0")

    def run(self) -> None:
        """Watch while the server is ready."""
        while self._server.ready:
            try:
                if _MONOTONIC[0]() >= self._next:
                    self._expire()
                self._give_room()
                events = self._selector.select(max(0.0, self._next - _MONOTONIC[0]()))
            except Exception:  # noqa: BLE001 - it is logged
                self._server.error_log("error in the serving thread", logging.ERROR, traceback=True)
                threading.Event().wait(_PAUSE_SECONDS)  # not at full speed
                continue
            for key, _ in events:
                try:
                    if not isinstance(key.data, ServerConnection):
                        key.data()
                    elif self._connections.get(key.data.number) is key.data:  # not closed a moment ago
                        self._attend(key.data)
                except Exception:  # noqa: BLE001 - the other connections are served all the same
                    self._server.error_log("error in the serving thread", logging.ERROR, traceback=True)

    def close(self) -> None:
        """Close all connections, when ``run`` has ended."""
        for conn in (*self._connections.values(), *self._parked):
            conn.close()
        for closable in (self._selector, self._wake_up, self._waker):
            closable.close()

    # Connections

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:  # the client has gone again
                continue
            except OSError as error:
                self._server.error_log(f"cannot accept a connection: {error}")
                if error.errno not in _EXHAUSTED or not self._close_oldest():
                    self._selector.unregister(self._listener)  # or it would be tried again at full speed
                    self._accepts_at = _MONOTONIC[0]() + _PAUSE_SECONDS
                    self._next = min(self._next, self._accepts_at)
                return
            if len(self._connections) + self._server.busy >= self._most:
                self._close_oldest()
            conn = ServerConnection(self._server, sock, address)
            self._connections[conn.number] = conn
            self._attend(conn)

    def _unpark(self) -> None:
        self._wake_up.recv(4096)
        while self._parked:
            conn = self._parked.popleft()
            self._connections[conn.number] = conn
            self._release(conn)
            self._attend(conn)

    def _attend(self, conn: ServerConnection) -> None:
        """Have a connection do what it can, and wait for the rest."""
        try:
            whole = not conn.ended and conn.proceed()
        except (OSError, ValueError) as error:
            self._server.error_log(f"lost the connection to {conn.remote_addr}: {error}")
            conn.ended = True
        except BaseException:
            self._close(conn)
            raise
        if conn.closing:
            self._release(conn)
        if conn.ended:
            self._close(conn)
        elif whole:
            self._watch_for(conn, 0)
            del self._connections[conn.number]
            self._server.process_conn(conn)
        elif conn.wanted and self._reserve(conn):
            self._attend(conn)
        elif conn.unsent > FREE and sum(other.unsent for other in self._connections.values()) > UNREAD:
            self._close(conn)
        else:
            conn.renew(_MONOTONIC[0]())
            self._next = min(self._next, self._deadline(conn))
            self._watch_for(conn, conn.interest)

    def _watch_for(self, conn: ServerConnection, events: int) -> None:
        if events == conn.watched:
            return
        if not events:
            self._selector.unregister(conn.number)
        elif conn.watched:
            self._selector.modify(conn.number, events, conn)
        else:
            self._selector.register(conn.number, events, conn)
        conn.watched = events

    def _close(self, conn: ServerConnection) -> None:
        self._watch_for(conn, 0)
        self._connections.pop(conn.number, None)
        conn.close()
        self._release(conn)

    def _close_oldest(self) -> bool:
        """Close the connection that is idle for longest, or else has begun first. Return whether there was one."""
        oldest = min(self._connections.values(), key=lambda conn: (conn.at != "idle", conn.since), default=None)
        if oldest is not None:
            self._close(oldest)
        return oldest is not None

    # Room for bodies

    def _reserve(self, conn: ServerConnection) -> bool:
        if not self._reserved or self._reserved + conn.wanted <= _ROOM:
            self._reserved += conn.wanted
            conn.room = conn.wanted
            return True
        if conn not in self._for_room:
            self._for_room.append(conn)
            self._next = 0.0
        return False

    def _release(self, conn: ServerConnection) -> None:
        self._reserved -= conn.room
        conn.room = 0

    def _give_room(self) -> None:
        while self._for_room:
            first = self._for_room[0]
            alive = self._connections.get(first.number) is first and first.wanted
            if alive and not self._reserve(first):
                break
            self._for_room.popleft()
            if alive:
                self._attend(first)

    # Deadlines

    def _deadline(self, conn: ServerConnection) -> float:
        if conn.at == "body" and conn.room and self._for_room:
            return conn.since + min(_CROWDED_SECONDS, self._server.timeout)
        timeout = self._server.timeout
        if conn.at == "body" and conn.wanted:  # nothing of it is read until there is room, which is not its fault
            return conn.since + _SLOWNESS * timeout
        if conn.at in ("body", "answer"):
            return min(conn.since + _SLOWNESS * timeout, conn.still + timeout)
        return conn.since + {"idle": _IDLE_SECONDS, "ending": _ENDING_SECONDS}.get(conn.at, timeout)

    def _expire(self) -> None:
        now = _MONOTONIC[0]()
        self._next = now + _SWEEP_SECONDS
        if self._accepts_at and self._accepts_at <= now:
            self._accepts_at = 0.0
            self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        elif self._accepts_at:
            self._next = self._accepts_at
        for conn in list(self._connections.values()):
            if self._connections.get(conn.number) is conn and self._deadline(conn) <= now:
                self._attend(conn)  # what has come counts: it may be this thread that was slow
            if self._connections.get(conn.number) is not conn:
                continue
            deadline = self._deadline(conn)
            if deadline <= now:
                try:
                    conn.expire()
                except BaseException:
                    self._close(conn)  # or it would be so again at once
                    raise
                self._attend(conn)
            else:
                self._next = min(self._next, deadline)


def _most_connections() -> int:
    if sys.platform == "win32":
        return _MAX_CONNECTIONS
    import resource  # Windows has none

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return min(_MAX_CONNECTIONS, max(limit // 2, limit - _SPARE))
