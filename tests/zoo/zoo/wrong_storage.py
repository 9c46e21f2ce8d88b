"""Wrong about what is kept, and where: the database, a header made once, a job in the queue, another account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .blocking import Client
from .token_stores import DEALS, Answer

if TYPE_CHECKING:
    from pytest_hubspot_auth import Connection


class HeldApiObject(Client):
    """Its API object got the token when it was made, and goes on sending it after a refresh. Evidence:
    hubspot-api-nodejs#341, hubspot-api-client 12 (a held `basic_api`), oxide third-party-api-clients#26."""

    bug = 12

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.headers_token = str(self.state["access_token"])

    def send(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Answer:
        return super().send(method, path, self.headers_token, body)


class ForgetsToSave(Client):
    """It does not store the token that a refresh brings: a restart finds the old one. Evidence: umbraco
    Backoffice#1784, HubSpot-Academy/integrating-with-hubspot-i-foundations#3."""

    bug = 20

    def save(self) -> None:
        if not self.row:  # when the account is connected
            super().save()


class RollsTheTokenBack(Client):
    """It stores the token in the transaction of the work, and a failure of the work rolls both back. Evidence:
    druks#553, operately#4919, Cogtrix#2164."""

    bug = 23

    @contextmanager
    def transaction(self) -> Iterator[None]:
        before = self.row
        try:
            yield
        except BaseException:
            self.row = before
            raise


class ColumnTooShort(Client):
    """Its column holds 255 characters, and cuts a longer token in silence. Evidence: HubSpot docs "tokens up to 300
    characters", fastapi-users-db-sqlalchemy#20, writefreely#516, Sylius#13505, phpvms#1830."""

    bug = 24

    def save(self) -> None:
        self.row = json.dumps({**self.state, "access_token": self.state["access_token"][:255]})


class OneTokenForAllPortals(Client):
    """It keeps the tokens by app and not by account: the portal that was connected last gets all calls. Evidence:
    hubspot-api-nodejs#341, benchling#22, CCMS#130, MSAL.net#5743, moltin#136."""

    bug = 35
    by_app: dict[str, dict[str, Any]] = {}  # noqa: RUF012  (shared by all accounts: that is the bug)

    @property
    def state(self) -> dict[str, Any]:
        return self.by_app[self.client_id]

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self.by_app[self.client_id] = state


class TokenInTheJob(Client):
    """It puts the headers, token and all, into the queue with the job. Evidence: tap-zendesk#191, lobu#1280,
    twinfield#174."""

    bug = 36

    def prepare(self) -> Callable[[], object]:
        token = self.token()
        return lambda: self.result(self.send("GET", f"{DEALS}?limit=1", token))


class SendsItsPlaceholder(Client):
    """It sends the text `access-token` until the first refresh, and HubSpot says that it expired in 1970. Evidence:
    hubspot-api-php#363."""

    bug = 37
    placeholder = "access-token"

    def refresh(self) -> None:
        super().refresh()
        self.placeholder = ""

    def send(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Answer:
        return super().send(method, path, self.placeholder or token, body)
