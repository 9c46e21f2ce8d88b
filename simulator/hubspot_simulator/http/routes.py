"""Every endpoint that is served, on one screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from werkzeug import Response
from werkzeug.routing import BaseConverter, Map, Rule

from . import control, control_lab, crm
from .context import RequestContext
from .oauth import accounts, authorize, introspection, metadata, token, well_known

Handler = Callable[[RequestContext], Response]

_DATED = "<any('2025-09','2026-03','2026-09','2026-09-beta','2027-03-beta'):version>"
_TOKEN_DATED = "<any('v3','2026-03','2026-09'):version>"
_CONVERTERS = {"{version}": _DATED, "{oauth_version}": _TOKEN_DATED, "{hub_id}": "<hub_id:hub_id>"}


class _HubId(BaseConverter):
    regex = "[0-9]{1,19}"


@dataclass(frozen=True)
class Route:
    """An endpoint. ``template`` has its placeholders in braces.

    ``bearer`` routes want an access token; ``legacy`` ones refuse in the form of HubSpot's v1 and v2 APIs.
    """

    method: str
    template: str
    handler: Handler
    bearer: bool = True
    legacy: bool = False

    @property
    def rule(self) -> Rule:
        """The route in werkzeug's terms."""
        text = self.template
        for placeholder, converter in _CONVERTERS.items():
            text = text.replace(placeholder, converter)
        text = text.replace("{", "<").replace("}", ">")
        return Rule(text, methods=[self.method], endpoint=self)


def _objects(prefix: str) -> list[Route]:
    return [
        Route("GET", prefix, crm.list_objects),
        Route("POST", prefix, crm.create_object),
        Route("GET", prefix + "/{id}", crm.get_object),
        Route("PATCH", prefix + "/{id}", crm.update_object),
        Route("DELETE", prefix + "/{id}", crm.archive_object),
    ]


def _open(method: str, template: str, handler: Handler) -> Route:
    return Route(method, template, handler, bearer=False)


ROUTES: list[Route] = [
    _open("GET", "/oauth/authorize", authorize.authorize),
    _open("POST", "/oauth/authorize", authorize.decide),
    _open("GET", "/oauth/authorize/user", authorize.authorize_user),
    _open("POST", "/oauth/authorize/user", authorize.decide),
    _open("GET", "/oauth/{hub_id}/authorize", authorize.authorize),
    _open("POST", "/oauth/{hub_id}/authorize", authorize.decide),
    _open("POST", "/oauth/v1/token", token.token_v1),
    _open("POST", "/oauth/{oauth_version}/token", token.token),
    _open("POST", "/oauth/{oauth_version}/token/introspect", introspection.introspect),
    _open("POST", "/oauth/{oauth_version}/token/revoke", introspection.revoke),
    _open("GET", "/oauth/v1/access-tokens/{token}", metadata.access_token_info),
    _open("GET", "/oauth/v1/refresh-tokens/{token}", metadata.refresh_token_info),
    _open("DELETE", "/oauth/v1/refresh-tokens/{token}", metadata.delete_refresh_token),
    _open("POST", "/oauth/v2/private-apps/get/access-token-info", accounts.private_app_info),
    _open("GET", "/.well-known/oauth-authorization-server", well_known.authorization_server),
    _open("GET", "/.well-known/oauth-protected-resource", well_known.protected_resource),
    Route("GET", "/integrations/v1/me", accounts.me, legacy=True),
    Route("DELETE", "/appinstalls/{oauth_version}/external-install", accounts.uninstall),
    *_objects("/crm/v3/objects/{type}"),
    *_objects("/crm/objects/v3/{type}"),
    *_objects("/crm/objects/{version}/{type}"),
    _open("GET", "/_simulator/health", control.health),
    _open("GET", "/_simulator/clock", control.clock),
    _open("POST", "/_simulator/clock/advance", control.advance),
    _open("POST", "/_simulator/reset", control.reset),
    _open("POST", "/_simulator/faults", control_lab.inject),
    _open("DELETE", "/_simulator/faults", control_lab.forget_faults),
    _open("GET", "/_simulator/audit", control_lab.audit),
]

ROUTE_MAP = Map(
    [route.rule for route in ROUTES], converters={"hub_id": _HubId}, strict_slashes=False, merge_slashes=False
)
