"""Right clients that do one thing after the other."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from .token_stores import COMPANIES, CONTACTS, DEALS, Answer, TokenStore, new_contact, next_page, page_path

if TYPE_CHECKING:
    from pytest_hubspot_auth import Connection

TIMEOUT = 10  # seconds


class Client(TokenStore):
    """Refreshes a minute before the expiry, and once more when HubSpot rejects the token all the same."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.session = requests.Session()
        self.session.trust_env = False

    def work(self) -> object:
        """Read all contacts, page by page, and the deals."""
        with self.transaction():
            return self.contacts(), self.deals()

    def contacts(self) -> list[Any]:
        """Read all contacts."""
        page = self.call("GET", page_path(None))
        found = list(page["results"])
        while after := next_page(page):
            page = self.call("GET", page_path(after))
            found += page["results"]
        return found

    def deals(self) -> list[Any]:
        """Read a deal."""
        return list(self.call("GET", f"{DEALS}?limit=1")["results"])

    def companies(self) -> list[Any]:
        """Read a company, on another code path."""
        return list(self.call("GET", f"{COMPANIES}?limit=1")["results"])

    def write(self) -> object:
        """Create a contact."""
        return self.call("POST", CONTACTS, new_contact())

    def prepare(self) -> Callable[[], object]:
        """Put a unit of work in the queue, and return what the queue's worker will call."""
        return self.deals

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make an authenticated call. Raises HubSpotError."""
        token = self.token()
        answer = self.send(method, path, token, body)
        if self.rejected(answer):
            answer = self.send(method, path, self.renew(token), body)
        return self.result(answer)

    def token(self) -> str:
        """Return an access token that is good for a while."""
        if self.due():
            self.refresh()
        return str(self.state["access_token"])

    def renew(self, failed: str) -> str:
        """Return another access token in place of one that HubSpot rejected."""
        self.refresh()
        return str(self.state["access_token"])

    def refresh(self) -> None:
        """Get a new access token. Raises NeedsReconnect or HubSpotError."""
        now = time.time()
        self.refreshed(self.ask(self.form()), now)

    def ask(self, form: dict[str, str]) -> Answer:
        """Send a token request."""
        answer = self.session.post(self.base_url + self.token_path, data=form, timeout=TIMEOUT)
        return Answer.of(answer.status_code, answer.content)

    def send(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Answer:
        """Send a request, once."""
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.session.request(method, self.base_url + path, headers=headers, json=body, timeout=TIMEOUT)
        return Answer.of(answer.status_code, answer.content)

    def is_connected(self) -> bool:
        """Tell whether the user need not connect the account again."""
        return self.connected

    def close(self) -> None:
        """Close the connections."""
        self.session.close()


class Retrying(Client):
    """Has urllib3 repeat a read that was answered 429 or 5xx, or not at all; a POST never."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        busy = Retry(
            2,
            status_forcelist=[429, 500, 502, 503, 504],
            respect_retry_after_header=False,  # it would wait really
            raise_on_status=False,
        )
        self.session.mount("http://", HTTPAdapter(max_retries=busy))


class Reactive(Client):
    """Looks at no clock: it refreshes when HubSpot rejects the token. It needs nothing but the standard library."""

    def due(self) -> bool:
        return False

    def ask(self, form: dict[str, str]) -> Answer:
        return self._exchange(
            "POST", self.token_path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"}
        )

    def send(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {token}"}
        if body is None:
            return self._exchange(method, path, None, headers)
        return self._exchange(method, path, json.dumps(body), {**headers, "Content-Type": "application/json"})

    def _exchange(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.base_url).netloc, timeout=TIMEOUT)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer.of(answer.status, answer.read())
        finally:
            connection.close()
