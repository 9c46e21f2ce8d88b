"""The bytes of a connection of the WSGI server, plain or by TLS: nothing here waits."""

from __future__ import annotations

import selectors
import socket
import ssl
import struct
from contextlib import suppress

FREE = 64 * 1024  # bytes that are read at once; and of a request, what every connection may have kept
UNREAD = 64 * 1024 * 1024  # bytes of answers that may wait for their clients
_RESET = struct.pack("ii", 1, 0)  # linger for no time
_RECORD = 16 * 1024  # of TLS
_DRAINED = 64 * 1024 * 1024  # bytes of a client that was refused and goes on sending
_NEXT_SECONDS = 0.01


class ConnectionGone(ConnectionResetError):
    """The client takes no more of its answer."""


class Wire:
    """A socket with what its client has not taken yet.

    ``closing``: it ends when all is sent. ``ended``: it is to be closed now. ``reset``: by a TCP reset.
    ``moved`` counts the bytes that came or went. A ``handshake`` is due until TLS is agreed on with ``context``.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.number = sock.fileno()  # TLS exchanges the socket, which keeps its number
        self.closing = self.ended = self.reset = False
        self.handshake = context is not None
        self.moved = 0
        self._context = context
        self._out = bytearray()
        self._waits_for = selectors.EVENT_READ
        self._drained = -1

    @property
    def unsent(self) -> int:
        """How many bytes of answers the client has not taken."""
        return len(self._out)

    @property
    def tls(self) -> bool:
        """Whether TLS has begun."""
        return isinstance(self.socket, ssl.SSLSocket)

    def shake_hands(self) -> bool:
        """Go on with the handshake. Return whether the client speaks plain HTTP instead. Raises OSError."""
        if not isinstance(self.socket, ssl.SSLSocket):
            assert self._context is not None
            first = self.socket.recv(1, socket.MSG_PEEK)
            if first.isalpha():  # TLS begins with 0x16
                return True
            if not first:
                self.ended = True
                return False
            self.socket = self._context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket.do_handshake()
        self.handshake = False
        return False

    def receive(self) -> bytes:
        """Return some of what has come: of plain text some, of TLS all of a record, as no selector sees its rest."""
        data = self.socket.recv(_RECORD)
        while data and isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            data += self.socket.recv(_RECORD)
        return data

    def receive_soon(self) -> bytes | None:
        """Return what comes in the next moment, which is worth a thread's waiting; None when nothing does."""
        self.socket.settimeout(_NEXT_SECONDS)
        try:
            return self.receive()
        except TimeoutError:
            return None
        finally:
            self.socket.setblocking(False)

    def write(self, data: bytes) -> int:
        """Send, and keep what the client does not take now. Raises ConnectionResetError when it is gone."""
        sent = 0 if self._out else self._send(data)
        if sent < len(data):
            if len(self._out) + len(data) - sent > UNREAD:
                self.ended = True
                raise ConnectionGone("too much of its answers is unread")
            self._out += data[sent:]
        return len(data)

    def flush(self) -> None:
        """Send of what is kept as much as the client takes. Raises ConnectionResetError when it is gone."""
        while self._out:
            some = bytes(self._out[: 4 * FREE])
            sent = self._send(some)
            del self._out[:sent]
            self.moved += sent
            if not sent:
                break

    def _send(self, data: bytes) -> int:
        sent = 0
        try:
            if not self.tls:
                return self.socket.send(data)
            while sent < len(data):  # what TLS could not send has to be tried again as it was: record by record
                sent += self.socket.send(data[sent : sent + _RECORD])
        except ssl.SSLWantReadError:
            self._waits_for = selectors.EVENT_READ
        except (BlockingIOError, ssl.SSLWantWriteError):
            self._waits_for = selectors.EVENT_WRITE
        except OSError as error:
            self.ended = True
            raise ConnectionGone(str(error)) from None
        return sent

    def drain(self) -> None:
        """Read away what the client still sends: a socket closed on unread bytes may take the answer with it."""
        if self._drained < 0:
            self._drained = 0
            self.shutdown(socket.SHUT_WR)
        for _ in range(16):
            data = socket.socket.recv(self.socket, FREE)
            self.moved += len(data)
            self._drained += len(data)
            self.ended = not data or self._drained > _DRAINED
            if self.ended:
                break

    def shutdown(self, how: int) -> None:
        """Shut the socket down. SSLSocket's own method would have a worker go on in plain text."""
        with suppress(OSError):  # the client was faster
            socket.socket.shutdown(self.socket, how)

    def close(self) -> None:
        """Close the socket."""
        if self.reset:
            with suppress(OSError):  # some systems refuse it once the client has gone
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        else:
            self.shutdown(socket.SHUT_RDWR)
        self.socket.close()
