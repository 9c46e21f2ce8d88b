"""OAuth: codes, refresh tokens and access tokens, and who may have them (RFC 6749)."""

from __future__ import annotations

import hashlib
import hmac

from ..settings import Settings
from . import tokens
from .clock import Clock
from .errors import TokenError
from .ids import Ids
from .model import App, AuthorizationCode, Grant, Installation, Portal, RefreshToken, TokenResponse
from .store import Store

CODE_TTL_MS = 600_000  # HubSpot documents none: the longest that RFC 6749, 4.1.2 recommends
_SCOPE_GROUPS_LENGTH = 53  # makes a token as long as today's, about 186 characters


class OAuth:
    """The rules of HubSpot's OAuth. Messages and names of errors: docs/fidelity.md."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._settings = settings

    def grant(self, app: App, portal: Portal, scopes: tuple[str, ...] | None = None) -> Grant:
        """Return a new grant of ``scopes`` (all of the app's without them) by a user of the portal."""
        user_id = self._ids.number(8)
        return Grant(
            installation=self._store.installation(app, portal),
            scopes=app.all_scopes if scopes is None else scopes,
            user_id=user_id,
            user_email=f"user{user_id}@{portal.hub_domain}",
        )

    def issue_code(self, grant: Grant, redirect_uri: str) -> AuthorizationCode:
        """Return a new authorization code for a grant."""
        code = AuthorizationCode(
            value=self._ids.hublet_uuid(grant.installation.portal.hublet),
            grant=grant,
            redirect_uri=redirect_uri,
            expires_at_ms=self._clock.now_ms() + CODE_TTL_MS,
        )
        self._store.codes[code.value] = code
        return code

    def issue_refresh_token(self, grant: Grant) -> RefreshToken:
        """Return a new refresh token for a grant; the app counts as installed from then on."""
        grant.installation.active = True
        token = RefreshToken(self._ids.hublet_uuid(grant.installation.portal.hublet), grant)
        self._store.refresh_tokens[token.value] = token
        return token

    def issue_access_token(self, refresh_token: RefreshToken) -> TokenResponse:
        """Return a new access token. Those issued before live on until their own expiry."""
        grant = refresh_token.grant
        installation = grant.installation
        now_ms = self._clock.now_ms()
        expires_at_ms = now_ms + self._settings.token_ttl * 1000
        scopes = _bitset(grant.scopes, installation.app.all_scopes)
        groups = hashlib.sha512(scopes).digest()[:_SCOPE_GROUPS_LENGTH]
        access_token = tokens.issue(
            tokens.AccessToken(
                expires_at_ms=expires_at_ms,
                scopes=scopes,
                hub_id=installation.portal.hub_id,
                user_id=grant.user_id,
                app_id=installation.app.app_id,
                scope_groups=groups,
                nonce=self._ids.nonce(),
                hublet=installation.portal.hublet,
            ),
            self._ids.signing_key,
        )
        installation.newest_issued_at_ms, installation.newest_expires_at_ms = now_ms, expires_at_ms
        return TokenResponse(
            access_token=access_token,
            refresh_token=refresh_token.value,
            expires_in=self._settings.token_ttl,
            issued_at_ms=now_ms,
            hub_id=installation.portal.hub_id,
            scopes=grant.scopes,
        )

    def client(self, client_id: str | None, client_secret: str | None) -> App:
        """Return the app of a client id and its secret. Raises TokenError; the id is checked first."""
        app = self._store.apps_by_client_id.get(client_id or "")
        if app is None:
            given = f"client_id {client_id!r} is not registered" if client_id else "client_id is missing"
            raise TokenError("BAD_CLIENT_ID", "missing or unknown client id", "invalid_request", why=given)
        if not hmac.compare_digest((client_secret or "").encode(), app.client_secret.encode()):
            given = "client_secret is not that of the app" if client_secret else "client_secret is missing"
            raise TokenError("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_request", why=given)
        return app

    def exchange_code(self, app: App, code: str | None, redirect_uri: str | None) -> TokenResponse:
        """Return tokens for an authorization code (``grant_type=authorization_code``). Raises TokenError."""
        with self._store.lock:
            found = self._store.codes.get(code or "")
            why = None
            if found is None:
                why = "the code is unknown" if code else "code is missing"
            elif found.used:
                why = "the code was used before"
            elif found.grant.installation.app is not app:
                why = "the code was issued to another app"
            if found is None or why:
                raise TokenError("BAD_AUTH_CODE", "missing or unknown auth code", "invalid_grant", why=why)
            if found.expires_at_ms <= self._clock.now_ms():
                raise TokenError("EXPIRED_AUTH_CODE", "auth code has expired", "invalid_grant")
            if redirect_uri != found.redirect_uri:
                raise TokenError(
                    "MISMATCH_REDIRECT_URI_AUTH_CODE",
                    "redirect URI does not match initial auth code URI",
                    "invalid_grant",
                    why=f"redirect_uri is {redirect_uri!r}, the code was issued for {found.redirect_uri!r}",
                )
            found.used = True
        return self.issue_access_token(self.issue_refresh_token(found.grant))

    def refresh(self, app: App, refresh_token: str | None) -> TokenResponse:
        """Return a new access token with the same refresh token (``grant_type=refresh_token``).

        Raises TokenError.
        """
        if not refresh_token:
            raise TokenError(
                "BAD_REFRESH_TOKEN",
                "missing or invalid refresh token",
                "invalid_request",
                why="refresh_token is missing",
            )
        found = self._store.refresh_tokens.get(refresh_token)
        if found is None or found.revoked_because:
            raise TokenError(
                "BAD_REFRESH_TOKEN",
                "refresh token is invalid, expired or revoked",
                "invalid_grant",
                why=found.revoked_because if found else "the refresh token is unknown",
            )
        if found.grant.installation.app is not app:
            raise TokenError(
                "MISMATCH_REFRESH_TOKEN_CLIENT",
                "refresh token was not issued to this client",
                "invalid_grant",
                why="the refresh token belongs to another app than client_id",
            )
        return self.issue_access_token(found)

    def refresh_token(self, value: str) -> RefreshToken | None:
        """Return a refresh token that is known and not revoked."""
        found = self._store.refresh_tokens.get(value)
        return found if found and not found.revoked_because else None

    def revoke(self, refresh_token: RefreshToken, because: str) -> None:
        """Make a refresh token useless. Access tokens that it gave live on until their expiry."""
        refresh_token.revoked_because = because

    def uninstall(self, installation: Installation) -> None:
        """Remove an app from a portal: its refresh tokens die, its access tokens live until their expiry."""
        with self._store.lock:
            installation.active = False
            for token in self._store.refresh_tokens.values():
                if token.grant.installation is installation:
                    self.revoke(token, "the app was uninstalled")


def _bitset(granted: tuple[str, ...], known: tuple[str, ...]) -> bytes:
    bits = sum(1 << known.index(scope) for scope in granted if scope in known)
    return bits.to_bytes((len(known) + 7) // 8 or 1, "little")


def granted_scopes(token: tokens.AccessToken, app: App) -> tuple[str, ...]:
    """Return the scopes that an access token carries."""
    bits = int.from_bytes(token.scopes, "little")
    return tuple(scope for index, scope in enumerate(app.all_scopes) if bits >> index & 1)
