"""Token metadata of OAuth v1 (docs/fidelity.md, "Token metadata")."""

from __future__ import annotations

from werkzeug import Response

from ...core.errors import ApiError, ExpiredAuthentication, InvalidAuthentication
from ...core.model import RefreshToken
from ..context import RequestContext, json_response, no_content
from . import token_info
from .sunset import check_sunset

_REFRESH_TOKEN_FIELDS = ("token", "user", "hub_domain", "scopes", "hub_id", "client_id", "user_id")


def access_token_info(context: RequestContext) -> Response:
    """``GET /oauth/v1/access-tokens/{token}``."""
    check_sunset(context)
    text = context.args["token"]
    try:
        token = context.simulator.authentication.check(text, context.now_ms)
    except (ExpiredAuthentication, InvalidAuthentication) as error:
        status = context.simulator.settings.metadata_error
        if status == 401:
            raise
        raise ApiError(status, "resource not found" if status == 404 else "Bad request", why=error.why) from None
    app, portal = token_info.app_and_portal(context, token)
    context.why = f"the token is good for another {token_info.seconds_left(context, token)} s"
    return json_response(
        {
            "token": text,
            **token_info.user_of(token, portal),
            "scopes": token_info.access_token_scopes(context, token, app),
            "signed_access_token": token_info.signed_access_token(token),
            "hub_id": token.hub_id,
            "app_id": token.app_id,
            "expires_in": token_info.seconds_left(context, token),
            "user_id": token.user_id,
            "token_type": "access",
        }
    )


def refresh_token_info(context: RequestContext) -> Response:
    """``GET /oauth/v1/refresh-tokens/{token}``."""
    fields = token_info.refresh_token_fields(_known(context))
    context.why = "the refresh token is good"
    return json_response({name: fields[name] for name in _REFRESH_TOKEN_FIELDS} | {"token_type": "refresh"})


def delete_refresh_token(context: RequestContext) -> Response:
    """``DELETE /oauth/v1/refresh-tokens/{token}``: access tokens that it gave live on."""
    context.simulator.oauth.revoke(_known(context), "the refresh token was deleted")
    context.why = token_info.REFRESH_TOKEN_ENDED
    return no_content()


def _known(context: RequestContext) -> RefreshToken:
    check_sunset(context)
    token = context.simulator.oauth.refresh_token(context.args["token"])
    if token is None:
        raise ApiError(404, "resource not found", why="the refresh token is unknown or revoked")
    return token
