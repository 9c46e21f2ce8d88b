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
_FOREIGN = re.compile(rb"[\x00-\x08\x0a-\x0c\x0e-\x1f\x7f]")
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;" + _TEXT + rb"*)?\r\n")
_SIZE_BEGUN = re.compile(rb"(?:[0-9A-Fa-f]{1,15}[ \t]*(?:;" + _TEXT + rb"*)?)?\r?")
_NAMED = re.compile(rb"^(content-length|transfer-encoding|host):([^\r\n]*)\r$", re.IGNORECASE | re.MULTILINE)
_LONGEST_SIZE_LINE = 1024
_LONGEST_TRAILERS = 64 * 1024


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
        if (data and not _FIRST.match(data)) or _FOREIGN.search(data, self._searched):
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
    """A body of a known length, from ``start``."""

    def __init__(self, start: int, length: int) -> None:
        self.size = length  # bytes that will have to be kept
        self._end = start + length

    def end(self, data: bytearray) -> int | None:
        """Return where the body ends, None while it goes on."""
        return self._end if len(data) >= self._end else None


class Chunks:
    """A body in chunks, from ``start``, of at most ``limit`` bytes."""

    def __init__(self, start: int, limit: int) -> None:
        self.size = limit + limit // 16 + _LONGEST_TRAILERS  # with the sizes of its chunks
        self._start = self._at = start  # of what is looked at: a size, the end of a chunk, or a trailer
        self._limit = limit
        self._total = 0
        self._searched = start
        self._in_chunk = self._in_trailers = False
        self._trailers = 0

    def end(self, data: bytearray) -> int | None:
        """Return where the body ends, None while it goes on. Raises Malformed or TooLarge."""
        end = self._scan(data)
        if end is None and len(data) - self._start > self.size:
            raise TooLarge(max(self._limit + 1, len(data) - self._start))  # of sizes, more than of content
        return end

    def _scan(self, data: bytearray) -> int | None:
        while True:
            if self._in_chunk:
                after = data[self._at : self._at + 2]
                if not b"\r\n".startswith(after):
                    raise Malformed("Malformed chunk: it is longer than its size")
                if len(after) < 2:
                    return None
                self._at = self._searched = self._at + 2
                self._in_chunk = False
            at = data.find(b"\n", self._searched)
            if at < 0:
                self._check_begun(data)
                self._searched = max(self._at, len(data))
                return None
            if self._in_trailers:
                if data[self._at : at + 1] == b"\r\n":
                    return at + 1
                if not _FIELD.fullmatch(data, self._at, at + 1):
                    raise Malformed("Malformed trailer")
                self._at = self._searched = at + 1
            else:
                self._read_size(data, at + 1)

    def _read_size(self, data: bytearray, end: int) -> None:
        found = _SIZE_LINE.fullmatch(data, self._at, end)
        if not found or end - self._at > _LONGEST_SIZE_LINE:
            raise Malformed("Malformed chunk size")
        size = int(found[1], 16)
        self._total += size
        if self._total > self._limit:
            raise TooLarge(self._total)
        self._at = self._searched = end + size
        self._in_chunk = size > 0
        if not size:
            self._in_trailers, self._trailers = True, end

    def _check_begun(self, data: bytearray) -> None:
        """Refuse a line that is not complete and cannot become right."""
        if self._in_trailers:
            if len(data) - self._trailers > _LONGEST_TRAILERS or _FOREIGN.search(data, self._searched):
                raise Malformed("Malformed trailer")
        elif len(data) - self._at > _LONGEST_SIZE_LINE or not _SIZE_BEGUN.fullmatch(data, self._at):
            raise Malformed("Malformed chunk size")
