"""Every endpoint that is served, on one screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from werkzeug import Response
from werkzeug.routing import Map, Rule

from . import control, crm, oauth
from .call import Call

Handler = Callable[[Call], Response]

_DATED = "<any('2025-09','2026-03','2026-09','2026-09-beta','2027-03-beta'):version>"
_TOKEN_DATED = "<any('v3','2026-03','2026-09'):version>"
_CONVERTERS = {"{version}": _DATED, "{oauth_version}": _TOKEN_DATED}


@dataclass(frozen=True)
class Route:
    """An endpoint. ``template`` has its placeholders in braces; ``bearer`` routes want an access token."""

    method: str
    template: str
    handler: Handler
    bearer: bool = True

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


ROUTES: list[Route] = [
    Route("GET", "/oauth/authorize", oauth.authorize, bearer=False),
    Route("POST", "/oauth/v1/token", oauth.token_v1, bearer=False),
    Route("POST", "/oauth/{oauth_version}/token", oauth.token, bearer=False),
    Route("GET", "/oauth/v1/access-tokens/{token}", oauth.access_token_info, bearer=False),
    Route("GET", "/oauth/v1/refresh-tokens/{token}", oauth.refresh_token_info, bearer=False),
    Route("DELETE", "/oauth/v1/refresh-tokens/{token}", oauth.delete_refresh_token, bearer=False),
    *_objects("/crm/v3/objects/{type}"),
    *_objects("/crm/objects/v3/{type}"),
    *_objects("/crm/objects/{version}/{type}"),
    Route("GET", "/_simulator/health", control.health, bearer=False),
    Route("GET", "/_simulator/clock", control.clock, bearer=False),
    Route("POST", "/_simulator/clock/advance", control.advance, bearer=False),
    Route("POST", "/_simulator/reset", control.reset, bearer=False),
]

ROUTE_MAP = Map([route.rule for route in ROUTES], strict_slashes=False, merge_slashes=False)
