"""Authentication: is this access token good, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass

from . import tokens
from .clock import iso_instant
from .errors import ExpiredAuthentication, InvalidAuthentication
from .ids import Ids
from .model import Installation
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


@dataclass(frozen=True)
class Authenticated:
    """A call that an access token authenticated."""

    installation: Installation
    token: tokens.AccessToken
    why: str


class Authentication:
    """Checks access tokens against a clock's instant and the key of this simulator."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    def authenticate(self, authorization: str | None, now_ms: int) -> Authenticated:
        """Return who calls with an ``Authorization`` header. ``now_ms`` is the instant in epoch milliseconds.

        Raises ExpiredAuthentication or InvalidAuthentication.
        """
        scheme, _, text = (authorization or "").partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text:
            given = (
                "no Authorization header" if not authorization else "the Authorization header is not 'Bearer <token>'"
            )
            raise InvalidAuthentication(why=given)
        return self.check(text, now_ms)

    def check(self, text: str, now_ms: int) -> Authenticated:
        """Return who holds an access token. The expiry is checked before the signature, as HubSpot does.

        Raises ExpiredAuthentication or InvalidAuthentication.
        """
        name = tokens.shorten(text)
        if text.startswith("pat-"):
            raise InvalidAuthentication(why=f"{name} has the form of a private-app token, and none is known")
        try:
            token = tokens.parse(text)
        except tokens.MalformedToken as error:
            raise InvalidAuthentication(why=f"{name} is not an access token: {error}") from None
        ours = tokens.is_signed(token, self._ids.signing_key)
        foreign = "" if ours else "; it was not issued by this simulator"
        expires_at_ms = token.expires_at_ms
        if expires_at_ms is None:
            raise _expired(0, now_ms, f"{name} carries no expiry, which HubSpot reads as 1970{foreign}")
        installation = self._store.installations.get((token.app_id, token.hub_id))
        if expires_at_ms <= now_ms:
            newer = foreign or _newer(installation, expires_at_ms, now_ms)
            seconds = _seconds(now_ms - expires_at_ms)
            raise _expired(expires_at_ms, now_ms, f"{name} expired {seconds} ago on the simulator's clock{newer}")
        if not ours or installation is None:
            raise InvalidAuthentication(
                why=f"{name} was not issued by this simulator (a token kept from another test, or changed on its way?)"
            )
        return Authenticated(installation, token, f"{name} is good for another {_seconds(expires_at_ms - now_ms)}")


def _expired(expires_at_ms: int, now_ms: int, why: str) -> ExpiredAuthentication:
    return ExpiredAuthentication(ago=age(now_ms - expires_at_ms), expire_time=iso_instant(expires_at_ms), why=why)


def _newer(installation: Installation | None, expires_at_ms: int, now_ms: int) -> str:
    if installation is None or installation.newest_expires_at_ms <= expires_at_ms:
        return "; no newer token was issued"
    return f"; a newer token was issued {_seconds(now_ms - installation.newest_issued_at_ms)} ago"


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g} s" if ms < 10_000 else f"{ms // 1000} s"
