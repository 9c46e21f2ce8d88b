"""What a user may consent to when an app asks for a portal (docs/fidelity.md, "Authorize")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..settings import Settings
from .ids import OTHER_SEED
from .model import App, Portal
from .store import Store

LINK_INVALID = "This install link is no longer valid. Please visit HubSpot's App Marketplace to install this app."
WRONG_REDIRECT_URI = (
    "The redirect_uri doesn't match the client registered redirect_uri. Please contact the app developer."
)
INSUFFICIENT_SCOPES = "Insufficient scopes were provided. Please contact the app developer."
ACCOUNT_LACKS_SCOPES = (
    "Authorization failed because this account doesn't have access to the scopes required by the app. "
    "Please contact HubSpot support."
)
USER_LACKS_PERMISSION = (
    "Authorization failed because you don't have permission(s) to authorize the scopes required by the app. "
    "Please contact your super admin to get the necessary permission(s)."
)


class AuthorizationRefused(Exception):
    """HubSpot shows ``message`` on a page. ``why`` is what is wrong, for the journal."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.message = message
        self.why = why


@dataclass(frozen=True)
class AuthorizationRequest:
    """What an app asks for. Scopes stand in the order of the app's own."""

    app: App
    redirect_uri: str
    scopes: tuple[str, ...]
    optional_scopes: tuple[str, ...]
    state: str | None = field(default=None, repr=False)
    code_challenge: str | None = None


def read_request(store: Store, parameters: dict[str, str], settings: Settings) -> AuthorizationRequest:
    """Return what the parameters of an authorization URL ask for. Raises Refused."""
    client_id = parameters.get("client_id", "")
    app = store.apps_by_client_id.get(client_id)
    if app is None:
        raise AuthorizationRefused(
            LINK_INVALID, f"client_id {client_id!r} is not registered: mistyped, or {OTHER_SEED}"
        )
    redirect_uri = parameters.get("redirect_uri", "")
    if redirect_uri not in app.redirect_uris:
        plain, mark, _ = redirect_uri.partition("?")
        but_for_query = bool(mark) and plain in app.redirect_uris and "#" not in redirect_uri
        if not but_for_query or settings.redirect_uri_query == "exact":
            known = ", ".join(app.redirect_uris)
            hint = "; without its query it is: the setting redirect_uri_query = any accepts it" if but_for_query else ""
            raise AuthorizationRefused(
                WRONG_REDIRECT_URI, f"redirect_uri {redirect_uri!r} is not among the registered {known}{hint}"
            )
    asked = parameters.get("scope", "").split()
    missing = [scope for scope in app.scopes if scope not in asked]
    unknown = [scope for scope in asked if scope not in app.all_scopes]
    if missing or unknown:
        problem = f"missing required {' '.join(missing)}" if missing else f"not registered: {' '.join(unknown)}"
        raise AuthorizationRefused(INSUFFICIENT_SCOPES, f"scope: {problem}")
    optional = parameters.get("optional_scope", "").split()
    return AuthorizationRequest(
        app=app,
        redirect_uri=redirect_uri,
        scopes=tuple(scope for scope in app.all_scopes if scope in asked),
        optional_scopes=tuple(scope for scope in app.all_scopes if scope in optional and scope not in asked),
        state=parameters.get("state"),
        code_challenge=_challenge(parameters),
    )


def _challenge(parameters: dict[str, str]) -> str | None:
    challenge = parameters.get("code_challenge")
    method = parameters.get("code_challenge_method")
    if challenge and method != "S256":
        raise AuthorizationRefused(LINK_INVALID, f"code_challenge_method is {method!r}: HubSpot advertises S256 only")
    return challenge or None


def scopes_for(request: AuthorizationRequest, portal: Portal, chosen: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the scopes that a portal's user can grant. Raises Refused.

    Optional scopes that the account lacks are dropped without a word; ``chosen`` are those that the user left
    ticked, None means all.
    """
    if portal.developer:
        raise AuthorizationRefused(
            f"The account you selected {portal.hub_id} is a developer account. "
            "This app can't be installed on a developer account.",
            "the account is a developer account",
        )
    lacking = [scope for scope in request.scopes if portal.scopes is not None and scope not in portal.scopes]
    if lacking:
        raise AuthorizationRefused(ACCOUNT_LACKS_SCOPES, f"the account lacks {' '.join(lacking)}")
    denied = [s for s in request.scopes if portal.user_scopes is not None and s not in portal.user_scopes]
    if denied:
        raise AuthorizationRefused(USER_LACKS_PERMISSION, f"the user may not grant {' '.join(denied)}")
    optional = [
        scope
        for scope in request.optional_scopes
        if (portal.scopes is None or scope in portal.scopes) and (chosen is None or scope in chosen)
    ]
    return tuple(scope for scope in request.app.all_scopes if scope in request.scopes or scope in optional)
