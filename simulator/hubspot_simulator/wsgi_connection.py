"""A connection of the WSGI server: cheroot's, with TLS begun by the worker and answers that arrive."""

from __future__ import annotations

import io
import socket
import ssl
import struct
from contextlib import suppress
from email.utils import formatdate

from cheroot.makefile import MakeFile
from cheroot.server import HTTPConnection, HTTPRequest

from .core.clock import unpatched

_TIME = unpatched("time")
_NEXT_SECONDS = 0.01  # how long a worker waits for the next request before the selector does
_RESET = struct.pack("ii", 1, 0)  # linger for no time
_DRAIN_SECONDS = 1.0  # how long a client that was answered may be silent before it is cut
_HTTPS_ONLY = "The client sent a plain HTTP request, but this server only speaks HTTPS on this port."


class Request(HTTPRequest):
    _head = b""

    def respond(self) -> None:
        try:
            super().respond()
        except ConnectionResetError:  # the app's will, or the client's doing: in both cases there is no answer
            self.conn.reset = not self.sent_headers
            raise
        if self._head:
            self.write(b"")
        if self.close_connection:
            return
        try:
            while self.rfile.read(65536):
                pass  # what the app left of the body: the next request begins behind it
            if self.chunked_read:
                list(self.rfile.read_trailer_lines())
        except (OSError, ValueError):  # it stalls, or is not chunked as it should be
            self.close_connection = True

    def send_headers(self) -> None:
        if not any(name.lower() == b"date" for name, _ in self.outheaders):
            self.outheaders.append((b"Date", formatdate(_TIME[0](), usegmt=True).encode()))
        # cheroot would first read the request's body to its end: hence no rfile, respond() does that later. And
        # it would send the head by itself: write() sends it with the body, as one packet is faster than two.
        rfile, wfile = self.rfile, self.conn.wfile
        self.rfile, self.conn.wfile = None, io.BytesIO()
        try:
            super().send_headers()
            self._head = self.conn.wfile.getvalue()
        finally:
            self.rfile, self.conn.wfile = rfile, wfile

    def write(self, chunk: bytes) -> None:
        head, self._head = self._head, b""
        if self.chunked_write and head:
            self.conn.wfile.write(head)
            head = b""
        super().write(head + chunk)


class Connection(HTTPConnection):
    RequestHandlerClass = Request
    reset = False  # end it with a TCP reset, not in good order

    def communicate(self) -> bool:
        """Answer requests while they come one after the other. Return whether the connection stays open."""
        tls_is_due = self.server.ssl_adapter is not None and not isinstance(self.socket, ssl.SSLSocket)
        keep: bool = self._begin_tls() if tls_is_due else super().communicate()  # type: ignore[no-untyped-call]
        while keep and self._goes_on():
            keep = super().communicate()  # type: ignore[no-untyped-call]
        if not keep and not self.reset:
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

    def _goes_on(self) -> bool:
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

    def _drain(self) -> None:
        # A socket closed on unread bytes may take the answer with it.
        self.shutdown(socket.SHUT_WR)
        self.socket.settimeout(_DRAIN_SECONDS)
        with suppress(OSError):
            while socket.socket.recv(self.socket, 65536):
                pass

    def shutdown(self, how: int) -> None:
        """Shut the socket down. SSLSocket's own method would have a worker go on in plain text."""
        with suppress(OSError):  # the client was faster
            socket.socket.shutdown(self.socket, how)

    def close(self) -> None:
        if self.reset:
            with suppress(OSError):  # some systems refuse it once the client has gone
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        else:
            self.shutdown(socket.SHUT_RDWR)
        self.wfile.raw.close()  # or the collector flushes what could not be sent
        self.socket.close()
