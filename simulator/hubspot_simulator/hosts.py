"""HubSpot's host names (docs/fidelity.md, "Hosts")."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

CERTIFIED = ("*.hubapi.com", "*.hubspot.com")  # what a certificate for these hosts names
PATTERN = re.compile(r"(?:api|app|mcp)(?:-[a-z]+\d+)?\.(?:hubapi|hubspot)\.com")


def is_hubspot(host: str | None) -> bool:
    """Tell whether a host is one of HubSpot's API or app hosts, regional ones included."""
    return host is not None and PATTERN.fullmatch(host.lower()) is not None


@lru_cache(maxsize=32)
def matcher(more: str = "") -> Callable[[str], bool]:
    """Return a test for HubSpot's hosts and for ``more`` ones, separated by spaces."""
    named = frozenset(more.lower().split())
    return lambda host: host in named or is_hubspot(host)
