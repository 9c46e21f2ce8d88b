"""A connection of the WSGI server: what has come of its requests, and the answers to those that are whole."""

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

_HEAD_KEPT = 1024  # bytes of a head beyond the limit, so that the library sees that it is too large
_HTTPS_ONLY = "The client sent a plain HTTP request, but this server only speaks HTTPS on this port."


class ServerConnection(Wire):
    """The watcher's until a request is whole, then a worker's until it is answered.

    ``room`` is how many bytes are reserved for its body. ``since`` is when its stage began, or had moved enough bytes;
    ``still`` is since when none has moved.
    """

    ssl_env = None  # for the gateway
    since = still = 0.0
    watched = 0  # the event for which the watcher's selector has it

    def __init__(self, server: WSGIServer, sock: socket.socket, address: tuple[Any, ...]) -> None:
        super().__init__(sock, server.ssl_adapter)
        self.server = server
        self.remote_addr, self.remote_port = address[:2]
        self.rfile: Any = None
        self.wfile: Any = self
        self.room = 0
        self._in = bytearray()
        self._begin()

    def _begin(self) -> None:
        self.at = ""  # the stage that ``since`` is about
        self._seen = 0
        self._head = Head()
        self._blank = False
        self._request: WSGIRequest | None = None
        self._body: Length | Chunks | None = None

    @property
    def wanted(self) -> int:
        """How many bytes its body may need beyond what is free: it is not read on until they are reserved."""
        if self.room or self.closing or self._body is None or self._body.kept(self._in) < FREE:
            return 0
        return self._body.size

    @property
    def interest(self) -> int:
        """For which event of a selector it waits; 0 for none."""
        return 0 if self.wanted and not (self._out or self.closing) else self._waits_for

    @property
    def stage(self) -> str:
        """What it is at: idle, or what has to go on."""
        if self._out:
            return "answer"
        if self.closing:
            return "ending"
        if self.handshake:
            return "handshake" if self.tls else "idle"
        if self._request is not None:
            return "body"
        return "head" if self._in else "idle"

    def renew(self, now: float) -> None:
        """Count the time of its stage from ``now`` when it is a new one, or has moved enough bytes."""
        stage = self.stage
        if stage != self.at or self.moved >= FREE:
            self.at, self.since, self.still, self.moved, self._seen = stage, now, now, 0, 0
        elif self.moved != self._seen:
            self.still, self._seen = now, self.moved

    def proceed(self) -> bool:
        """Do all that can be done without waiting. Return whether a request is whole. Raises OSError."""
        self._waits_for = selectors.EVENT_READ
        try:
            self.flush()
            if not (self._out or self.closing):
                if self.handshake and self.shake_hands():
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

    def goes_on(self) -> bool:
        """Tell whether the next request is here, or comes in the next moment. Raises OSError."""
        if self.closing or self.ended or self._out or self.room:
            return False
        if self._in:
            return self.proceed()
        data = self.receive_soon()
        return data is not None and self._take(data)

    def expire(self) -> None:
        """End what did not go on in time."""
        if self.stage in ("head", "body"):
            self._refuse("408 Request Timeout")
        else:
            self.ended = True

    def answer(self) -> None:
        """Have the app answer the request that is whole."""
        request = self._request
        assert request is not None
        try:
            request.respond()
            self.closing = request.close_connection
        except ConnectionResetError:
            self.closing = True
            self.ended = self.ended or self.reset
        except Exception as error:  # noqa: BLE001 - it is logged
            self.server.error_log(repr(error), logging.ERROR, traceback=True)
            self.closing = True
            if not request.sent_headers:
                request.simple_response("500 Internal Server Error")
        except BaseException:
            self.ended = True
            raise
        finally:
            self._begin()

    # What comes

    def _receive(self) -> bool:
        whole = bool(self._in) and self._advance()
        if not (whole or self.closing or self.ended or self.wanted):
            whole = self._take(self.receive())
        return whole

    def _take(self, data: bytes) -> bool:
        self._in += data
        self.moved += len(data)
        if data:
            return self._advance()
        if self._request is not None:  # the client sends no more: the app sees how much is missing
            assert self._body is not None
            self._request.close_connection = True
            self.rfile = io.BytesIO(self._body.rest(self._in))
            return True
        if self._in:
            self._refuse("400 Bad Request", "The request was cut short.")
        else:
            self.ended = True
        return False

    def _advance(self) -> bool:
        """Look at what has come. Return whether a request is whole."""
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
        if not self._blank and bytes(self._in[:2]) in (b"\r", b"\r\n"):  # some clients send one behind a body
            if len(self._in) == 1:
                return False
            del self._in[:2]
            self._blank = True
        end = self._head.end(self._in)
        if end is None and len(self._in) <= self.server.max_request_header_size + _HEAD_KEPT:
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
