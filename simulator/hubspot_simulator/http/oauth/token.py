"""``POST /oauth/{version}/token`` (docs/fidelity.md, "Token endpoint")."""

from __future__ import annotations

from werkzeug import Response
from werkzeug.datastructures import Authorization, MultiDict

from ...core import grants
from ...core.errors import ApiError
from ...core.model import App, TokenResponse
from ...core.protocol import FORM
from ..context import RequestContext, json_response
from .sunset import check_sunset

_V1_GRANTS = ("authorization_code", "refresh_token")


def token_v1(context: RequestContext) -> Response:
    """Take the parameters from the form body or from the query."""
    check_sunset(context)
    form = form_of(context)
    both = MultiDict([*form.items(multi=True), *context.request.args.items(multi=True)])
    return _token(context, both, _V1_GRANTS)


def token(context: RequestContext) -> Response:
    """Take the parameters from the form body only."""
    return _token(context, form_of(context), tuple(grants.GRANTS))


def form_of(context: RequestContext) -> MultiDict[str, str]:
    """Return the form of the body. Raises ApiError (415) when it is something else, such as JSON."""
    if context.body and context.request.mimetype != FORM:
        raise ApiError(
            415,
            "HTTP 415 Unsupported Media Type",
            why=f"Content-Type is {context.request.mimetype or 'missing'}: HubSpot takes token requests as {FORM} only",
        )
    return context.request.form


def client_of(context: RequestContext, form: MultiDict[str, str]) -> App:
    """Return the app that the parameters authenticate. Raises TokenError."""
    client_id, client_secret = form.get("client_id"), form.get("client_secret")
    basic = _authorization(context)
    if basic is not None and basic.type == "basic" and client_id is None:
        if context.simulator.settings.basic_auth:
            client_id, client_secret = basic.username, basic.password
        else:
            context.hint = "HTTP Basic is not accepted unless basic_auth is set"
    return grants.client(context.simulator.store, client_id, client_secret)


def _authorization(context: RequestContext) -> Authorization | None:
    try:
        return context.request.authorization
    except ValueError:  # werkzeug's, of what is not ASCII
        return None


def _token(context: RequestContext, form: MultiDict[str, str], allowed: tuple[str, ...]) -> Response:
    app = client_of(context, form)
    context.simulator.limits.count_token_call(app, context.now_ms)
    issued = grants.exchange(context.simulator.oauth, app, form.to_dict(), allowed)
    context.why = _why(form["grant_type"], issued)
    return json_response(issued.as_json())


def _why(grant_type: str, issued: TokenResponse) -> str:
    if grant_type == "refresh_token":
        return f"refreshed: a new token of {issued.expires_in} s"
    what = "the code" if grant_type == "authorization_code" else "the app's credentials"
    return f"exchanged {what} for a token of {issued.expires_in} s"
