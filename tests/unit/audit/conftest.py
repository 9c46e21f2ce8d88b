"""Journals for the audit: real ones of a simulator without sockets, and written ones for what overlaps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core import tokens
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.core.connected_installation import ConnectedInstallation
from hubspot_simulator.core.exchange import NO_EFFECT, Exchange
from hubspot_simulator.http.app import Application
from hubspot_simulator.lab.audit import Finding, audit
from hubspot_simulator.lab.faults.behaviours import AnswerLost, Delay, OldToken
from hubspot_simulator.lab.faults.expiries import Expiry, ServerOnly
from hubspot_simulator.lab.faults.refusals import gateway

NOW_MS = 1_795_000_000_000  # 2026-11-18
CONTACTS = "/crm/v3/objects/contacts"
TOKEN = "/oauth/v1/token"
KEY = b"key of the tests"
FORM = "application/x-www-form-urlencoded"
EFFECTS = {  # what the faults that stand in written journals declare
    "answer_lost": AnswerLost.effect,
    "delay": Delay.effect,
    "expiry": Expiry.effect,
    "old_token": OldToken.effect,
    "server_only": ServerOnly.effect,
    "BAD_GATEWAY:after_accepting": gateway(502, after_accepting=True).effect,
}


class CallersClock(ManualClock):
    """The clock of whoever calls. HubSpot's goes with it, unless it is moved by itself."""

    def advance(self, delta: timedelta) -> None:
        """Move both clocks."""
        self._now_ms += delta // timedelta(milliseconds=1)


class InOneProcess(Simulator):
    """A simulator that can let time pass for its caller too, as the plugin's can."""

    def move_time(self, delta: timedelta) -> str:
        """Move both clocks."""
        clock = self.clock.base
        assert isinstance(clock, CallersClock)
        clock.advance(delta)
        return "both clocks"


class Lab:
    """A simulator on a clock that stands, and clients of it. ``alone``: it cannot let time pass for its caller."""

    def __init__(self, *, alone: bool = False, **settings: Any) -> None:
        self.clock = CallersClock(NOW_MS)
        self.sim = (Simulator if alone else InOneProcess)(Settings(**settings), clock=self.clock)
        self.application = Application(self.sim)
        self.client = Client(self.application)
        self.installed = self.sim.installation
        self.first = self.installed.access_token

    def call(self, token: str, method: str = "GET", path: str = CONTACTS, **kwargs: Any) -> TestResponse:
        """Make a call with an access token."""
        return self.client.open(path, method=method, headers={"Authorization": f"Bearer {token}"}, **kwargs)

    def create(self, token: str, email: str) -> TestResponse:
        """Create a contact."""
        return self.call(token, "POST", json={"properties": {"email": email}})

    def ask(self, installed: ConnectedInstallation | None = None, path: str = TOKEN, **fields: str) -> TestResponse:
        """Ask for a refresh; ``fields`` replace those of the form."""
        installed = installed or self.installed
        form = {
            "grant_type": "refresh_token",
            "client_id": installed.app.client_id,
            "client_secret": installed.app.client_secret,
            "refresh_token": installed.refresh_token,
        }
        return self.client.post(path, data=form | fields)

    def refresh(self, installed: ConnectedInstallation | None = None) -> str:
        """Refresh and return the new access token."""
        text: str = self.ask(installed).json["access_token"]
        return text

    def tick(self, seconds: float) -> None:
        """Let time pass, for both sides."""
        self.clock.advance(timedelta(seconds=seconds))

    def tick_caller(self, seconds: float) -> None:
        """Move the caller's clock, and not HubSpot's."""
        self.sim.clock.hold(lambda: self.tick(seconds))

    def tick_hubspot(self, seconds: float) -> None:
        """Move HubSpot's clock, and not the caller's."""
        self.sim.clock.advance(seconds=seconds)

    def expire(self) -> None:
        """Let the token of the last half hour expire."""
        self.tick(1801)

    @property
    def findings(self) -> list[Finding]:
        """What the audit says."""
        return audit(self.sim.journal.exchanges)

    @property
    def ids(self) -> list[str]:
        """The ids of what the audit says."""
        return [finding.id for finding in self.findings]

    def only(self, id: str) -> Finding:
        """Return the one finding, which must have that id."""
        assert self.ids == [id], "\n".join(map(str, self.findings))
        return self.findings[0]


