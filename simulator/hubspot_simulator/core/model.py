"""The nouns: who has connected what to which account, and what that gave them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .redaction import shown
from .tokens import shorten
from .words import plural


@dataclass(frozen=True, repr=False)
class Portal:
    """A HubSpot account.

    ``scopes`` are those that its subscription has, ``user_scopes`` those that its user may give to an app; None is
    all. ``developer`` marks a developer account, in which no app can be installed. ``utc_offset_minutes`` is that of
    its time zone.
    """

    hub_id: int
    hub_domain: str
    hublet: str = "na1"
    scopes: tuple[str, ...] | None = None
    user_scopes: tuple[str, ...] | None = None
    developer: bool = False
    utc_offset_minutes: int = -300

    @property
    def ui_domain(self) -> str:
        """The host of its pages."""
        return "app.hubspot.com" if self.hublet == "na1" else f"app-{self.hublet}.hubspot.com"

    def __repr__(self) -> str:
        kind = "developer portal" if self.developer else "portal"
        return f"<{kind} {self.hub_id}, {shown(self.hub_domain)}, {shown(self.hublet)}>"


@dataclass(frozen=True, repr=False)
class App:
    """A public app, as its developer registered it. ``scopes`` are required, ``optional_scopes`` are not."""

    app_id: int
    name: str
    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    optional_scopes: tuple[str, ...] = ()

    @property
    def redirect_uri(self) -> str:
        """The first of its registered redirect URIs."""
        return self.redirect_uris[0]

    @property
    def all_scopes(self) -> tuple[str, ...]:
        """Every scope that it may be granted."""
        return self.scopes + self.optional_scopes

    def __repr__(self) -> str:
        return (
            f"<app {self.app_id} {shown(self.name)!r}: client_id {shown(self.client_id)}, {_scopes(self.all_scopes)}>"
        )


@dataclass(frozen=True, repr=False)
class PrivateApp:
    """An app of one portal, with one access token that does not expire."""

    app_id: int
    portal: Portal
    scopes: tuple[str, ...]
    user_id: int
    access_token: str

    def __repr__(self) -> str:
        token = shorten(self.access_token)
        return f"<private app {self.app_id} in portal {self.portal.hub_id}: token {token}, {_scopes(self.scopes)}>"


@dataclass(frozen=True)
class Issued:
    """An access token that was issued: what tells it from all others, and when (epoch milliseconds)."""

    identity: bytes
    at_ms: int


@dataclass
class Installation:
    """An app in a portal.

    It is ``active`` from the first exchange of a code until the app is uninstalled. ``newest`` is the access token
    that was issued last, by the user to whose grant it belongs. ``ended_user_ids`` are the users whose grants ended
    when the app was uninstalled.
    """

    app: App
    portal: Portal
    active: bool = False
    newest: dict[int, Issued] = field(default_factory=dict)
    ended_user_ids: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Grant:
    """What a user allowed an app in a portal."""

    installation: Installation
    scopes: tuple[str, ...]
    user_id: int
    user_email: str


@dataclass
class AuthorizationCode:
    """A code, good for one exchange before ``expires_at_ms`` (epoch milliseconds)."""

    value: str = field(repr=False)
    grant: Grant
    redirect_uri: str
    expires_at_ms: int
    code_challenge: str | None = None
    used: bool = False


@dataclass
class RefreshToken:
    """A refresh token; it does not expire by time."""

    value: str = field(repr=False)
    grant: Grant
    revoked_because: str | None = None


@dataclass(frozen=True)
class Condition:
    """Something that HubSpot answers to every call of a portal before ``until_ms`` (epoch milliseconds)."""

    kind: str
    until_ms: int
    correct_hublet: str = ""


@dataclass(frozen=True)
class TokenOverride:
    """What became of an access token other than it says: it expires early (epoch milliseconds), or is revoked."""

    expires_at_ms: int | None = None
    revoked: bool = False


@dataclass(frozen=True)
class Caller:
    """Who makes a call, as its access token says. ``kind`` is ``oauth`` or ``private_app``.

    ``installation`` is that of an OAuth app. ``why`` is a plain sentence on the token.
    """

    kind: str
    app_id: int
    portal: Portal
    scopes: tuple[str, ...]
    why: str
    installation: Installation | None = None


@dataclass(frozen=True)
class TokenResponse:
    """An access token as it was issued: the token endpoint's success, and when (epoch milliseconds).

    ``hub_id`` and ``refresh_token`` are None for a token of the app itself (``client_credentials``). ``said`` is
    what the answer says of the lifetime in seconds, None when it says nothing.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int
    said: int | None
    issued_at_ms: int
    hub_id: int | None
    scopes: tuple[str, ...]

    @property
    def expires_at_ms(self) -> int:
        """The first instant at which the token is expired (epoch milliseconds)."""
        return self.issued_at_ms + self.expires_in * 1000

    def as_json(self) -> dict[str, Any]:
        """Return the fields of the response in wire order (docs/fidelity.md, "Token endpoint")."""
        fields = {
            "token_type": "bearer",
            "refresh_token": self.refresh_token,
            "access_token": self.access_token,
            "hub_id": self.hub_id,
            "scopes": list(self.scopes),
            "expires_in": self.said,
            "token_use": "access_token" if self.refresh_token else "client_credentials",
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass
class FirstToken:
    """The access token that the exchange of the code gave: issued when it is read, or when time is about to move.

    ``stage`` is what held the time when the code was exchanged (``OffsetClock.stage``).
    """

    refresh_token: RefreshToken
    stage: object | None
    response: TokenResponse | None = None


def _scopes(scopes: tuple[str, ...]) -> str:
    return plural(len(scopes), "scope")
