"""The grant types of the token endpoint, one a module."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Mapping

from ..errors import TokenError
from ..ids import OTHER_SEED
from ..model import App, TokenResponse
from ..oauth import OAuth
from ..store import Store
from . import authorization_code, client_credentials, refresh_token

Grant = Callable[[OAuth, App, Mapping[str, str]], TokenResponse]

GRANTS: dict[str, Grant] = {
    "authorization_code": authorization_code.exchange,
    "refresh_token": refresh_token.refresh,
    "client_credentials": client_credentials.issue,
}


def client(store: Store, client_id: str | None, client_secret: str | None) -> App:
    """Return the app of a client id and its secret. Raises TokenError; the id is checked first."""
    app = store.apps_by_client_id.get(client_id or "")
    if app is None:
        given = f"client_id {client_id!r} is not registered" if client_id else "client_id is missing"
        given += f": mistyped, or {OTHER_SEED}" if client_id else ""
        raise TokenError("BAD_CLIENT_ID", why=given)
    if not hmac.compare_digest((client_secret or "").encode(), app.client_secret.encode()):
        given = "client_secret is not that of the app" if client_secret else "client_secret is missing"
        raise TokenError("BAD_CLIENT_SECRET", why=given)
    return app


def exchange(
    oauth: OAuth, app: App, parameters: Mapping[str, str], allowed: Collection[str] = tuple(GRANTS)
) -> TokenResponse:
    """Return what the ``grant_type`` among the parameters gives the app. Raises TokenError."""
    grant_type = parameters.get("grant_type", "")
    if grant_type not in allowed:
        raise TokenError(
            "BAD_GRANT_TYPE",
            error=None if grant_type else "invalid_request",
            why=f"grant_type is {grant_type or 'missing'}: expected {' or '.join(allowed)}",
        )
    return GRANTS[grant_type](oauth, app, parameters)
