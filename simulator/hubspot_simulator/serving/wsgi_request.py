"""A request of the WSGI server: the server library's, read from bytes that are all there."""

from __future__ import annotations

import io
from email.utils import formatdate
from typing import TYPE_CHECKING

from cheroot.server import HTTPRequest

from ..core.clock import unpatched
from .wsgi_framing import Chunks, Length, Malformed, check_fields

if TYPE_CHECKING:
    from .wsgi_connection import ServerConnection

_TIME = unpatched("time")


class WSGIRequest(HTTPRequest):
    """One request. ``conn`` has an ``rfile`` that is read for it, and a ``wfile`` that is written."""

    conn: ServerConnection
    close_connection: bool
    _head = b""

    def parse(self, head: bytes) -> Length | Chunks | None:
        """Read the head. Return what will take the body, None when the request was refused."""
        try:
            check_fields(head)
            doubled, head = _without_doubled_slashes(head)
            self.conn.rfile = io.BytesIO(head)
            self.parse_request()
            if doubled and self.ready:
                self.path, self.uri = doubled + self.path, doubled + self.uri
        except Malformed as error:
            self.simple_response("400 Bad Request", str(error))
        except Exception:  # noqa: BLE001 - urlsplit has its own for an address of brackets, for one
            self.simple_response("400 Bad Request", "Malformed request")
        if not self.ready:
            return None
        if self.chunked_read:
            return Chunks(self.server.max_body)
        length = int(self.inheaders.get(b"Content-Length", 0))
        if length > self.server.max_body:
            self.refuse_body(length)
            length = 0
        return Length(length)

    def refuse_body(self, size: int) -> None:
        """Have the app refuse a body of that size, which is not read: it sees the length, and nothing behind it."""
        self.inheaders[b"Content-Length"] = b"%d" % size
        self.inheaders.pop(b"Transfer-Encoding", None)
        self.chunked_read = False
        self.close_connection = True

    def read_request_headers(self) -> bool:
        # cheroot says "100 Continue" in here, which asks for bodies that are too large, too.
        wfile, self.conn.wfile = self.conn.wfile, io.BytesIO()
        try:
            ready = bool(super().read_request_headers())  # type: ignore[no-untyped-call]
        finally:
            said, self.conn.wfile = self.conn.wfile.getvalue(), wfile
        if said and not (ready and int(self.inheaders.get(b"Content-Length", 0)) > self.server.max_body):
            self.conn.wfile.write(said)
        return ready

    def respond(self) -> None:
        try:
            super().respond()
        except ConnectionResetError:  # the app's will, or the client's doing: in both cases there is no answer
            self.conn.reset = not self.sent_headers
            raise
        if self._head:
            self.write(b"")

    def simple_response(self, status: str, msg: str = "") -> None:
        """Answer without the app, and end the connection."""
        self.close_connection = True
        head = (
            f"{self.server.protocol} {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(msg)}\r\n"
            "Connection: close\r\n\r\n"
        )
        self.conn.wfile.write(head.encode("latin-1") + msg.encode("latin-1", "replace"))

    def send_headers(self) -> None:
        if not any(name.lower() == b"date" for name, _ in self.outheaders):
            self.outheaders.append((b"Date", formatdate(_TIME[0](), usegmt=True).encode()))
        # cheroot would send the head by itself: write() sends it with the body, as one packet is faster than two.
        wfile, self.conn.wfile = self.conn.wfile, io.BytesIO()
        try:
            super().send_headers()
            self._head = self.conn.wfile.getvalue()
        finally:
            self.conn.wfile = wfile

    def write(self, chunk: bytes) -> None:
        head, self._head = self._head, b""
        if self.chunked_write and head:
            self.conn.wfile.write(head)
            head = b""
        super().write(head + chunk)


def _without_doubled_slashes(head: bytes) -> tuple[bytes, bytes]:
    """Return the slashes that a target has too many in front, and the head without them.

    cheroot takes ``//crm`` for the address of a host named crm. It is a path, of a base URL that ends with a slash.
    """
    method, _, rest = head.partition(b" ")
    doubled = len(rest) - len(rest.lstrip(b"/")) - 1
    return (rest[:doubled], method + b" " + rest[doubled:]) if doubled > 0 else (b"", head)
