"""What tells or ends the connection of an account (docs/fidelity.md, "Accounts and private apps")."""

from __future__ import annotations

from werkzeug import Response

from ...core.errors import InvalidAuthentication
from ..context import RequestContext, json_response, no_content


def me(context: RequestContext) -> Response:
    """``GET /integrations/v1/me``."""
    portal = context.caller.portal
    minutes = portal.utc_offset_minutes
    sign = "-" if minutes < 0 else "+"
    return json_response(
        {
            "portalId": portal.hub_id,
            "timeZone": "US/Eastern",
            "accountType": "DEVELOPER" if portal.developer else "STANDARD",
            "currency": "USD",
            "utcOffset": f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}",
            "utcOffsetMilliseconds": minutes * 60_000,
        }
    )


def private_app_info(context: RequestContext) -> Response:
    """``POST /oauth/v2/private-apps/get/access-token-info``: the body is ``{"tokenKey": "pat-…"}``.

    A token from outside North America is told only to a caller who has it in the Authorization header.
    """
    key = context.json_object().get("tokenKey")
    store = context.simulator.store
    app = store.private_apps.get(key) if isinstance(key, str) else None
    if app is None or app.portal.hub_id in store.deleted_hub_ids:
        raise InvalidAuthentication(why="tokenKey is no token of a private app")
    if app.portal.hublet != "na1" and context.request.headers.get("Authorization") != f"Bearer {key}":
        raise InvalidAuthentication(why=f"a token of {app.portal.hublet} is told to its bearer only")
    context.why = "the private app's token is good"
    return json_response(
        {"userId": app.user_id, "hubId": app.portal.hub_id, "appId": app.app_id, "scopes": list(app.scopes)}
    )


def uninstall(context: RequestContext) -> Response:
    """``DELETE /appinstalls/{version}/external-install``: the calling app leaves the account."""
    installation = context.caller.installation
    if installation is None:
        raise InvalidAuthentication(why="a private app cannot be uninstalled this way")
    context.simulator.oauth.uninstall(installation)
    context.why = "the app is uninstalled"
    return no_content()
