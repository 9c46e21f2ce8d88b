"""HubSpot's host names (docs/fidelity.md, "Hosts"), and which spellings of a host name mean the same host.

Standard library only, for Python 3.8 and later: ``runner/python/hook.py`` loads this file by its path.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address

DOMAINS = ("hubapi.com", "hubspot.com")
CERTIFIED = tuple(f"*.{domain}" for domain in DOMAINS)  # what a certificate for these hosts names
PATTERN = re.compile(rf"(?:api|app|mcp)(?:-[a-z]+\d+)?\.(?:{'|'.join(map(re.escape, DOMAINS))})")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def canonical(host: object) -> str:
    """Return a host name in lower case, without the dot at its end; an empty text for what is no name.

    ``host`` is text or bytes, as Python's sockets take either.
    """
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    if not isinstance(host, str):
        return ""
    host = host.lower()
    return host[:-1] if host.endswith(".") else host  # str.removesuffix came with Python 3.9


def is_hubspot(host: object) -> bool:
    """Tell whether a host is one of HubSpot's API or app hosts, regional ones included."""
    return PATTERN.fullmatch(_looked_up(host)) is not None


@lru_cache(maxsize=32)
def matcher(more: str = "") -> Callable[[object], bool]:
    """Return a test for HubSpot's hosts and for ``more`` ones, separated by spaces. It takes any spelling of a name."""
    named = frozenset(map(canonical, more.split()))

    def matches(host: object) -> bool:
        name = _looked_up(host)
        return name in named or PATTERN.fullmatch(name) is not None

    return matches


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address means this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        name = canonical(host)
        return name == "localhost" or name.endswith(".localhost")


def _looked_up(host: object) -> str:
    """Return the name as it is looked up: Python's sockets write one that is not in ASCII by IDNA."""
    name = canonical(host)
    if not name.isascii():
        with suppress(UnicodeError):
            name = name.encode("idna").decode("ascii")
    return name
