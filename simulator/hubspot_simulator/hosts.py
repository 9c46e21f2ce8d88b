"""HubSpot's host names (docs/fidelity.md, "Hosts")."""

from __future__ import annotations

import re

_HUBSPOT = re.compile(r"(?:api|app|mcp)(?:-[a-z]+\d+)?\.(?:hubapi|hubspot)\.com")


def is_hubspot(host: str | None) -> bool:
    """Tell whether a host is one of HubSpot's API or app hosts, regional ones included."""
    return host is not None and _HUBSPOT.fullmatch(host.lower()) is not None
