"""HubSpot's host names and ports (docs/fidelity.md, "Hosts"), and which spellings of a host name mean the same host.

Standard library only, for Python 3.8 and later: ``runner/python/hook.py`` loads this file by its path.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address

DOMAINS = ("hubapi.com", "hubspot.com")
CERTIFIED = tuple(f"*.{domain}" for domain in DOMAINS)  # the names in the simulator's certificate
PATTERN = re.compile(rf"(?:api|app|mcp)(?:-[a-z]+\d+)?\.(?:{'|'.join(map(re.escape, DOMAINS))})")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PORTS = {"http": 80, "https": 443}  # HubSpot's, and those that a URL without a port means


def canonical(host: object) -> str:
    """Return a host name in lower case and without a trailing dot, or "" for a value that is not a name.

    ``host`` can be text or bytes, since Python's sockets accept both.
    """
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    if not isinstance(host, str):
        return ""
    host = host.lower()
    return host[:-1] if host.endswith(".") else host  # str.removesuffix came with Python 3.9


def is_hubspot(host: object) -> bool:
    """Return whether a host is one of HubSpot's API or app hosts, including regional ones."""
    return PATTERN.fullmatch(_resolver_name(host)) is not None


@lru_cache(maxsize=32)
def matcher(more: str = "") -> Callable[[object], bool]:
    """Return a function that matches HubSpot's hosts and those in ``more`` (separated by spaces), in any spelling."""
    more_names = frozenset(map(canonical, more.split()))

    def matches(host: object) -> bool:
        name = _resolver_name(host)
        return name in more_names or PATTERN.fullmatch(name) is not None

    return matches


def is_loopback(host: str) -> bool:
    """Return whether a name or an address stands for this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        name = canonical(host)
        return name == "localhost" or name.endswith(".localhost")


def no_such_port(port: int) -> str:
    """Return the error for a client that wants a port which HubSpot does not have."""
    return f"the simulator serves HubSpot's hosts on ports 443 and 80 only, not on {port}"


def _resolver_name(host: object) -> str:
    """Return the name as Python's sockets look it up: non-ASCII names are encoded by IDNA."""
    name = canonical(host)
    if not name.isascii():
        with suppress(UnicodeError):
            name = name.encode("idna").decode("ascii")
    return name
