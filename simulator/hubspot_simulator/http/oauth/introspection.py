"""``/oauth/{version}/token/introspect`` and ``/revoke`` (docs/fidelity.md, "Introspection and revocation")."""

from __future__ import annotations

from werkzeug import Response
from werkzeug.datastructures import MultiDict

from ...core.errors import ExpiredAuthentication, InvalidAuthentication
from ...core.model import App
from ..context import Call, json_response
from . import token_info
from .token import client_of, form_of

_FIELDS = ("token", "access_token", "refresh_token")  # HubSpot's prose names the other two


def introspect(call: Call) -> Response:
    """Describe a token of the calling app; any other is not active (RFC 7662)."""
    form = form_of(call)
    app = client_of(call, form)
    text = _token(form)
    members = _refresh_token(call, app, text) or _access_token(call, app, text)
    call.why = "the token is good" if members else call.why or "the token is unknown, revoked or another app's"
    return json_response(members or {"active": False})


def _token(form: MultiDict[str, str]) -> str:
    return next((form[name] for name in _FIELDS if name in form), "")


def _refresh_token(call: Call, app: App, text: str) -> dict[str, object] | None:
    token = call.simulator.oauth.refresh_token(text)
    if token is None or token.grant.installation.app is not app:
        dead = call.simulator.store.refresh_tokens.get(text)
        if dead is not None and dead.grant.installation.app is app and dead.revoked_because:
            call.hint = f"it is a refresh token, and {dead.revoked_because}"
        return None
    members = token_info.refresh_token_members(token)
    return {"active": True, **members, "token_use": "refresh_token", "token_type": "Bearer"}


def _access_token(call: Call, app: App, text: str) -> dict[str, object] | None:
    try:
        token = call.simulator.authentication.check(text, call.now_ms)
    except (ExpiredAuthentication, InvalidAuthentication) as error:
        call.why = call.hint or error.why
        return None
    if token.app_id != app.app_id:
        return None
    _, portal = token_info.app_and_portal(call, token)
    return {
        "active": True,
        "token": text,
        "hub_id": token.hub_id,
        "user_id": token.user_id,
        "client_id": app.client_id,
        "app_id": app.app_id,
        **token_info.user_of(token, portal),
        "scopes": token_info.access_token_scopes(call, token, app),
        "signed_access_token": {**token_info.signed_access_token(token), "isPrivateDistribution": False},
        "expires_in": token_info.seconds_left(call, token),
        "is_private_distribution": False,
        "token_use": "access_token" if portal else "client_credentials",
        "token_type": "Bearer",
    }


def revoke(call: Call) -> Response:
    """End a refresh token of the calling app; one that is unknown is no error (RFC 7009)."""
    form = form_of(call)
    app = client_of(call, form)
    token = call.simulator.oauth.refresh_token(_token(form))
    if token is not None and token.grant.installation.app is app:
        call.simulator.oauth.revoke(token, "the refresh token was revoked")
        call.why = "the refresh token is dead from now on; access tokens live until they expire"
    else:
        call.why = "nothing to revoke: no living refresh token of this app"
    response = Response()
    del response.headers["Content-Type"]
    return response
