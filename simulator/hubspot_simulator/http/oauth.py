"""OAuth endpoints (docs/fidelity.md, "OAuth")."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from string import punctuation
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from werkzeug import Response
from werkzeug.datastructures import MultiDict

from ..core.authentication import Authenticated
from ..core.errors import ApiError, TokenError
from ..core.model import App
from ..core.oauth import granted_scopes
from .call import Call, json_response, no_content

FORM = "application/x-www-form-urlencoded"


def authorize(call: Call) -> Response:
    """``GET /oauth/authorize``: approve at once, and send the browser back with ``code`` and ``state``.

    What HubSpot refuses it shows on a page; it does not redirect.
    """
    query = call.request.args
    store = call.simulator.store
    app = store.apps_by_client_id.get(query.get("client_id", ""))
    if app is None:
        return _refused(
            call,
            "This install link is no longer valid. Please visit HubSpot's App Marketplace to install this app.",
            "unknown client_id",
        )
    redirect_uri = query.get("redirect_uri", "")
    if redirect_uri not in app.redirect_uris:
        return _refused(
            call,
            "The redirect_uri doesn't match the client registered redirect_uri. Please contact the app developer.",
            f"redirect_uri {redirect_uri!r} is not among the registered {', '.join(app.redirect_uris)}",
        )
    scopes, problem = _asked_scopes(app, query)
    if problem:
        return _refused(call, "Insufficient scopes were provided. Please contact the app developer.", problem)
    grant = call.simulator.oauth.grant(app, call.simulator.portal, scopes)
    code = call.simulator.oauth.issue_code(grant, redirect_uri)
    call.why = f"approved at once for portal {call.simulator.portal.hub_id}"
    answer = {"code": code.value, **({"state": query["state"]} if "state" in query else {})}
    return Response(status=302, headers={"Location": _with_query(redirect_uri, answer)})


def _asked_scopes(app: App, query: MultiDict[str, str]) -> tuple[tuple[str, ...], str]:
    """Return the scopes to grant, and what is wrong with the request for them."""
    asked = query.get("scope", "").split()
    missing = [scope for scope in app.scopes if scope not in asked]
    unknown = [scope for scope in asked if scope not in app.all_scopes]
    if missing or unknown:
        problem = f"missing required {' '.join(missing)}" if missing else f"not registered: {' '.join(unknown)}"
        return (), f"scope: {problem}"
    optional = query.get("optional_scope", "").split()
    return tuple(s for s in app.all_scopes if s in asked or s in optional), ""


def _with_query(uri: str, added: dict[str, str]) -> str:
    parts = urlsplit(uri)
    query = "&".join(filter(None, (parts.query, urlencode(added))))
    return quote(urlunsplit(parts._replace(query=query)), safe=punctuation)  # a header takes ASCII only


def _refused(call: Call, message: str, why: str) -> Response:
    call.why = f"refused on a page: {why}"
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>HubSpot (simulated)</title></head>'
        f"<body><h1>Couldn't complete the connection</h1><p>{escape(message)}</p></body></html>"
    )
    return Response(page, 200, content_type="text/html;charset=utf-8")


def token_v1(call: Call) -> Response:
    """``POST /oauth/v1/token``: parameters in the form body or in the query."""
    form = _form(call)
    return _token(call, MultiDict([*form.items(multi=True), *call.request.args.items(multi=True)]))


def token(call: Call) -> Response:
    """``POST /oauth/{v3 or dated}/token``: parameters in the form body only."""
    return _token(call, _form(call))


def _form(call: Call) -> MultiDict[str, str]:
    """Return the form of the body. Raises ApiError (415) when it is something else, such as JSON."""
    if call.body and call.request.mimetype != FORM:
        raise ApiError(
            415,
            "HTTP 415 Unsupported Media Type",
            why=f"Content-Type is {call.request.mimetype or 'missing'}: HubSpot takes token requests as {FORM} only",
        )
    return call.request.form


def _token(call: Call, form: MultiDict[str, str]) -> Response:
    oauth = call.simulator.oauth
    app = oauth.client(form.get("client_id"), form.get("client_secret"))
    grant_type = form.get("grant_type")
    if grant_type == "authorization_code":
        issued = oauth.exchange_code(app, form.get("code"), form.get("redirect_uri"))
        call.why = f"exchanged the code for a token of {issued.expires_in} s"
    elif grant_type == "refresh_token":
        issued = oauth.refresh(app, form.get("refresh_token"))
        call.why = f"refreshed: a new token of {issued.expires_in} s"
    else:
        raise TokenError(
            "BAD_GRANT_TYPE",
            "missing or unknown grant type",
            "unsupported_grant_type" if grant_type else "invalid_request",
            why=f"grant_type is {grant_type!r}: expected authorization_code or refresh_token",
        )
    return json_response(issued.as_json())


def access_token_info(call: Call) -> Response:
    """``GET /oauth/v1/access-tokens/{token}``."""
    text = call.args["token"]
    checked = call.simulator.authentication.check(text, call.now_ms)
    call.why = checked.why
    return json_response(_access_token_info(call, text, checked))


def _access_token_info(call: Call, text: str, checked: Authenticated) -> dict[str, object]:
    said, installation = checked.token, checked.installation
    expires_at_ms = said.expires_at_ms or 0
    return {
        "token": text,
        "user": f"user{said.user_id}@{installation.portal.hub_domain}",
        "hub_domain": installation.portal.hub_domain,
        "scopes": list(granted_scopes(said, installation.app)),
        "signed_access_token": {
            "expiresAt": expires_at_ms,
            "scopes": _base64(said.scopes),
            "hubId": said.hub_id,
            "userId": said.user_id,
            "appId": said.app_id,
            "signature": _base64(said.signature),
            "scopeToScopeGroupPks": _base64(said.scope_groups),
            "newSignature": _base64(said.nonce),
            "hublet": said.hublet,
            "trialScopes": "",
            "trialScopeToScopeGroupPks": "",
            "isUserLevel": False,
        },
        "hub_id": said.hub_id,
        "app_id": said.app_id,
        "expires_in": (expires_at_ms - call.now_ms) // 1000,
        "user_id": said.user_id,
        "token_type": "access",
    }


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def refresh_token_info(call: Call) -> Response:
    """``GET /oauth/v1/refresh-tokens/{token}``."""
    found = call.simulator.oauth.refresh_token(call.args["token"])
    if found is None:
        raise _unknown_refresh_token()
    grant = found.grant
    portal, app = grant.installation.portal, grant.installation.app
    call.why = "the refresh token is good"
    return json_response(
        {
            "token": found.value,
            "user": grant.user_email,
            "hub_domain": portal.hub_domain,
            "scopes": list(grant.scopes),
            "hub_id": portal.hub_id,
            "client_id": app.client_id,
            "user_id": grant.user_id,
            "token_type": "refresh",
        }
    )


def delete_refresh_token(call: Call) -> Response:
    """``DELETE /oauth/v1/refresh-tokens/{token}``: access tokens that it gave live on."""
    found = call.simulator.oauth.refresh_token(call.args["token"])
    if found is None:
        raise _unknown_refresh_token()
    call.simulator.oauth.revoke(found, "the refresh token was deleted")
    call.why = "the refresh token is dead from now on; access tokens live until they expire"
    return no_content()


def _unknown_refresh_token() -> ApiError:
    return ApiError(404, "resource not found", why="the refresh token is unknown or revoked")
