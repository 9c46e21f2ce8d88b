"""The end of OAuth v1 (docs/fidelity.md, "OAuth v1")."""

from __future__ import annotations

from ...core.errors import ApiError
from ..context import RequestContext

SUNSET_MS = 1_802_736_000_000  # 2027-02-16T00:00:00Z


def check_sunset(context: RequestContext) -> None:
    """Raise ApiError (410) when OAuth v1 is off."""
    setting = context.simulator.settings.v1_sunset
    if setting == "now" or (setting == "clock" and context.now_ms >= SUNSET_MS):
        raise ApiError(
            410,
            "The v1 OAuth API was turned off on 2027-02-16.",
            why=f"v1_sunset is {setting}: use /oauth/2026-09/token and its introspect and revoke",
        )
