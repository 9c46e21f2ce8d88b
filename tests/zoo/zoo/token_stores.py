"""What every client of the zoo has in common: all of it that makes no request."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

if TYPE_CHECKING:
    from pytest_hubspot_auth import Connection

USUAL_LIFETIME = 1800  # seconds: what HubSpot documents, for an answer that does not say
CONTACTS = "/crm/v3/objects/contacts"
COMPANIES = "/crm/v3/objects/companies"
DEALS = "/crm/v3/objects/deals"


class HubSpotError(Exception):
    """HubSpot refused a request."""


class NeedsReconnect(HubSpotError):
    """The refresh token is dead: the user must connect the account again."""


class Answer(NamedTuple):
    """An answer of HubSpot. ``members`` are those of its JSON, none when it is something else."""

    status: int
    members: dict[str, Any]

    @classmethod
    def of(cls, status: int, body: bytes) -> Answer:
        """Return the answer with a status and a body."""
        try:
            members = json.loads(body)
        except ValueError:
            members = {}
        return cls(status, members if isinstance(members, dict) else {})


class TokenStore:
    """Keeps the tokens of one account, and decides: is a refresh due, was a token rejected, is the connection dead.

    ``state`` is what it works with, ``row`` what stands in its database.
    """

    concurrency: str | None = None  # how several may use one client at the same time: "threads" or "tasks"
    token_path = "/oauth/2026-09/token"
    margin = 60.0  # seconds: a token that dies on its way is as dead as one that died before

    def __init__(self, connection: Connection) -> None:
        self.base_url = connection.base_url
        self.client_id = connection.client_id
        self.client_secret = connection.client_secret
        self.connected = True
        self.row = ""
        if connection.stored is not None:
            self.row = str(connection.stored)
            self.state = self.load(self.row)
        else:
            self.adopt(connection.tokens, connection.obtained_at.timestamp())

    def load(self, row: str) -> dict[str, Any]:
        """Return the state that a row of the database holds."""
        return dict(json.loads(row))

    def save(self) -> None:
        """Write the state to the database."""
        self.row = json.dumps(self.state)

    def adopt(self, tokens: Mapping[str, Any], now: float) -> None:
        """Take a token response, asked for at ``now`` (epoch seconds), as the state, and save it."""
        self.state = {
            "access_token": tokens["access_token"],
            "refresh_token": self.refresh_token_of(tokens),
            "expires_at": self.expiry(tokens, now),
        }
        self.save()

    def refresh_token_of(self, tokens: Mapping[str, Any]) -> str | None:
        """Return the refresh token to use from now on."""
        new: str | None = tokens.get("refresh_token")
        return new or str(self.state["refresh_token"])

    def expiry(self, tokens: Mapping[str, Any], now: float) -> Any:
        """Return when a token expires (epoch seconds)."""
        return now + self.lifetime(tokens)

    def lifetime(self, tokens: Mapping[str, Any]) -> float:
        """Return the lifetime of a token in seconds."""
        return float(tokens.get("expires_in") or USUAL_LIFETIME)

    def due(self) -> bool:
        """Tell whether the token must be refreshed before it is used."""
        return time.time() >= float(self.state["expires_at"]) - self.margin

    def rejected(self, answer: Answer) -> bool:
        """Tell whether an answer rejects the access token, so that a new one may help."""
        return answer.status == 401 and self.category(answer) in ("EXPIRED_AUTHENTICATION", "INVALID_AUTHENTICATION")

    def category(self, answer: Answer) -> object:
        """Return HubSpot's name for a refusal."""
        return answer.members.get("category")

    def form(self) -> dict[str, str]:
        """Return the parameters of a refresh. Raises NeedsReconnect when the connection is known to be dead."""
        if not self.connected:
            raise NeedsReconnect("connect the account again")
        return {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.state["refresh_token"],
        }

    def refreshed(self, answer: Answer, now: float) -> None:
        """Take the answer of a refresh. Raises NeedsReconnect or HubSpotError when it was refused."""
        if answer.members.get("error") == "invalid_grant":
            self.connected = False
            raise NeedsReconnect(str(answer.members.get("message")))
        self.adopt(self.result(answer), now)

    def result(self, answer: Answer) -> dict[str, Any]:
        """Return what HubSpot answered. Raises HubSpotError for a refusal."""
        if answer.status >= 400:
            raise HubSpotError(f"{answer.status}: {answer.members.get('message')}")
        return answer.members

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do a unit of work; its own writes to the database would be undone when it fails, the tokens are not."""
        yield


def new_contact() -> dict[str, Any]:
    """Return the properties of a contact that nobody else creates."""
    return {"properties": {"firstname": "Ada", "lastname": uuid4().hex}}


def page_path(after: str | None) -> str:
    """Return the path of a page of contacts."""
    return f"{CONTACTS}?limit=1" + (f"&after={after}" if after else "")


def next_page(page: dict[str, Any]) -> str | None:
    """Return where the next page begins, None on the last."""
    after = page.get("paging", {}).get("next", {}).get("after")
    return str(after) if after else None
