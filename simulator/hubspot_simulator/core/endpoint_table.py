"""Every endpoint that is served, on one screen. Routing, hints, and the paths that faults can name follow from it.

Only the control API is not here: it is the simulator's own (``http/control.py``, ``http/control_lab.py``).
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Endpoint(NamedTuple):
    """An endpoint of HubSpot's. ``template`` is its path, with placeholders in braces.

    ``operation`` names the module and the function under ``http`` that answer, as in ``token.token_v1``. ``bearer``
    endpoints want an access token; ``legacy`` ones refuse in the form of HubSpot's v1 and v2 APIs.
    """

    method: str
    template: str
    operation: str
    bearer: bool = True
    legacy: bool = False


def _open(method: str, template: str, operation: str) -> Endpoint:
    return Endpoint(method, template, operation, bearer=False)


def _objects(prefix: str) -> tuple[Endpoint, ...]:
    return (
        Endpoint("GET", prefix, "crm.list_objects"),
        Endpoint("POST", prefix, "crm.create_object"),
        Endpoint("GET", prefix + "/{id}", "crm.get_object"),
        Endpoint("PATCH", prefix + "/{id}", "crm.update_object"),
        Endpoint("DELETE", prefix + "/{id}", "crm.archive_object"),
    )


OBJECTS = ("/crm/v3/objects/{type}", "/crm/objects/v3/{type}", "/crm/objects/{version}/{type}")

ENDPOINTS = (
    _open("GET", "/oauth/authorize", "authorize.authorize"),
    _open("POST", "/oauth/authorize", "authorize.decide"),
    _open("GET", "/oauth/authorize/user", "authorize.authorize_user"),
    _open("POST", "/oauth/authorize/user", "authorize.decide"),
    _open("GET", "/oauth/{hub_id}/authorize", "authorize.authorize"),
    _open("POST", "/oauth/{hub_id}/authorize", "authorize.decide"),
    _open("POST", "/oauth/v1/token", "token.token_v1"),
    _open("POST", "/oauth/{oauth_version}/token", "token.token"),
    _open("POST", "/oauth/{oauth_version}/token/introspect", "introspection.introspect"),
    _open("POST", "/oauth/{oauth_version}/token/revoke", "introspection.revoke"),
    _open("GET", "/oauth/v1/access-tokens/{token}", "metadata.access_token_info"),
    _open("GET", "/oauth/v1/refresh-tokens/{token}", "metadata.refresh_token_info"),
    _open("DELETE", "/oauth/v1/refresh-tokens/{token}", "metadata.delete_refresh_token"),
    _open("POST", "/oauth/v2/private-apps/get/access-token-info", "accounts.private_app_info"),
    _open("GET", "/.well-known/oauth-authorization-server", "well_known.authorization_server"),
    _open("GET", "/.well-known/oauth-protected-resource", "well_known.protected_resource"),
    Endpoint("GET", "/integrations/v1/me", "accounts.me", legacy=True),
    Endpoint("DELETE", "/appinstalls/{oauth_version}/external-install", "accounts.uninstall"),
    *(endpoint for prefix in OBJECTS for endpoint in _objects(prefix)),
)

VERSIONS = {
    "{version}": ("2025-09", "2026-03", "2026-09", "2026-09-beta", "2027-03-beta"),
    "{oauth_version}": ("v3", "2026-03", "2026-09"),
}

OAUTH_V1 = "/oauth/v1/"
TOKEN_ENDPOINTS = "/oauth/*/token"
"""The token endpoint of any version, as a pattern for faults and for ``assert_called``."""
_TOKEN_ENDPOINT = re.compile(r"/oauth/[^/]+/token/?")


def is_token_endpoint(path: str) -> bool:
    """Tell whether a path is that of the token endpoint, of any version, also one that does not exist."""
    return _TOKEN_ENDPOINT.fullmatch(path) is not None
