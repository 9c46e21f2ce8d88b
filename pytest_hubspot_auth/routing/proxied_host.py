"""Reads which host a client requests from a proxy, from the first bytes that it sends."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_REQUEST = re.compile(rb"(?:CONNECT (?P<authority>[^\s]+)|[A-Z]+ (?P<url>http://[^\s]+)) HTTP/1\.[01]\r\n")
_LONGEST = 1024  # a host name has at most 255 characters; the rest of the URL does not matter


def requested_host(data: bytes) -> str | None:
    """Return the host requested from an HTTP or SOCKS proxy; None for any other bytes."""
    first = data[:1]
    if first == b"\x05" and data[1:4] == b"\x01\x00\x03":  # SOCKS 5: connect to a name; its length comes first
        return data[5 : 5 + data[4]].decode("ascii", "replace")
    if first == b"\x04" and data[1:2] == b"\x01" and data[4:7] == b"\0\0\0":  # SOCKS 4a: the name follows the user ID
        return data[8:].partition(b"\0")[2].partition(b"\0")[0].decode("ascii", "replace")
    if data[:8] != b"CONNECT " and b" http://" not in data[:16]:
        return None
    request = _REQUEST.match(data[:_LONGEST])
    if request is None:
        return None
    try:
        url = request["url"] or b"//" + request["authority"]
        return urlsplit(url.decode("ascii", "replace")).hostname
    except ValueError:
        return None