class Tape:
    """A journal that is written by hand. Seconds count from the issue of the first token, ``self.first``."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self._nonces = 0
        self.first = self.token()

    def token(self, issued: float = 0, *, hub_id: int = 111, app_id: int = 7, lifetime: float = 1800) -> str:
        """Return a token that was issued at a second."""
        self._nonces += 1
        expires_at_ms = NOW_MS + int((issued + lifetime) * 1000)
        nonce = self._nonces.to_bytes(20, "big")
        says = tokens.AccessToken(expires_at_ms, b"\1", hub_id, 5, app_id, nonce=nonce, hublet="na1")
        return tokens.issue(says, KEY)

    def add(self, **fields: Any) -> Exchange:
        """Add an exchange; without ``after`` it comes when the one before has been answered."""
        number = len(self.exchanges) + 1
        given: dict[str, Any] = {
            "number": number,
            "at_ms": NOW_MS + int(fields.pop("at", 0) * 1000),
            "method": "GET",
            "path": CONTACTS,
            "query": "",
            "route": None,
            "status": 200,
            "why": "written by hand",
            "request_headers": [],
            "request_body": b"",
            "response_headers": [],
            "response_body": b"{}",
            "correlation_id": "",
            "after": number - 1,
            "process": 0,
            "effect": NO_EFFECT,
        }
        for name in fields.get("faults", ()):
            given["effect"] |= EFFECTS[name]
        exchange = Exchange(**(given | fields))
        self.exchanges.append(exchange)
        return exchange

    def call(
        self, token: str, status: int = 200, *, category: str = "EXPIRED_AUTHENTICATION", **fields: Any
    ) -> Exchange:
        """Add a call with an access token; a 401 says that it has expired, unless told otherwise."""
        body = {"category": category} if status == 401 else {}
        headers = [("HTTP_AUTHORIZATION", f"Bearer {token}")]
        known = {"bearer": True, "status": status, "response_body": json.dumps(body).encode()}
        return self.add(request_headers=headers, **(known | fields))

    def refresh(self, gives: str = "", *, status: int = 200, refusal: str = "", **fields: Any) -> Exchange:
        """Add a refresh that gave a token, or was refused."""
        form = {"grant_type": "refresh_token", "client_id": "id", "client_secret": "secret", "refresh_token": "na1-r"}
        answer = {"access_token": gives, "expires_in": 1800} if status == 200 else {"status": refusal}
        known = {
            "method": "POST",
            "path": TOKEN,
            "route": TOKEN,
            "status": status,
            "request_headers": [("CONTENT_TYPE", FORM)],
            "request_body": urlencode(form | fields.pop("form", {})).encode(),
            "response_body": json.dumps(answer).encode(),
        }
        return self.add(**(known | fields))

    @property
    def findings(self) -> list[Finding]:
        """What the audit says."""
        return audit(self.exchanges)

    @property
    def ids(self) -> list[str]:
        """The ids of what the audit says."""
        return [finding.id for finding in self.findings]

    def only(self, id: str) -> Finding:
        """Return the one finding, which must have that id."""
        assert self.ids == [id], "\n".join(map(str, self.findings))
        return self.findings[0]


@pytest.fixture
def lab() -> Lab:
    """A simulator."""
    return Lab()


@pytest.fixture(scope="session")
def build() -> Callable[..., Lab]:
    """Build a simulator with settings."""
    return Lab


@pytest.fixture
def tape() -> Tape:
    """A journal to write."""
    return Tape()


@pytest.fixture
def numbers() -> Callable[[Finding], list[int]]:
    """Return the numbers of the exchanges that prove a finding."""

    def numbers(finding: Finding) -> list[int]:
        proof: Iterable[Exchange] = finding.exchanges
        return [exchange.number for exchange in proof]

    return numbers
