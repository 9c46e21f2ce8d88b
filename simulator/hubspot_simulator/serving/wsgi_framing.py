"""Where a request ends: its head, and its body by length or in chunks.

The server library parses a request once it is whole. Here it is only found out when that is, byte by byte as they
come; what cannot become a request is refused at its first wrong line, so that nobody waits for the rest.
"""

from __future__ import annotations

import re

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_TEXT = rb"[^\x00-\x08\x0a-\x1f\x7f]"
_REQUEST_LINE = re.compile(_TOKEN + rb"+ [^\x00-\x20\x7f]+ HTTP/\d\.\d\r\n")
_FIELD = re.compile(_TOKEN + rb"+:" + _TEXT + rb"*\r\n")
_FIRST = re.compile(_TOKEN)
_FOREIGN = re.compile(rb"[\x00-\x08\x0a-\x0c\x0e-\x1f\x7f]|\r[^\n]")
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;" + _TEXT + rb"*)?\r\n")
_SIZE_BEGUN = re.compile(rb"(?:[0-9A-Fa-f]{1,15}[ \t]*(?:;" + _TEXT + rb"*)?)?\r?")
_NAMED = re.compile(rb"^(content-length|transfer-encoding|host):([^\r\n]*)\r$", re.IGNORECASE | re.MULTILINE)
_LONGEST_SIZE_LINE = 1024
_LONGEST_TRAILERS = 64 * 1024
_MOST_OVERHEAD = 8  # bytes on the wire for one of content


class Malformed(ValueError):
    """What came is no HTTP request (RFC 9112). The message says why."""


