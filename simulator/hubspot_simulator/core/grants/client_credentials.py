"""``grant_type=client_credentials`` (RFC 6749, 4.4): a token of the app itself, for the webhooks journal."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import TokenError
from ..model import App, TokenResponse
from ..oauth import OAuth


def issue(oauth: OAuth, app: App, parameters: Mapping[str, str]) -> TokenResponse:
    """Return an access token without a refresh token, for the ``scope`` that is asked. Raises TokenError."""
    scopes = tuple((parameters.get("scope") or "").split())
    if not scopes:
        raise TokenError("BAD_SCOPES", why="scope is missing")
    unknown = [scope for scope in scopes if not scope.startswith("developer.") and scope not in app.all_scopes]
    if unknown:
        raise TokenError("BAD_SCOPES", why=f"scope: the app may not ask for {' '.join(unknown)}")
    return oauth.issue_app_token(app, scopes)
