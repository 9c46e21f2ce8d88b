"""Watches the waiting connections of the WSGI server: for a complete request, or for a client to read its response."""

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
_SLOWNESS = 6  # times the server's timeout for 64 KiB of a body or response that makes some progress
_ENDING_SECONDS = 1.0  # how long to wait for a client to close before its connection is closed
_CROWDED_SECONDS = 1.0  # how long a large body may stall while others wait for room
_SWEEP_SECONDS = 30.0  # the longest time between two checks of the deadlines
_PAUSE_SECONDS = 0.1  # how long to stop accepting when the system is out of descriptors
_ROOM = 64 * 1024 * 1024  # bytes for large bodies, beyond the free share of every connection
_ACCEPTED_AT_ONCE = 32
_MAX_CONNECTIONS = 480 if sys.platform == "win32" else 1000  # select() is limited to 512 there
_SPARE = 100  # descriptors for the rest of the process
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Watcher:
    """Watches many connections in one thread, and passes those with a complete request to the server's workers.

    A head or a handshake must be complete within the server's ``timeout``. A body or a response must not stall for that
    long, and its total time is limited.
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
        self._room_queue: deque[ServerConnection] = deque()  # connections that wait for others to release room
        self._reserved = 0
        self._max_connections = _max_connections()
        self._accepts_at = 0.0  # when to watch the listener again; 0 while it is watched
        self._next_check = 0.0  # when to check the deadlines

    def put(self, conn: ServerConnection) -> None:
        """Watch a connection again after a worker has answered its request. Thread-safe."""
        self._parked.append(conn)
        self.wake()

    def wake(self) -> None:
        """Make ``run`` check what has changed. Thread-safe."""
        with suppress(BlockingIOError):  # the last wake-up is still unread
            self._waker.send(b"\0")

    def run(self) -> None:
        """Watch while the server is ready."""
        while self._server.ready:
            try:
                if _MONOTONIC[0]() >= self._next_check:
                    self._expire()
                self._give_room()
                events = self._selector.select(max(0.0, self._next_check - _MONOTONIC[0]()))
            except Exception:  # noqa: BLE001 - logged
                self._server.error_log("error in the serving thread", logging.ERROR, traceback=True)
                threading.Event().wait(_PAUSE_SECONDS)  # no busy loop
                continue
            for key, _ in events:
                try:
                    if not isinstance(key.data, ServerConnection):
                        key.data()
                    elif self._connections.get(key.data.number) is key.data:  # not closed by an earlier event
                        self._attend(key.data)
                except Exception:  # noqa: BLE001 - the other connections must go on
                    self._server.error_log("error in the serving thread", logging.ERROR, traceback=True)

    def close(self) -> None:
        """Close all connections. Call it after ``run`` has ended."""
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
            except ConnectionError:  # the client has disconnected already
                continue
            except OSError as error:
                self._server.error_log(f"cannot accept a connection: {error}")
                if error.errno not in _EXHAUSTED or not self._close_oldest():
                    self._selector.unregister(self._listener)  # to avoid a busy loop
                    self._accepts_at = _MONOTONIC[0]() + _PAUSE_SECONDS
                    self._next_check = min(self._next_check, self._accepts_at)
                return
            if len(self._connections) + self._server.busy >= self._max_connections:
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
        """Let a connection do what it can, and watch it for the rest."""
        try:
            complete = not conn.ended and conn.proceed()
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
        elif complete:
            self._watch_for(conn, 0)
            del self._connections[conn.number]
            self._server.process_conn(conn)
        elif conn.bytes_to_reserve and self._reserve(conn):
            self._attend(conn)
        elif conn.unsent > FREE and sum(other.unsent for other in self._connections.values()) > UNREAD:
            self._close(conn)
        else:
            conn.update_timers(_MONOTONIC[0]())
            self._next_check = min(self._next_check, self._deadline(conn))
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
        """Close the longest idle connection, or else the oldest one. Return whether there was one."""
        oldest = min(
            self._connections.values(), key=lambda conn: (conn.timed_stage != "idle", conn.stage_since), default=None
        )
        if oldest is not None:
            self._close(oldest)
        return oldest is not None

    # Room for bodies

    def _reserve(self, conn: ServerConnection) -> bool:
        if not self._reserved or self._reserved + conn.bytes_to_reserve <= _ROOM:
            self._reserved += conn.bytes_to_reserve
            conn.reserved = conn.bytes_to_reserve
            return True
        if conn not in self._room_queue:
            self._room_queue.append(conn)
            self._next_check = 0.0
        return False

    def _release(self, conn: ServerConnection) -> None:
        self._reserved -= conn.reserved
        conn.reserved = 0

    def _give_room(self) -> None:
        while self._room_queue:
            first = self._room_queue[0]
            alive = self._connections.get(first.number) is first and first.bytes_to_reserve
            if alive and not self._reserve(first):
                break
            self._room_queue.popleft()
            if alive:
                self._attend(first)

    # Deadlines

    def _deadline(self, conn: ServerConnection) -> float:
        if conn.timed_stage == "body" and conn.reserved and self._room_queue:
            return conn.stage_since + min(_CROWDED_SECONDS, self._server.timeout)
        timeout = self._server.timeout
        if (
            conn.timed_stage == "body" and conn.bytes_to_reserve
        ):  # it must wait for room, which is not the client's fault
            return conn.stage_since + _SLOWNESS * timeout
        if conn.timed_stage in ("body", "response"):
            return min(conn.stage_since + _SLOWNESS * timeout, conn.stalled_since + timeout)
        return conn.stage_since + {"idle": _IDLE_SECONDS, "ending": _ENDING_SECONDS}.get(conn.timed_stage, timeout)

    def _expire(self) -> None:
        now = _MONOTONIC[0]()
        self._next_check = now + _SWEEP_SECONDS
        if self._accepts_at and self._accepts_at <= now:
            self._accepts_at = 0.0
            self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        elif self._accepts_at:
            self._next_check = self._accepts_at
        for conn in list(self._connections.values()):
            if self._connections.get(conn.number) is conn and self._deadline(conn) <= now:
                self._attend(conn)  # bytes that arrived in time count, even if this thread was slow
            if self._connections.get(conn.number) is not conn:
                continue
            deadline = self._deadline(conn)
            if deadline <= now:
                try:
                    conn.expire()
                except BaseException:
                    self._close(conn)  # or the next check would fail in the same way
                    raise
                self._attend(conn)
            else:
                self._next_check = min(self._next_check, deadline)


def _max_connections() -> int:
    if sys.platform == "win32":
        return _MAX_CONNECTIONS
    import resource  # Windows has none

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return _MAX_CONNECTIONS
    return min(_MAX_CONNECTIONS, max(limit // 2, limit - _SPARE))
