"""``grant_type=authorization_code`` (RFC 6749, 4.1.3; PKCE: RFC 7636, 4.5)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from ..errors import TokenError
from ..model import App, AuthorizationCode, TokenResponse
from ..oauth import OAuth


def exchange(oauth: OAuth, app: App, parameters: Mapping[str, str]) -> TokenResponse:
    """Return tokens for a ``code``, which is good for one exchange. Raises TokenError."""
    redirect_uri = parameters.get("redirect_uri")
    with oauth.store.lock:
        code = _known(oauth, app, parameters.get("code"))
        if code.expires_at_ms <= oauth.clock.now_ms():
            raise TokenError("EXPIRED_AUTH_CODE")
        if redirect_uri != code.redirect_uri:
            raise TokenError(
                "MISMATCH_REDIRECT_URI_AUTH_CODE",
                why=f"redirect_uri is {redirect_uri!r}, the code was issued for {code.redirect_uri!r}",
            )
        _check_verifier(code, parameters.get("code_verifier"))
        if code.grant.installation.portal.hub_id in oauth.store.deleted_hub_ids:
            raise TokenError("BAD_HUB", why="the portal was deleted")
        code.used = True
    return oauth.issue_access_token(oauth.issue_refresh_token(code.grant))


def _known(oauth: OAuth, app: App, value: str | None) -> AuthorizationCode:
    code = oauth.store.codes.get(value or "")
    if code is None:
        raise TokenError("BAD_AUTH_CODE", why="the code is unknown" if value else "code is missing")
    if code.used:
        raise TokenError("BAD_AUTH_CODE", why="the code was used before")
    if code.grant.installation.app is not app:
        raise TokenError("BAD_AUTH_CODE", why="the code was issued to another app")
    return code


def _check_verifier(code: AuthorizationCode, verifier: str | None) -> None:
    if code.code_challenge is None:
        return
    if not verifier:
        raise TokenError(
            "BAD_CODE_VERIFIER", why="the code was asked for with a code_challenge: code_verifier is missing"
        )
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = urlsafe_b64encode(digest).rstrip(b"=")
    if not hmac.compare_digest(challenge, code.code_challenge.encode()):
        raise TokenError("BAD_CODE_VERIFIER", why="code_verifier does not match the code_challenge (S256)")
