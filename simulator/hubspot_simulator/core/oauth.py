"""OAuth: codes, refresh tokens and access tokens, how they come into being and how they end (RFC 6749)."""

from __future__ import annotations

import hashlib

from ..settings import Settings
from . import tokens
from .clock import OffsetClock
from .ids import Ids
from .model import App, AuthorizationCode, FirstToken, Grant, Installation, Issued, Portal, RefreshToken, TokenResponse
from .redaction import remember
from .store import Store

_SCOPE_GROUPS_LENGTH = 53  # makes a token as long as today's, about 186 characters


class OAuth:
    """Issues what the grants give, and ends it."""

    def __init__(self, store: Store, clock: OffsetClock, ids: Ids, settings: Settings) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self._ids = ids

    def grant(self, app: App, portal: Portal, scopes: tuple[str, ...] | None = None) -> Grant:
        """Return a new grant of ``scopes`` (all of the app's without them) by a user of the portal."""
        user_id = self._ids.number(8)
        return Grant(
            installation=self.store.installation(app, portal),
            scopes=app.all_scopes if scopes is None else scopes,
            user_id=user_id,
            user_email=user_email(user_id, portal),
        )

    def issue_code(self, grant: Grant, redirect_uri: str, code_challenge: str | None = None) -> AuthorizationCode:
        """Return a new authorization code for a grant. ``code_challenge`` is that of PKCE (RFC 7636), S256."""
        code = AuthorizationCode(
            value=self._ids.hublet_uuid(grant.installation.portal.hublet),
            grant=grant,
            redirect_uri=redirect_uri,
            expires_at_ms=self.clock.now_ms() + self.settings.code_ttl * 1000,
            code_challenge=code_challenge,
        )
        remember(code.value, passing=True)
        self.store.codes[code.value] = code
        return code

    def issue_refresh_token(self, grant: Grant) -> RefreshToken:
        """Return a new refresh token for a grant; the app counts as installed from then on."""
        with self.store.lock:
            grant.installation.active = True
            token = RefreshToken(self._ids.hublet_uuid(grant.installation.portal.hublet), grant)
            remember(token.value)
            self.store.refresh_tokens[token.value] = token
            return token

    def issue_access_token(self, refresh_token: RefreshToken) -> TokenResponse:
        """Return a new access token. Those issued before live on until their own expiry."""
        with self.store.lock:
            first = self.store.unread.get(id(refresh_token.grant))
            if first is not None:  # the exchange of the code came first
                self.read(first)
            return self._issue(refresh_token, self.clock.now_ms())

    def first_token(self, refresh_token: RefreshToken) -> FirstToken:
        """Return the access token that came with a new refresh token; it is issued later, see ``read``."""
        first = FirstToken(refresh_token, self.clock.stage())
        with self.store.lock:
            self.store.unread[id(refresh_token.grant)] = first
        return first

    def read(self, first: FirstToken, at_ms: int | None = None) -> TokenResponse:
        """Return a first token. It is issued, if it was not yet, as of ``at_ms`` (epoch milliseconds) or now.

        Is the freeze over in which its code was exchanged, "now" is the last instant of that freeze.
        """
        with self.store.lock:
            if first.response is None:
                at_ms = self.clock.instant_in(first.stage) if at_ms is None else at_ms
                first.response = self._issue(first.refresh_token, at_ms)
                self.store.unread.pop(id(first.refresh_token.grant), None)
            return first.response

    def issue_unread(self) -> None:
        """Issue every first token that nobody has read: time is about to move."""
        if self.store.unread:
            with self.store.lock:
                for first in list(self.store.unread.values()):
                    self.read(first)

    def _issue(self, refresh_token: RefreshToken, at_ms: int) -> TokenResponse:
        grant = refresh_token.grant
        installation = grant.installation
        text = self._token(installation.app, grant.scopes, at_ms, installation.portal, grant.user_id)
        installation.newest[grant.user_id] = Issued(tokens.parse(text).identity, at_ms)
        return self._response(text, refresh_token.value, at_ms, installation.portal.hub_id, grant.scopes)

    def issue_app_token(self, app: App, scopes: tuple[str, ...]) -> TokenResponse:
        """Return an access token of the app itself (``client_credentials``)."""
        with self.store.lock:
            now_ms = self.clock.now_ms()
            text = self._token(app, scopes, now_ms)
            self.store.app_tokens[tokens.parse(text).nonce] = scopes
            return self._response(text, None, now_ms, None, scopes)

    def _token(
        self, app: App, scopes: tuple[str, ...], now_ms: int, portal: Portal | None = None, user_id: int = 0
    ) -> str:
        bits = _bitset(scopes, app.all_scopes)
        expires_at_ms = now_ms + self.settings.token_ttl * 1000
        self.store.last_expiry_ms = max(self.store.last_expiry_ms, expires_at_ms)
        token = tokens.AccessToken(
            expires_at_ms=expires_at_ms,
            scopes=bits,
            hub_id=portal.hub_id if portal else 0,
            user_id=user_id,
            app_id=app.app_id,
            scope_groups=hashlib.sha512(bits).digest()[:_SCOPE_GROUPS_LENGTH],
            nonce=self._ids.nonce(),
            hublet=portal.hublet if portal else "na1",
        )
        text = tokens.issue(token, self._ids.signing_key, length=self.settings.token_length)
        remember(text, passing=True)
        return text

    def _response(
        self, access_token: str, refresh_token: str | None, now_ms: int, hub_id: int | None, scopes: tuple[str, ...]
    ) -> TokenResponse:
        ttl, saying = self.settings.token_ttl, self.settings.expires_in
        return TokenResponse(
            access_token=access_token,
            refresh_token=refresh_token,
            expires_in=ttl,
            said={"true": ttl, "absent": None}.get(saying) if saying in ("true", "absent") else int(saying),
            issued_at_ms=now_ms,
            hub_id=hub_id,
            scopes=scopes,
        )

    def refresh_token(self, value: str) -> RefreshToken | None:
        """Return a refresh token that is known and not revoked."""
        found = self.store.refresh_tokens.get(value)
        return found if found and not found.revoked_because else None

    def revoke(self, refresh_token: RefreshToken, because: str) -> None:
        """Make a refresh token useless. Access tokens that it gave live on until their expiry."""
        refresh_token.revoked_because = because

    def uninstall(self, installation: Installation) -> None:
        """Remove an app from a portal: its refresh tokens die; its access tokens as ``after_uninstall`` says."""
        with self.store.lock:
            installation.active = False
            for token in self.store.refresh_tokens.values():
                if token.grant.installation is installation:
                    installation.ended_user_ids.add(token.grant.user_id)
                    self.revoke(token, token.revoked_because or "the app was uninstalled")


def user_email(user_id: int, portal: Portal) -> str:
    """Return the address of a portal's user."""
    return f"user{user_id}@{portal.hub_domain}"


def _bitset(granted: tuple[str, ...], known: tuple[str, ...]) -> bytes:
    bits = sum(1 << known.index(scope) for scope in granted if scope in known)
    return bits.to_bytes((len(known) + 7) // 8 or 1, "little")


def granted_scopes(token: tokens.AccessToken, app: App) -> tuple[str, ...]:
    """Return the scopes that an access token carries."""
    bits = int.from_bytes(token.scopes, "little")
    return tuple(scope for index, scope in enumerate(app.all_scopes) if bits >> index & 1)
