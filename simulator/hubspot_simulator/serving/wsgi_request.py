"""A request of the WSGI server: cheroot's request, parsed from complete bytes."""

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
    """A request. It is read from ``conn.rfile``, and its response is written to ``conn.wfile``."""

    conn: ServerConnection
    close_connection: bool
    _head = b""

    def parse(self, head: bytes) -> Length | Chunks | None:
        """Parse the head. Return the reader of the body, or None if the request was rejected."""
        try:
            check_fields(head)
            extra_slashes, head = _without_doubled_slashes(head)
            self.conn.rfile = io.BytesIO(head)
            self.parse_request()
            if extra_slashes and self.ready:
                self.path, self.uri = extra_slashes + self.path, extra_slashes + self.uri
        except Malformed as error:
            self.simple_response("400 Bad Request", str(error))
        except Exception:  # noqa: BLE001 - for example, urlsplit raises for addresses in brackets
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
        """Let the app reject a body of that size. The app sees the length but no body, which is never read."""
        self.inheaders[b"Content-Length"] = b"%d" % size
        self.inheaders.pop(b"Transfer-Encoding", None)
        self.chunked_read = False
        self.close_connection = True

    def read_request_headers(self) -> bool:
        # cheroot sends "100 Continue" here, even for bodies that are too large.
        wfile, self.conn.wfile = self.conn.wfile, io.BytesIO()
        try:
            ready = bool(super().read_request_headers())  # type: ignore[no-untyped-call]
        finally:
            interim, self.conn.wfile = self.conn.wfile.getvalue(), wfile
        if interim and not (ready and int(self.inheaders.get(b"Content-Length", 0)) > self.server.max_body):
            self.conn.wfile.write(interim)
        return ready

    def respond(self) -> None:
        try:
            super().respond()
        except ConnectionResetError:  # by the app or the client: there is no response
            self.conn.reset = not self.sent_headers
            raise
        if self._head:
            self.write(b"")

    def simple_response(self, status: str, msg: str = "") -> None:
        """Send a response without the app, and end the connection."""
        self.close_connection = True
        head = (
            f"{self.server.protocol} {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(msg)}\r\n"
            "Connection: close\r\n\r\n"
        )
        self.conn.wfile.write(head.encode("latin-1") + msg.encode("latin-1", "replace"))

    def send_headers(self) -> None:
        if not any(name.lower() == b"date" for name, _ in self.outheaders):
            self.outheaders.append((b"Date", formatdate(_TIME[0](), usegmt=True).encode()))
        # cheroot would send the head at once. write() sends it together with the body: one packet is faster than two.
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
    """Return the extra slashes in front of the target, and the head without them.

    cheroot reads ``//crm`` as a host named crm. It is a path: the client's base URL ends with a slash.
    """
    method, _, rest = head.partition(b" ")
    count = len(rest) - len(rest.lstrip(b"/")) - 1
    return (rest[:count], method + b" " + rest[count:]) if count > 0 else (b"", head)
