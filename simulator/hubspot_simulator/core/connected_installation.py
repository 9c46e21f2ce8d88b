"""An app connected to a portal, as whoever wrote the app sees it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .instants import iso_instant, to_datetime
from .model import App, Grant, Installation, Portal, RefreshToken, TokenResponse
from .oauth import OAuth
from .tokens import shorten


class ConnectedInstallation:
    """An app connected to a portal, with what the code exchange gave it.

    The access token is issued when it is first read, or just before time is first moved if nobody has read it by then.
    So its lifetime begins inside a freeze that starts after the fixtures, and no move makes it younger.
    """

    def __init__(self, oauth: OAuth, grant: Grant, refresh_token: RefreshToken) -> None:
        self._oauth = oauth
        self._refresh_token = refresh_token
        self._first = oauth.first_token(refresh_token)
        self.installation: Installation = grant.installation
        self.scopes: tuple[str, ...] = grant.scopes

    @property
    def _issued(self) -> TokenResponse:
        self._oauth.store.handed_over = True
        return self._oauth.read(self._first)

    def issue(self, at_ms: int) -> None:
        """Issue the access token as of an instant (epoch milliseconds), if it is not yet."""
        self._oauth.read(self._first, at_ms)

    @property
    def app(self) -> App:
        """The app."""
        return self.installation.app

    @property
    def portal(self) -> Portal:
        """The portal."""
        return self.installation.portal

    @property
    def refresh_token(self) -> str:
        """The refresh token that the code exchange gave."""
        return self._refresh_token.value

    @property
    def access_token(self) -> str:
        """The access token."""
        return self._issued.access_token

    @property
    def expires_in(self) -> int:
        """The lifetime of the access token in seconds."""
        return self._issued.expires_in

    @property
    def issued_at(self) -> datetime:
        """When the access token was issued, aware, in UTC."""
        return to_datetime(self._issued.issued_at_ms)

    @property
    def expires_at(self) -> datetime:
        """The first instant at which the access token is expired, aware, in UTC."""
        return to_datetime(self._issued.expires_at_ms)

    @property
    def token_response(self) -> dict[str, Any]:
        """The JSON that the code exchange answered."""
        return self._issued.as_json()

    def __repr__(self) -> str:
        issued = self._first.response  # not asked for: a look must not issue the token
        token = (
            f"access token {shorten(issued.access_token)} expires at {iso_instant(issued.expires_at_ms)}"
            if issued
            else "access token not issued yet"
        )
        return f"<{type(self).__name__} of app {self.app.app_id} in portal {self.portal.hub_id}: {token}>"
