"""What the audit sees in an exchange: a call with an access token, a token request, a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...core.exchange import Exchange
from ...core.tokens import AccessToken
from ...settings import Settings
from .sender import sender_keys

LOOKED_BACK = 200  # calls, at most, to find what one has to do with those before it
USUAL_LIFETIME_MS = 1000 * Settings.token_ttl
_GONE = {"BAD_REFRESH_TOKEN", "MISMATCH_REFRESH_TOKEN_CLIENT", "BAD_HUB"}

Account = tuple[int, int]  # an app in a portal: app id, hub id
GrantKey = tuple[int, int, int]  # and the user who allowed it


def seen(exchange: Exchange) -> bool:
    """Tell whether the client can have read the response."""
    return exchange.status != 0 and not exchange.effect.unread


def caller_ms(exchange: Exchange) -> int:
    """Return when a request came on the clock of whoever sent it; that clock may stand apart from HubSpot's."""
    return exchange.at_ms - exchange.skew_ms


def elapsed_ms(first: Exchange, last: Exchange) -> int:
    """Return how long after one request another came, on the clock on which that was longer."""
    return max(last.at_ms - first.at_ms, caller_ms(last) - caller_ms(first))


def text_of(fields: dict[str, Any], name: str) -> str:
    """Return a member that is text, else nothing."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


@dataclass(eq=False, repr=False)  # it holds secrets
class Token:
    """An access token that HubSpot issued.

    ``issued`` is the token request that gave it, None when that was before the journal. ``expires_ms`` and
    ``lifetime_ms`` are as its holder knows them: an ``expires_in`` below the truth counts. ``issued_ms`` is on
    HubSpot's clock, ``held_ms`` the same instant on its holder's. ``holders`` are those who are known to have had it
    (``sender_keys``), each with the number of the first exchange that shows it. ``foreign`` ones HubSpot never issued.
    """

    text: str
    says: AccessToken
    grant: GrantKey
    issued: TokenRequest | None = None
    issued_ms: int = 0
    held_ms: int = 0
    expires_ms: int = 0
    lifetime_ms: int = USUAL_LIFETIME_MS
    calls: list[ApiCall] = field(default_factory=list)
    holders: dict[tuple[str, int], int] = field(default_factory=dict)
    foreign: bool = False

    def shown_by(self, exchange: Exchange) -> None:
        """Note that an exchange shows its sender to have it."""
        for key in sender_keys(exchange):
            self.holders[key] = min(exchange.number, self.holders.get(key, exchange.number))

    def was_held(self, by: Exchange, number: int) -> bool:
        """Tell whether the sender of a request is known to have had it when exchange ``number`` was answered."""
        return any(self.holders.get(key, number + 1) <= number for key in sender_keys(by))

    @property
    def account(self) -> Account:
        """Its app and portal."""
        return self.grant[:2]

    @property
    def rejections(self) -> list[ApiCall]:
        """The calls with it that were answered 401."""
        return [call for call in self.calls if call.exchange.status == 401]

    def ages_ms(self, exchange: Exchange) -> tuple[int, int]:
        """Return how old it was when a request came: the lesser and the greater age, of those on the two clocks.

        A holder that looks at either clock is right. So nobody refreshes too early who does by the greater age.
        """
        ages = exchange.at_ms - self.issued_ms, caller_ms(exchange) - self.held_ms
        return min(ages), max(ages)

    def is_newer_than(self, other: Token) -> bool:
        """Tell whether it was issued after another; one whose request is in the journal is, at the same instant.

        One that was in use before the other was given is older, even if HubSpot's clock has been put back since.
        """
        if self.issued and other.issued:
            return self.issued.number > other.issued.number
        if self.issued and other.calls and other.calls[0].number < self.issued.number:
            return True
        if other.issued and self.calls and self.calls[0].number < other.issued.number:
            return False
        return (self.issued_ms, self.issued is not None) > (other.issued_ms, other.issued is not None)


@dataclass(eq=False, repr=False)  # it holds secrets
class ApiCall:
    """A call of a route that wants an access token.

    ``token`` is None when what it carries is no OAuth access token. ``made_good`` is the call that repeated it with
    a newer token, after its 401; that call ``repeats``.
    """

    exchange: Exchange
    text: str
    token: Token | None
    fields: dict[str, Any] = field(default_factory=dict)  # of the answer, where it is a 401
    made_good: ApiCall | None = None
    repeats: bool = False

    @property
    def number(self) -> int:
        """The number of the exchange, which is the order of the answers."""
        return self.exchange.number

    @property
    def after(self) -> int:
        """The number of the last exchange that had been answered when this one came."""
        return self.exchange.after

    @property
    def ok(self) -> bool:
        """Whether it was answered 2xx."""
        return 200 <= self.exchange.status < 300

    @property
    def refused(self) -> bool:
        """Whether the client read a 401."""
        return self.exchange.status == 401 and seen(self.exchange)

    @property
    def expired(self) -> bool:
        """Whether the client read that the token has expired."""
        return self.refused and self.fields.get("category") == "EXPIRED_AUTHENTICATION"

    @property
    def target(self) -> tuple[str, str, str]:
        """Method, path and query; the order of the parameters does not matter."""
        exchange = self.exchange
        query = exchange.query
        return exchange.method, exchange.path, "&".join(sorted(query.split("&"))) if "&" in query else query

    @property
    def request(self) -> tuple[str, str, str, bytes]:
        """What makes two requests the same: target and body. The boundaries of a multipart body differ."""
        body = self.exchange.request_body
        return *self.target, b"multipart" if body and self.exchange.media_type.startswith("multipart/") else body


@dataclass(eq=False, repr=False)  # it holds secrets
class TokenRequest:
    """A request of the token endpoint.

    ``form`` holds the fields of the body (form or JSON) and, for v1, of the query. ``fields`` are those of the answer.
    ``token`` is what it gave, ``fresh`` False when that had been given before. ``account`` and ``app_id`` are None
    when nothing in the journal tells them.
    """

    exchange: Exchange
    form: dict[str, str]
    fields: dict[str, Any]
    token: Token | None = None
    fresh: bool = True
    account: Account | None = None
    app_id: int | None = None

    @property
    def number(self) -> int:
        """The number of the exchange, which is the order of the answers."""
        return self.exchange.number

    @property
    def after(self) -> int:
        """The number of the last exchange that had been answered when this one came."""
        return self.exchange.after

    @property
    def grant_type(self) -> str:
        """The grant type that it asked for."""
        return self.form.get("grant_type", "")

    @property
    def refusal(self) -> str:
        """HubSpot's name for the refusal; empty for a success."""
        return text_of(self.fields, "status") if self.exchange.status >= 400 else ""

    @property
    def refresh_token_is_dead(self) -> bool:
        """Whether the client read that this refresh token will never work."""
        return self.refusal in _GONE and seen(self.exchange)

    def may_concern(self, account: Account) -> bool:
        """Tell whether it may have been a try to get a token for an account."""
        if self.grant_type == "client_credentials":
            return False
        if self.account is not None:
            return self.account == account
        return self.grant_type != "authorization_code" and self.app_id in (None, account[0])
