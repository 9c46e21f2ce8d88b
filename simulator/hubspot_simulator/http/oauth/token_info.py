"""What HubSpot tells of a token, in the forms of all generations."""

from __future__ import annotations

from base64 import b64encode

from ...core.model import App, Portal, RefreshToken
from ...core.oauth import granted_scopes, user_email
from ...core.tokens import AccessToken
from ..context import RequestContext

REFRESH_TOKEN_ENDED = "the refresh token is dead from now on; access tokens live until they expire"


def app_and_portal(context: RequestContext, token: AccessToken) -> tuple[App, Portal | None]:
    """Return the app and the portal of a good access token; an app's own token has no portal."""
    store = context.simulator.store
    return store.apps[token.app_id], store.portals.get(token.hub_id)


def access_token_scopes(context: RequestContext, token: AccessToken, app: App) -> list[str]:
    """Return the scopes of an access token."""
    own = context.simulator.store.app_tokens.get(token.nonce)
    return list(granted_scopes(token, app) if own is None else own)


def user_of(token: AccessToken, portal: Portal | None) -> dict[str, object]:
    """Return the fields that name the user and the account."""
    return {"user": user_email(token.user_id, portal), "hub_domain": portal.hub_domain} if portal else {}


def seconds_left(context: RequestContext, token: AccessToken) -> int:
    """Return the whole seconds that are left of an access token's life."""
    return ((context.simulator.authentication.expiry_ms(token) or 0) - context.now_ms) // 1000


def signed_access_token(token: AccessToken) -> dict[str, object]:
    """Return what stands in an access token, named as HubSpot names it."""
    return {
        "expiresAt": token.expires_at_ms,
        "scopes": _base64(token.scopes),
        "hubId": token.hub_id,
        "userId": token.user_id,
        "appId": token.app_id,
        "signature": _base64(token.signature),
        "scopeToScopeGroupPks": _base64(token.scope_groups),
        "newSignature": _base64(token.nonce),
        "hublet": token.hublet,
        "trialScopes": "",
        "trialScopeToScopeGroupPks": "",
        "isUserLevel": False,
    }


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def refresh_token_fields(token: RefreshToken) -> dict[str, object]:
    """Return the fields that describe a refresh token, without order."""
    grant = token.grant
    portal, app = grant.installation.portal, grant.installation.app
    return {
        "token": token.value,
        "hub_id": portal.hub_id,
        "user_id": grant.user_id,
        "client_id": app.client_id,
        "app_id": app.app_id,
        "user": grant.user_email,
        "hub_domain": portal.hub_domain,
        "scopes": list(grant.scopes),
    }
