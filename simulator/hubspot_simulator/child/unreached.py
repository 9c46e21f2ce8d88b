"""Programs that ``run`` cannot reach by itself, and what does: said when no connection came."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

_BASE_URL = "point it to HUBSPOT_BASE_URL"
_UNREACHED = {
    "deno": f"Deno takes no certificates from SSL_CERT_FILE: run it with --cert, or {_BASE_URL}",
}
_OTHERWISE = (
    "it may ignore the proxy variables, have called another host, or have nothing to do: see whether it calls HubSpot "
    f"at all, or {_BASE_URL}"
)


def unreached(command: Sequence[str]) -> list[str]:
    """Return what may be why a command did not connect, as sentences."""
    return [_UNREACHED.get(PurePath(word).stem.lower(), _OTHERWISE) for word in command[:1]]
