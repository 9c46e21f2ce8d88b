"""``/oauth/authorize``: a user's consent (docs/fidelity.md, "Authorize")."""

from __future__ import annotations

import hmac
from string import punctuation
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from werkzeug import Response

from ...core import consent
from ...core.model import Portal
from ..context import RequestContext
from ..trust import is_by_socket
from . import consent_page

# No `form-action`: Chromium holds it against the redirect after the form too, and that may go to any scheme.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
)


def authorize(context: RequestContext) -> Response:
    """Approve at once and send the browser back with ``code`` and ``state``, or show the consent page.

    What HubSpot refuses it shows on a page; it does not redirect.
    """
    return _authorize(context, context.request.args.to_dict())


def authorize_user(context: RequestContext) -> Response:
    """The same on the MCP server, where ``scope`` has no effect: the app gets all that it may have."""
    parameters = context.request.args.to_dict()
    app = context.simulator.store.apps_by_client_id.get(parameters.get("client_id", ""))
    if app is not None:
        parameters |= {"scope": " ".join(app.scopes), "optional_scope": " ".join(app.optional_scopes)}
    return _authorize(context, parameters)


def _authorize(context: RequestContext, parameters: dict[str, str]) -> Response:
    try:
        request = consent.read_request(context.simulator.store, parameters, context.simulator.settings)
        portal = _portal(context)
        if context.simulator.settings.consent == "page":
            context.why = "the consent page was shown"
            portals = list(_portals(context).values())
            parameters = {**parameters, consent_page.TOKEN: context.simulator.ids.form_token}
            return _page(consent_page.ask(request, portals, portal, parameters))
        return _approve(context, request, portal, consent.scopes_for(request, portal))
    except consent.AuthorizationRefused as refusal:
        return _refused(context, refusal)


def decide(context: RequestContext) -> Response:
    """Take what a user pressed on the consent page."""
    form = context.request.form
    token = form.get(consent_page.TOKEN, "")
    if is_by_socket(context.request) and not _is_the_pages(token, context):
        context.why = (
            f"the form's {consent_page.TOKEN} is {'not that of the consent page' if token else 'missing'}: another "
            "page sent the form, or the simulator was restarted with another random seed; a script opens the page first"
        )
        return _page(consent_page.not_from_here(), 403)
    parameters = {n: value for n, value in form.items() if n not in (*consent_page.FIELDS, consent_page.TOKEN)}
    try:
        request = consent.read_request(context.simulator.store, parameters, context.simulator.settings)
        if form.get("decision") != "connect":
            context.why = "the user cancelled"
            return _page(consent_page.cancelled())
        portal = _chosen(context, form.get("portal", ""))
        granted = consent.scopes_for(request, portal, form.getlist("optional"))
        return _approve(context, request, portal, granted)
    except consent.AuthorizationRefused as refusal:
        return _refused(context, refusal)


def _is_the_pages(token: str, context: RequestContext) -> bool:
    return hmac.compare_digest(token.encode("utf-8", "replace"), context.simulator.ids.form_token.encode())


def _portal(context: RequestContext) -> Portal:
    """Return the portal that the path names, or else the default one."""
    named = context.args.get("hub_id")
    return _chosen(context, named or str(context.simulator.portal.hub_id))


def _portals(context: RequestContext) -> dict[int, Portal]:
    store = context.simulator.store
    return {hub_id: portal for hub_id, portal in list(store.portals.items()) if hub_id not in store.deleted_hub_ids}


def _chosen(context: RequestContext, hub_id: str) -> Portal:
    known = _portals(context)
    portal = known.get(int(hub_id)) if hub_id.isascii() and hub_id.isdecimal() and len(hub_id) < 20 else None
    if portal is None:
        listed = ", ".join(map(str, known))
        raise consent.AuthorizationRefused(
            "You don't have permission to connect this app.", f"no portal {hub_id!r} among {listed}"
        )
    return portal


def _approve(
    context: RequestContext, request: consent.AuthorizationRequest, portal: Portal, scopes: tuple[str, ...]
) -> Response:
    code = context.simulator.approve(request, portal, scopes)
    context.why = f"approved for portal {portal.hub_id}"
    parameters = {"code": code, **({"state": request.state} if request.state is not None else {})}
    return Response(status=302, headers={"Location": _with_query(request.redirect_uri, parameters)})


def _with_query(uri: str, added: dict[str, str]) -> str:
    parts = urlsplit(uri)
    query = "&".join(filter(None, (parts.query, urlencode(added))))
    return quote(urlunsplit(parts._replace(query=query)), safe=punctuation)  # a header takes ASCII only


def _refused(context: RequestContext, refusal: consent.AuthorizationRefused) -> Response:
    context.why = f"refused on a page: {refusal.why}"
    return _page(consent_page.refused(refusal.message))


def _page(html: str, status: int = 200) -> Response:
    headers = {"Content-Security-Policy": _CONTENT_SECURITY_POLICY}
    return Response(html, status, headers, content_type="text/html;charset=utf-8")
