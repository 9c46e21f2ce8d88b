"""A connection of the WSGI server: collects requests, and answers the complete ones."""

from __future__ import annotations

import io
import logging
import selectors
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .wsgi_framing import Chunks, Head, Length, Malformed, TooLarge
from .wsgi_request import WSGIRequest
from .wsgi_wire import FREE, ConnectionGone, Wire

if TYPE_CHECKING:
    from .wsgi_server import WSGIServer

_HEAD_EXCESS = 1024  # bytes kept beyond the limit of a head, so that cheroot sees that it is too large
_HTTPS_ONLY = "The client sent a plain HTTP request, but this server only speaks HTTPS on this port."


class ServerConnection(Wire):
    """A connection. It belongs to the watcher until a request is complete, then to a worker until it is answered.

    ``reserved`` is the number of bytes reserved for a large body. ``stage_since`` is when the stage began or last moved
    enough bytes, ``stalled_since`` when the last byte moved.
    """

    ssl_env = None  # cheroot's gateway reads it
    stage_since = stalled_since = 0.0
    watched = 0  # the events that the watcher's selector waits for

    def __init__(self, server: WSGIServer, sock: socket.socket, address: tuple[Any, ...]) -> None:
        super().__init__(sock, server.ssl_adapter)
        self.server = server
        self.remote_addr, self.remote_port = address[:2]
        self.rfile: Any = None
        self.wfile: Any = self
        self.reserved = 0
        self._in = bytearray()
        self._begin()

    def _begin(self) -> None:
        self.timed_stage = ""  # the stage that ``stage_since`` measures
        self._moved_before = 0
        self._head = Head()
        self._blank_line_skipped = False
        self._request: WSGIRequest | None = None
        self._body: Length | Chunks | None = None

    @property
    def bytes_to_reserve(self) -> int:
        """How many bytes must be reserved before more of a large body is read; 0 if none."""
        if self.reserved or self.closing or self._body is None or self._body.kept(self._in) < FREE:
            return 0
        return self._body.size

    @property
    def interest(self) -> int:
        """The selector event that the connection waits for; 0 for none."""
        return 0 if self.bytes_to_reserve and not (self._out or self.closing) else self._waits_for

    @property
    def stage(self) -> str:
        """The current stage: idle, or what must make progress."""
        if self._out:
            return "response"
        if self.closing:
            return "ending"
        if self.handshake:
            return "handshake" if self.tls else "idle"
        if self._request is not None:
            return "body"
        return "head" if self._in else "idle"

    def update_timers(self, now: float) -> None:
        """Restart the timer of the stage at ``now`` if the stage is new or has moved enough bytes."""
        stage = self.stage
        if stage != self.timed_stage or self.moved >= FREE:
            self.timed_stage, self.stage_since, self.stalled_since = stage, now, now
            self.moved = self._moved_before = 0
        elif self.moved != self._moved_before:
            self.stalled_since, self._moved_before = now, self.moved

    def proceed(self) -> bool:
        """Do all that is possible without waiting. Return whether a request is complete. Raises OSError."""
        self._waits_for = selectors.EVENT_READ
        try:
            self.flush()
            if not (self._out or self.closing):
                if self.handshake and self.continue_handshake():
                    self._refuse("400 Bad Request", _HTTPS_ONLY)
                elif self._receive():
                    return True
            if self.closing and not self._out:
                self.drain()
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except ssl.SSLWantWriteError:
            self._waits_for = selectors.EVENT_WRITE
        return False

    def next_request_ready(self) -> bool:
        """Return whether the next request has arrived, waiting briefly for it. Raises OSError."""
        if self.closing or self.ended or self._out or self.reserved:
            return False
        if self._in:
            return self.proceed()
        data = self.receive_soon()
        return data is not None and self._take(data)

    def expire(self) -> None:
        """End the connection because its stage took too long."""
        if self.stage in ("head", "body"):
            self._refuse("408 Request Timeout")
        else:
            self.ended = True

    def respond(self) -> None:
        """Let the app answer the complete request."""
        request = self._request
        assert request is not None
        try:
            request.respond()
            self.closing = request.close_connection
        except ConnectionResetError:
            self.closing = True
            self.ended = self.ended or self.reset
        except Exception as error:  # noqa: BLE001 - logged
            self.server.error_log(repr(error), logging.ERROR, traceback=True)
            self.closing = True
            if not request.sent_headers:
                request.simple_response("500 Internal Server Error")
        except BaseException:
            self.ended = True
            raise
        finally:
            self._begin()

    # Receiving

    def _receive(self) -> bool:
        complete = bool(self._in) and self._advance()
        if not (complete or self.closing or self.ended or self.bytes_to_reserve):
            complete = self._take(self.receive())
        return complete

    def _take(self, data: bytes) -> bool:
        self._in += data
        self.moved += len(data)
        if data:
            return self._advance()
        if self._request is not None:  # the client ended early: the app sees an incomplete body
            assert self._body is not None
            self._request.close_connection = True
            self.rfile = io.BytesIO(self._body.rest(self._in))
            return True
        if self._in:
            self._refuse("400 Bad Request", "The request is incomplete.")
        else:
            self.ended = True
        return False

    def _advance(self) -> bool:
        """Parse the received bytes. Return whether a request is complete."""
        try:
            if self._body is None and not self._read_head():
                return False
            assert self._body is not None
            body = self._body.take(self._in)
        except Malformed as error:
            self._refuse("400 Bad Request", str(error))
            return False
        except TooLarge as error:
            assert self._request is not None
            self._request.refuse_body(error.size)
            body = b""
        if body is None:
            return False
        self.rfile = io.BytesIO(body)
        return True

    def _read_head(self) -> bool:
        if not self._blank_line_skipped and bytes(self._in[:2]) in (
            b"\r",
            b"\r\n",
        ):  # some clients send an empty line after a body
            if len(self._in) == 1:
                return False
            del self._in[:2]
            self._blank_line_skipped = True
        end = self._head.end(self._in)
        if end is None and len(self._in) <= self.server.max_request_header_size + _HEAD_EXCESS:
            return False
        head = bytes(self._in if end is None else self._in[:end])
        request = WSGIRequest(self.server, self)
        self._body = request.parse(head)
        if self._body is None:
            self.closing = True
            return False
        self._request = request
        del self._in[: len(head)]
        return True

    def _refuse(self, status: str, message: str = "") -> None:
        self.closing = True
        self._in.clear()
        self._body = None
        with suppress(ConnectionGone):
            (self._request or WSGIRequest(self.server, self)).simple_response(status, message)
