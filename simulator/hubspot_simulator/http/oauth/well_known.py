"""The metadata of the authorization server, RFC 8414 and RFC 9728 (docs/fidelity.md, "Well-known documents")."""

from __future__ import annotations

from werkzeug import Response

from ...hosts import is_hubspot
from ..context import RequestContext, json_response

_MCP = "https://mcp.hubspot.com"


def _origin(context: RequestContext) -> str:
    """Return the origin to name: HubSpot's own when it was called, else this one, or a client would go to HubSpot."""
    host = context.request.host.partition(":")[0]
    return _MCP if is_hubspot(host) else context.request.host_url.rstrip("/")


def authorization_server(context: RequestContext) -> Response:
    """``GET /.well-known/oauth-authorization-server``: the document of HubSpot's MCP server, on every API host."""
    origin = _origin(context)
    return json_response(
        {
            "issuer": origin,
            "authorization_endpoint": f"{origin}/oauth/authorize/user",
            "token_endpoint": f"{origin}/oauth/v3/token",
            "scopes_supported": [],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "service_documentation": (
                "https://developers.hubspot.com/docs/guides/apps/authentication/oauth-quickstart-guide"
            ),
            "introspection_endpoint": f"{origin}/oauth/v3/token/introspect",
            "introspection_endpoint_auth_methods_supported": ["client_secret_post"],
            "introspection_endpoint_token_types_supported": ["access_token", "refresh_token", "client_credentials"],
            "code_challenge_methods_supported": ["S256"],
        }
    )


def protected_resource(context: RequestContext) -> Response:
    """``GET /.well-known/oauth-protected-resource``."""
    origin = _origin(context)
    return json_response(
        {
            "resource": origin,
            "authorization_servers": [origin],
            "scopes_supported": [],
            "resource_documentation": "https://developers.hubspot.com/mcp",
        }
    )
