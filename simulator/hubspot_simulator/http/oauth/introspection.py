"""``/oauth/{version}/token/introspect`` and ``/revoke`` (docs/fidelity.md, "Introspection and revocation")."""

from __future__ import annotations

from werkzeug import Response
from werkzeug.datastructures import MultiDict

from ...core.errors import ExpiredAuthentication, InvalidAuthentication
from ...core.model import App
from ..context import RequestContext, json_response
from . import token_info
from .token import client_of, form_of

_FIELDS = ("token", "access_token", "refresh_token")  # HubSpot's prose names the other two


def introspect(context: RequestContext) -> Response:
    """Describe a token of the calling app; any other is not active (RFC 7662)."""
    form = form_of(context)
    app = client_of(context, form)
    text = _token(form)
    fields = _refresh_token(context, app, text) or _access_token(context, app, text)
    context.why = "the token is good" if fields else context.why or "the token is unknown, revoked or another app's"
    return json_response(fields or {"active": False})


def _token(form: MultiDict[str, str]) -> str:
    return next((form[name] for name in _FIELDS if name in form), "")


def _refresh_token(context: RequestContext, app: App, text: str) -> dict[str, object] | None:
    token = context.simulator.oauth.refresh_token(text)
    if token is None or token.grant.installation.app is not app:
        dead = context.simulator.store.refresh_tokens.get(text)
        if dead is not None and dead.grant.installation.app is app and dead.revoked_because:
            context.hint = f"it is a refresh token, and {dead.revoked_because}"
        return None
    fields = token_info.refresh_token_fields(token)
    return {"active": True, **fields, "token_use": "refresh_token", "token_type": "Bearer"}


def _access_token(context: RequestContext, app: App, text: str) -> dict[str, object] | None:
    try:
        token = context.simulator.authentication.check(text, context.now_ms)
    except (ExpiredAuthentication, InvalidAuthentication) as error:
        context.why = context.hint or error.why
        return None
    if token.app_id != app.app_id:
        return None
    _, portal = token_info.app_and_portal(context, token)
    return {
        "active": True,
        "token": text,
        "hub_id": token.hub_id,
        "user_id": token.user_id,
        "client_id": app.client_id,
        "app_id": app.app_id,
        **token_info.user_of(token, portal),
        "scopes": token_info.access_token_scopes(context, token, app),
        "signed_access_token": {**token_info.signed_access_token(token), "isPrivateDistribution": False},
        "expires_in": token_info.seconds_left(context, token),
        "is_private_distribution": False,
        "token_use": "access_token" if portal else "client_credentials",
        "token_type": "Bearer",
    }


def revoke(context: RequestContext) -> Response:
    """End a refresh token of the calling app; one that is unknown is no error (RFC 7009)."""
    form = form_of(context)
    app = client_of(context, form)
    token = context.simulator.oauth.refresh_token(_token(form))
    if token is not None and token.grant.installation.app is app:
        context.simulator.oauth.revoke(token, "the refresh token was revoked")
        context.why = token_info.REFRESH_TOKEN_ENDED
    else:
        context.why = "nothing to revoke: no living refresh token of this app"
    response = Response()
    del response.headers["Content-Type"]
    return response
