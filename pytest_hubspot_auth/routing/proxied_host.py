"""What a client asks of a proxy, read from the first bytes that it sends."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_ASKED = re.compile(rb"(?:CONNECT (?P<authority>[^\s]+)|[A-Z]+ (?P<url>http://[^\s]+)) HTTP/1\.[01]\r\n")
_LONGEST = 1024  # a name has 255 characters at most; more of a URL says nothing of its host


def asked_host(data: bytes) -> str | None:
    """Return the host that is asked of an HTTP proxy or of a SOCKS one, None for any other bytes."""
    first = data[:1]
    if first == b"\x05" and data[1:4] == b"\x01\x00\x03":  # SOCKS 5: connect to a name, its length first
        return data[5 : 5 + data[4]].decode("ascii", "replace")
    if first == b"\x04" and data[1:2] == b"\x01" and data[4:7] == b"\0\0\0":  # SOCKS 4a: the name follows the user
        return data[8:].partition(b"\0")[2].partition(b"\0")[0].decode("ascii", "replace")
    if data[:8] != b"CONNECT " and b" http://" not in data[:16]:
        return None
    asked = _ASKED.match(data[:_LONGEST])
    if asked is None:
        return None
    try:
        named = asked["url"] or b"//" + asked["authority"]
        return urlsplit(named.decode("ascii", "replace")).hostname
    except ValueError:
        return None
