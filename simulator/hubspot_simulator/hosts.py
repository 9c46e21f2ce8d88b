"""HubSpot's host names (docs/fidelity.md, "Hosts")."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

CERTIFIED = ("*.hubapi.com", "*.hubspot.com")  # the names in the simulator's certificate
PATTERN = re.compile(r"(?:api|app|mcp)(?:-[a-z]+\d+)?\.(?:hubapi|hubspot)\.com")


def is_hubspot(host: str | None) -> bool:
    """Return whether a host is one of HubSpot's API or app hosts, including regional ones."""
    return host is not None and PATTERN.fullmatch(host.lower()) is not None


@lru_cache(maxsize=32)
def matcher(more: str = "") -> Callable[[str], bool]:
    """Return a function that matches HubSpot's hosts and the hosts in ``more``, separated by spaces."""
    named = frozenset(more.lower().split())
    return lambda host: host in named or is_hubspot(host)
