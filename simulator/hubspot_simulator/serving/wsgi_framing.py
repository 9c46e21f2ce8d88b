"""Finds the end of a request: of its head, and of its body with a length or in chunks.

cheroot parses a request once it is complete. This module only finds out when that is, while the bytes arrive. It
rejects a malformed request at its first wrong line, so that nobody waits for the rest.
"""

from __future__ import annotations

import re

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_TEXT = rb"[^\x00-\x08\x0a-\x1f\x7f]"
_REQUEST_LINE = re.compile(_TOKEN + rb"+ [^\x00-\x20\x7f]+ HTTP/\d\.\d\r\n")
_FIELD = re.compile(_TOKEN + rb"+:" + _TEXT + rb"*\r\n")
_FIRST_BYTE = re.compile(_TOKEN)
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x0c\x0e-\x1f\x7f]|\r[^\n]")
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;" + _TEXT + rb"*)?\r\n")
_SIZE_PREFIX = re.compile(rb"(?:[0-9A-Fa-f]{1,15}[ \t]*(?:;" + _TEXT + rb"*)?)?\r?")
_FRAMING_FIELD = re.compile(rb"^(content-length|transfer-encoding|host):([^\r\n]*)\r$", re.IGNORECASE | re.MULTILINE)
_MAX_SIZE_LINE = 1024
_MAX_TRAILERS = 64 * 1024
_MAX_OVERHEAD = 8  # bytes on the wire per byte of content


class Malformed(ValueError):
    """The bytes are not an HTTP request (RFC 9112). The message gives the reason."""


class TooLarge(ValueError):
    """A body exceeds the limit. ``size`` is its minimum size in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a body of {size} bytes or more")
        self.size = size


class Head:
    """Searches for the end of a request's head while it arrives."""

    def __init__(self) -> None:
        self._line = 0  # the start of the incomplete line
        self._searched = 0

    def end(self, data: bytearray) -> int | None:
        """Return the end of the head, or None if it is incomplete. Raises Malformed at the first wrong line."""
        while (newline := data.find(b"\n", self._searched)) >= 0:
            pattern = _FIELD if self._line else _REQUEST_LINE
            if not pattern.fullmatch(data, self._line, newline + 1):
                if self._line and data[self._line : newline + 1] == b"\r\n":
                    return newline + 1
                raise Malformed(_reason(bytes(data[self._line : newline + 1]), first=not self._line))
            self._line = self._searched = newline + 1
        start = max(self._line, self._searched - 1)  # the last byte may have been a carriage return
        if (data and not _FIRST_BYTE.match(data)) or _FORBIDDEN.search(data, start):
            raise Malformed("Malformed request: it contains a byte that is not allowed there")
        self._searched = len(data)
        return None


def _reason(line: bytes, *, first: bool) -> str:
    if not line.endswith(b"\r\n"):
        return "HTTP requires CRLF terminators"
    if first:
        return "Malformed Request-Line"
    if line[:1] in (b" ", b"\t"):
        return "Malformed header: a line must not begin with a space (obsolete folding)"
    return "Malformed header: expected a name, a colon and a value without control characters"


def check_fields(head: bytes) -> None:
    """Raise Malformed if the head is ambiguous about its host or the end of its body."""
    version = head[: head.index(b"\r\n")][-3:]
    if version not in (b"1.0", b"1.1"):
        return  # cheroot rejects it
    values: dict[bytes, list[bytes]] = {b"host": [], b"content-length": [], b"transfer-encoding": []}
    for name, value in _FRAMING_FIELD.findall(head):
        values[name.lower()].append(value.strip(b" \t"))
    hosts, lengths, codings = values.values()
    if len(hosts) > 1:
        raise Malformed("Malformed header: it has more than one Host")
    if not hosts and version == b"1.1":
        raise Malformed("Malformed header: HTTP/1.1 requires a Host")
    if len(lengths) > 1:
        raise Malformed("Malformed header: it has more than one Content-Length")
    if lengths and not (lengths[0].isdigit() and len(lengths[0]) < 1000):
        raise Malformed("Malformed Content-Length Header.")
    if codings and lengths:
        raise Malformed("Malformed header: it has both Content-Length and Transfer-Encoding")
    if codings and version == b"1.0":
        raise Malformed("Malformed header: HTTP/1.0 does not support Transfer-Encoding")
    names = [name.strip().lower() for name in b",".join(codings).split(b",")]
    if codings and (names.count(b"chunked") != 1 or names[-1] != b"chunked"):
        raise Malformed("Malformed header: the last Transfer-Encoding must be chunked, once")


