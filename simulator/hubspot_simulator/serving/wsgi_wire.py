"""Non-blocking input and output of a connection of the WSGI server, plain or over TLS."""

from __future__ import annotations

import selectors
import socket
import ssl
import struct
from contextlib import suppress

FREE = 64 * 1024  # bytes per read; also the part of a request that every connection may keep
UNREAD = 64 * 1024 * 1024  # limit in bytes for responses that clients have not read
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds
_TLS_RECORD = 16 * 1024  # bytes
_MAX_DRAINED = 64 * 1024 * 1024  # bytes discarded from a refused client that goes on sending
_NEXT_REQUEST_SECONDS = 0.01


class ConnectionGone(ConnectionResetError):
    """The client no longer reads its response."""


class Wire:
    """A socket and its unsent bytes.

    ``closing`` means: close once all is sent. ``ended`` means: close now, by a TCP reset if ``reset`` is set. ``moved``
    counts the bytes received and sent. ``handshake`` is true until the TLS handshake with ``context`` is done.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.number = sock.fileno()  # TLS replaces the socket object, but not its descriptor
        self.closing = self.ended = self.reset = False
        self.handshake = context is not None
        self.moved = 0
        self._context = context
        self._out = bytearray()
        self._waits_for = selectors.EVENT_READ
        self._drained = -1

    @property
    def unsent(self) -> int:
        """How many bytes of responses are not sent yet."""
        return len(self._out)

    @property
    def tls(self) -> bool:
        """Whether TLS has begun."""
        return isinstance(self.socket, ssl.SSLSocket)

    def continue_handshake(self) -> bool:
        """Continue the TLS handshake. Return True if the client sent plain HTTP instead. Raises OSError."""
        if not isinstance(self.socket, ssl.SSLSocket):
            assert self._context is not None
            first_byte = self.socket.recv(1, socket.MSG_PEEK)
            if first_byte.isalpha():  # TLS begins with 0x16
                return True
            if not first_byte:
                self.ended = True
                return False
            self.socket = self._context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket.do_handshake()
        self.handshake = False
        return False

    def receive(self) -> bytes:
        """Return received bytes. With TLS, these are whole records: a selector does not see the rest of a record."""
        data = self.socket.recv(_TLS_RECORD)
        while data and isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            data += self.socket.recv(_TLS_RECORD)
        return data

    def receive_soon(self) -> bytes | None:
        """Wait briefly and return received bytes, or None if there are none. This saves a trip through the watcher."""
        self.socket.settimeout(_NEXT_REQUEST_SECONDS)
        try:
            return self.receive()
        except TimeoutError:
            return None
        finally:
            self.socket.setblocking(False)

    def write(self, data: bytes) -> int:
        """Send, and keep what the client does not accept yet. Raises ConnectionResetError if the client is gone."""
        sent = 0 if self._out else self._send(data)
        if sent < len(data):
            if len(self._out) + len(data) - sent > UNREAD:
                self.ended = True
                raise ConnectionGone("the client leaves too many response bytes unread")
            self._out += data[sent:]
        return len(data)

    def flush(self) -> None:
        """Send as many kept bytes as the client accepts. Raises ConnectionResetError if the client is gone."""
        while self._out:
            block = bytes(self._out[: 4 * FREE])
            sent = self._send(block)
            del self._out[:sent]
            self.moved += sent
            if not sent:
                break

    def _send(self, data: bytes) -> int:
        sent = 0
        try:
            if not self.tls:
                return self.socket.send(data)
            while sent < len(data):  # TLS must retry the same bytes after a failed send, hence record by record
                sent += self.socket.send(data[sent : sent + _TLS_RECORD])
        except ssl.SSLWantReadError:
            self._waits_for = selectors.EVENT_READ
        except (BlockingIOError, ssl.SSLWantWriteError):
            self._waits_for = selectors.EVENT_WRITE
        except OSError as error:
            self.ended = True
            raise ConnectionGone(str(error)) from None
        return sent

    def drain(self) -> None:
        """Read and discard the client's bytes: closing a socket with unread bytes may discard the response."""
        if self._drained < 0:
            self._drained = 0
            self.shutdown(socket.SHUT_WR)
        for _ in range(16):
            data = socket.socket.recv(self.socket, FREE)
            self.moved += len(data)
            self._drained += len(data)
            self.ended = not data or self._drained > _MAX_DRAINED
            if self.ended:
                break

    def shutdown(self, how: int) -> None:
        """Shut the socket down. SSLSocket's own method would make a worker continue in plain text."""
        with suppress(OSError):  # the client has disconnected
            socket.socket.shutdown(self.socket, how)

    def close(self) -> None:
        """Close the socket."""
        if self.reset:
            with suppress(OSError):  # some systems reject it after the client has disconnected
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        else:
            self.shutdown(socket.SHUT_RDWR)
        self.socket.close()