class TooLarge(ValueError):
    """A body is larger than what is taken. ``size`` is how large it is at least, in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a body of {size} bytes or more")
        self.size = size


class Head:
    """Looks for the end of a head in the bytes that have come."""

    def __init__(self) -> None:
        self._line = 0  # where the line begins that is not complete yet
        self._searched = 0

    def end(self, data: bytearray) -> int | None:
        """Return where the head ends, None while it goes on. Raises Malformed at the first wrong line."""
        while (at := data.find(b"\n", self._searched)) >= 0:
            pattern = _FIELD if self._line else _REQUEST_LINE
            if not pattern.fullmatch(data, self._line, at + 1):
                if self._line and data[self._line : at + 1] == b"\r\n":
                    return at + 1
                raise Malformed(_why(bytes(data[self._line : at + 1]), first=not self._line))
            self._line = self._searched = at + 1
        looked = max(self._line, self._searched - 1)  # a carriage return may have been the last byte
        if (data and not _FIRST.match(data)) or _FOREIGN.search(data, looked):
            raise Malformed("Malformed request: it has a byte that no request can have there")
        self._searched = len(data)
        return None


def _why(line: bytes, *, first: bool) -> str:
    if not line.endswith(b"\r\n"):
        return "HTTP requires CRLF terminators"
    if first:
        return "Malformed Request-Line"
    if line[:1] in (b" ", b"\t"):
        return "Malformed header: a line must not begin with a space (obsolete folding)"
    return "Malformed header: expected a name, a colon and a value without control characters"


def check_fields(head: bytes) -> None:
    """Raise Malformed where a head leaves open, or to different readings, whom it is for or where its body ends."""
    version = head[: head.index(b"\r\n")][-3:]
    if version not in (b"1.0", b"1.1"):
        return  # which the library refuses
    found: dict[bytes, list[bytes]] = {b"host": [], b"content-length": [], b"transfer-encoding": []}
    for name, value in _NAMED.findall(head):
        found[name.lower()].append(value.strip(b" \t"))
    hosts, lengths, codings = found.values()
    if len(hosts) > 1:
        raise Malformed("Malformed header: there is more than one Host")
    if not hosts and version == b"1.1":
        raise Malformed("Malformed header: HTTP/1.1 requires a Host")
    if len(lengths) > 1:
        raise Malformed("Malformed header: there is more than one Content-Length")
    if lengths and not (lengths[0].isdigit() and len(lengths[0]) < 1000):
        raise Malformed("Malformed Content-Length Header.")
    if codings and lengths:
        raise Malformed("Malformed header: there are both Content-Length and Transfer-Encoding")
    if codings and version == b"1.0":
        raise Malformed("Malformed header: HTTP/1.0 has no Transfer-Encoding")
    names = [name.strip().lower() for name in b",".join(codings).split(b",")]
    if codings and (names.count(b"chunked") != 1 or names[-1] != b"chunked"):
        raise Malformed("Malformed header: the last Transfer-Encoding must be chunked, once")


class Length:
    """A body of a known length."""

    def __init__(self, length: int) -> None:
        self.size = length  # bytes that will have to be kept

    def kept(self, data: bytearray) -> int:
        """Return how many bytes of it are kept, with those of ``data``."""
        return len(data)

    def take(self, data: bytearray) -> bytes | None:
        """Take the body from ``data``, as the library reads it; None while it goes on."""
        if len(data) < self.size:
            return None
        with memoryview(data) as view:
            body = bytes(view[: self.size])
        del data[: self.size]
        return body

    def rest(self, data: bytearray) -> bytes:
        """Return what has come of a body that is cut short."""
        return bytes(data)


class Chunks:
    """A body in chunks, of at most ``limit`` bytes. The library gets it as one chunk: of many, it is slow."""

    def __init__(self, limit: int) -> None:
        self.size = self._limit = limit
        self._content = bytearray()
        self._total = 0  # bytes that the sizes so far announce
        self._raw = 0
        self._left = 0  # bytes of the chunk that are to come
        self._searched = 0
        self._at_chunk_end = self._in_trailers = False
        self._trailers = 0

    def kept(self, data: bytearray) -> int:
        """Return how many bytes of it are kept, with those of ``data``."""
        return len(self._content) + len(data)

    def take(self, data: bytearray) -> bytes | None:
        """Take what is there from ``data``. Return the body when it is whole. Raises Malformed or TooLarge."""
        end, whole = self._scan(data)
        del data[:end]
        self._searched = 0 if whole else len(data)
        self._raw += end
        if whole:
            chunk = b"%x\r\n%b\r\n" % (len(self._content), bytes(self._content)) if self._content else b""
            return chunk + b"0\r\n\r\n"
        if self._raw > _MOST_OVERHEAD * self._limit + _LONGEST_TRAILERS:
            raise TooLarge(self._limit + 1)  # of sizes, more than of content
        return None

    def _scan(self, data: bytearray) -> tuple[int, bool]:
        """Return where what could be taken ends, and whether the body ends there."""
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
                    raise Malformed("Malformed chunk: it is longer than its size")
                if len(after) < 2:
                    return at, False
                self._at_chunk_end = False
                at += 2
            line_end = data.find(b"\n", max(at, self._searched)) + 1
            if not line_end:
                self._check_begun(data, at)
                return at, False
            if not self._in_trailers:
                self._read_size(data, at, line_end)
            elif data[at:line_end] == b"\r\n":
                return line_end, True
            elif _FIELD.fullmatch(data, at, line_end):
                self._trailers += line_end - at
            else:
                raise Malformed("Malformed trailer")
            at = line_end

    def _read_size(self, data: bytearray, at: int, end: int) -> None:
        found = _SIZE_LINE.fullmatch(data, at, end)
        if not found or end - at > _LONGEST_SIZE_LINE:
            raise Malformed("Malformed chunk size")
        self._left = int(found[1], 16)
        self._total += self._left
        if self._total > self._limit:
            raise TooLarge(self._total)
        self._at_chunk_end = self._left > 0
        self._in_trailers = not self._left

    def _check_begun(self, data: bytearray, at: int) -> None:
        """Refuse a line that is not complete and cannot become right."""
        if self._in_trailers:
            looked = max(at, self._searched - 1)
            if self._trailers + len(data) - at > _LONGEST_TRAILERS or _FOREIGN.search(data, looked):
                raise Malformed("Malformed trailer")
        elif len(data) - at > _LONGEST_SIZE_LINE or not _SIZE_BEGUN.fullmatch(data, at):
            raise Malformed("Malformed chunk size")

    def rest(self, data: bytearray) -> bytes:
        """Return what has come of a body that is cut short."""
        return b"%x\r\n" % (len(self._content) + 1) + self._content
