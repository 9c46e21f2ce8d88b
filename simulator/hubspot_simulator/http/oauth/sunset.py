"""The end of OAuth v1 (docs/fidelity.md, "OAuth v1")."""

from __future__ import annotations

from ...core.errors import ApiError
from ...core.protocol import V1_ENDED, V1_SUNSET_MS
from ..context import RequestContext


def check_sunset(context: RequestContext) -> None:
    """Raise ApiError (410) when OAuth v1 is off."""
    setting = context.simulator.settings.v1_sunset
    if setting == "now" or (setting == "clock" and context.now_ms >= V1_SUNSET_MS):
        raise ApiError(
            410,
            V1_ENDED,
            why=f"v1_sunset is {setting}: use /oauth/2026-09/token and its introspect and revoke",
        )
