"""Authentication: is this access token good, and if not, why."""

from __future__ import annotations

from ..settings import Settings
from . import tokens
from .errors import ExpiredAuthentication, InvalidAuthentication
from .ids import OTHER_SEED, Ids
from .instants import iso_instant
from .model import Caller, Installation, Portal, TokenOverride
from .oauth import granted_scopes
from .store import Store

_UNITS = (("day(s)", 86_400_000), ("hour(s)", 3_600_000), ("minute(s)", 60_000))


def age(ms: int) -> str:
    """Write an age as HubSpot does: the largest unit of which there is more than one, truncated.

    docs/fidelity.md, "401 EXPIRED_AUTHENTICATION"; the rule is inferred from recorded messages.
    """
    for unit, length in _UNITS:
        if ms // length > 1:
            return f"{ms // length} {unit}"
    return f"{ms // 1000} second(s)"


_NOT_OURS = (
    "was not issued by this simulator: it was changed on its way, is HubSpot's own, was kept from another test, "
    f"or is {OTHER_SEED}"
)
_BEFORE_RESET = "was issued before the simulator was reset, and its installation is not there any more"
_AS_IT_SAYS = TokenOverride()


class Authentication:
    """Checks access tokens against a clock's instant and the key of this simulator."""

    def __init__(self, store: Store, ids: Ids, settings: Settings) -> None:
        self._store = store
        self._ids = ids
        self._settings = settings

    def authenticate(self, authorization: str | None, now_ms: int) -> Caller:
        """Return who calls with an ``Authorization`` header. ``now_ms`` is the instant in epoch milliseconds.

        Raises ExpiredAuthentication or InvalidAuthentication.
        """
        if not authorization:
            raise InvalidAuthentication(why="no Authorization header")
        scheme, _, text = authorization.partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text:
            raise InvalidAuthentication(why="the Authorization header is not 'Bearer <token>'", malformed=True)
        if self._settings.bearer_case == "exact" and scheme != "Bearer":
            raise InvalidAuthentication(why=f"the scheme is {scheme!r}, and bearer_case is exact", malformed=True)
        private_app = self._store.private_apps.get(text)
        if private_app is not None:
            self._refuse_deleted(private_app.portal)
            return Caller(
                kind="private_app",
                app_id=private_app.app_id,
                portal=private_app.portal,
                scopes=private_app.scopes,
                why=f"{tokens.shorten(text)} is a private app's, which does not expire",
            )
        token = self.check(text, now_ms)
        installation = self._store.installations.get((token.app_id, token.hub_id))
        if not token.hub_id:
            raise InvalidAuthentication(why="the token is an app's own (client_credentials), good for no portal")
        if installation is None:
            raise InvalidAuthentication(why=f"{tokens.shorten(text)} {_BEFORE_RESET}")
        left = _seconds((self.expiry_ms(token) or 0) - now_ms)
        return Caller(
            kind="oauth",
            app_id=token.app_id,
            portal=installation.portal,
            scopes=granted_scopes(token, installation.app),
            why=f"{tokens.shorten(text)} is good for another {left}",
            installation=installation,
        )

    def check(self, text: str, now_ms: int) -> tokens.AccessToken:
        """Return what a good OAuth access token says. The expiry is checked before the signature, as HubSpot does.

        Raises ExpiredAuthentication or InvalidAuthentication.
        """
        name = tokens.shorten(text)
        if text.startswith("pat-"):
            raise InvalidAuthentication(
                why=f"{name} has the form of a private-app token, and is not one of this simulator"
            )
        try:
            token = tokens.parse(text)
        except tokens.MalformedToken as error:
            raise InvalidAuthentication(why=f"{name} is not an access token: {error}", malformed=True) from None
        ours = tokens.is_signed(token, self._ids.signing_key)
        foreign = "" if ours else f"; it {_NOT_OURS}"
        expires_at_ms = self.expiry_ms(token)
        if expires_at_ms is None:
            raise _expired(0, now_ms, f"{name} carries no expiry, which HubSpot reads as 1970{foreign}")
        if expires_at_ms <= now_ms:
            installation = self._store.installations.get((token.app_id, token.hub_id))
            newer = foreign or _newer(token, installation, now_ms)
            seconds = _seconds(now_ms - expires_at_ms)
            raise _expired(expires_at_ms, now_ms, f"{name} expired {seconds} ago on the simulator's clock{newer}")
        known = token.app_id in self._store.apps and (not token.hub_id or token.hub_id in self._store.portals)
        if self._override(token).revoked:
            raise InvalidAuthentication(why=f"{name} was revoked", malformed=True)
        if ours and not known:
            raise InvalidAuthentication(why=f"{name} {_BEFORE_RESET}")
        if not ours:
            raise InvalidAuthentication(why=f"{name} {_NOT_OURS}")
        installation = self._store.installations.get((token.app_id, token.hub_id))
        if installation is not None:
            self._refuse_deleted(installation.portal)
            if token.user_id in installation.ended_user_ids and self._settings.after_uninstall == "dead":
                raise InvalidAuthentication(why="the app was uninstalled, and after_uninstall is dead")
        return token

    def is_ours(self, text: str) -> bool:
        """Tell whether a text is an access token that this simulator has signed."""
        token = tokens.try_parse(text)
        return token is not None and tokens.is_signed(token, self._ids.signing_key)

    def expiry_ms(self, token: tokens.AccessToken) -> int | None:
        """Return when a token expires (epoch milliseconds): as it says, unless it was made to expire early."""
        override = self._override(token)
        return token.expires_at_ms if override.expires_at_ms is None else override.expires_at_ms

    def _override(self, token: tokens.AccessToken) -> TokenOverride:
        return self._store.token_overrides.get(token.identity, _AS_IT_SAYS)

    def _refuse_deleted(self, portal: Portal) -> None:
        if portal.hub_id in self._store.deleted_hub_ids:
            raise InvalidAuthentication(why="the portal was deleted")


def _expired(expires_at_ms: int, now_ms: int, why: str) -> ExpiredAuthentication:
    return ExpiredAuthentication(
        ago=age(now_ms - expires_at_ms),
        expire_time=iso_instant(expires_at_ms),
        expires_at_ms=expires_at_ms,
        now_ms=now_ms,
        why=why,
    )


def _newer(token: tokens.AccessToken, installation: Installation | None, now_ms: int) -> str:
    """Say whether a token of this simulator was followed by another of its grant; nothing where it is not known."""
    newest = installation.newest.get(token.user_id) if installation else None
    if newest is None or installation is None:
        return ""
    if newest.identity == token.identity:
        return "; no newer token was issued" + (" to its user" if len(installation.newest) > 1 else "")
    ago_ms = now_ms - newest.at_ms
    return "; a newer token was issued" + (f" {_seconds(ago_ms)} ago" if ago_ms >= 0 else "")


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g} s" if ms < 10_000 else f"{ms // 1000} s"
