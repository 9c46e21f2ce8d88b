"""``grant_type=refresh_token`` (RFC 6749, 6)."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import TokenError
from ..ids import OTHER_SEED
from ..model import App, TokenResponse
from ..oauth import OAuth

NO_REFRESH_TOKEN = "missing or invalid refresh token"


def refresh(oauth: OAuth, app: App, parameters: Mapping[str, str]) -> TokenResponse:
    """Return a new access token, with the same refresh token unless ``refresh_rotation`` is set. Raises TokenError."""
    value = parameters.get("refresh_token")
    if not value:
        raise TokenError(
            "BAD_REFRESH_TOKEN",
            message=NO_REFRESH_TOKEN,
            error="invalid_request",
            why="refresh_token is missing",
        )
    with oauth.store.lock:
        token = oauth.store.refresh_tokens.get(value)
        if token is None:
            error = oauth.settings.bad_refresh_error
            why = f"the refresh token is unknown: mistyped, kept from another test, or {OTHER_SEED}"
            raise TokenError("BAD_REFRESH_TOKEN", error=error, why=why)
        if token.revoked_because:
            raise TokenError("BAD_REFRESH_TOKEN", why=token.revoked_because)
        if token.grant.installation.app is not app:
            raise TokenError(
                "MISMATCH_REFRESH_TOKEN_CLIENT", why="the refresh token belongs to another app than client_id"
            )
        if token.grant.installation.portal.hub_id in oauth.store.deleted_hub_ids:
            raise TokenError("BAD_HUB", why="the portal was deleted")
        if oauth.settings.refresh_rotation:
            oauth.revoke(token, "the refresh token was replaced at an earlier refresh (refresh_rotation)")
            token = oauth.issue_refresh_token(token.grant)
    return oauth.issue_access_token(token)
