"""Facts of HubSpot's protocol on which more than one module relies (docs/fidelity.md names their sources)."""

from __future__ import annotations

FORM = "application/x-www-form-urlencoded"  # the one media type that the token endpoint takes


V1_SUNSET_DATE = "2027-02-16"
V1_SUNSET_MS = 1_802_736_000_000  # its midnight in UTC
V1_ENDED = f"The v1 OAuth API was turned off on {V1_SUNSET_DATE}."  # the message of the 410 from then on


def presented_token(authorization: str) -> str:
    """Return what stands after the scheme of an Authorization header; empty when there is nothing."""
    return authorization.partition(" ")[2].strip()