class Length:
    """A body with a known length."""

    def __init__(self, length: int) -> None:
        self.size = length  # bytes to keep in memory

    def kept(self, data: bytearray) -> int:
        """Return how many bytes of the body are in memory, including ``data``."""
        return len(data)

    def take(self, data: bytearray) -> bytes | None:
        """Remove the body from ``data`` and return it, or None if it is incomplete."""
        if len(data) < self.size:
            return None
        with memoryview(data) as view:
            body = bytes(view[: self.size])
        del data[: self.size]
        return body

    def rest(self, data: bytearray) -> bytes:
        """Return the bytes of an incomplete body, in the form that cheroot reads."""
        return bytes(data)


class Chunks:
    """A chunked body of at most ``limit`` bytes. cheroot gets it as a single chunk, since it is slow with many."""

    def __init__(self, limit: int) -> None:
        self.size = self._limit = limit
        self._content = bytearray()
        self._total = 0  # bytes announced by the chunk sizes so far
        self._wire_bytes = 0
        self._left = 0  # missing bytes of the current chunk
        self._searched = 0
        self._at_chunk_end = self._in_trailers = False
        self._trailer_bytes = 0

    def kept(self, data: bytearray) -> int:
        """Return how many bytes of the body are in memory, including ``data``."""
        return len(self._content) + len(data)

    def take(self, data: bytearray) -> bytes | None:
        """Remove the body from ``data``. Return it once it is complete, else None. Raises Malformed or TooLarge."""
        end, complete = self._scan(data)
        del data[:end]
        self._searched = 0 if complete else len(data)
        self._wire_bytes += end
        if complete:
            chunk = b"%x\r\n%b\r\n" % (len(self._content), bytes(self._content)) if self._content else b""
            return chunk + b"0\r\n\r\n"
        if self._wire_bytes > _MAX_OVERHEAD * self._limit + _MAX_TRAILERS:
            raise TooLarge(self._limit + 1)  # mostly chunk sizes
        return None

    def _scan(self, data: bytearray) -> tuple[int, bool]:
        """Return the end of the consumed bytes, and whether the body ends there."""
        at = 0
        while True:
            if self._left:
                part = data[at : at + self._left]
                self._content += part
                self._left -= len(part)
                at += len(part)
                if self._left:
                    return at, False
            if self._at_chunk_end:
                after = data[at : at + 2]
                if not b"\r\n".startswith(after):
                    raise Malformed("Malformed chunk: its data is longer than its size")
                if len(after) < 2:
                    return at, False
                self._at_chunk_end = False
                at += 2
            line_end = data.find(b"\n", max(at, self._searched)) + 1
            if not line_end:
                self._check_partial_line(data, at)
                return at, False
            if not self._in_trailers:
                self._read_size(data, at, line_end)
            elif data[at:line_end] == b"\r\n":
                return line_end, True
            elif _FIELD.fullmatch(data, at, line_end):
                self._trailer_bytes += line_end - at
            else:
                raise Malformed("Malformed trailer")
            at = line_end

    def _read_size(self, data: bytearray, at: int, end: int) -> None:
        match = _SIZE_LINE.fullmatch(data, at, end)
        if not match or end - at > _MAX_SIZE_LINE:
            raise Malformed("Malformed chunk size")
        self._left = int(match[1], 16)
        self._total += self._left
        if self._total > self._limit:
            raise TooLarge(self._total)
        self._at_chunk_end = self._left > 0
        self._in_trailers = not self._left

    def _check_partial_line(self, data: bytearray, at: int) -> None:
        """Raise Malformed for an incomplete line that cannot become valid."""
        if self._in_trailers:
            start = max(at, self._searched - 1)
            if self._trailer_bytes + len(data) - at > _MAX_TRAILERS or _FORBIDDEN.search(data, start):
                raise Malformed("Malformed trailer")
        elif len(data) - at > _MAX_SIZE_LINE or not _SIZE_PREFIX.fullmatch(data, at):
            raise Malformed("Malformed chunk size")

    def rest(self, data: bytearray) -> bytes:
        """Return the bytes of an incomplete body, in the form that cheroot reads."""
        return b"%x\r\n" % (len(self._content) + 1) + self._content
