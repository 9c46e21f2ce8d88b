"""Every clause of every why is true: issue A2. Random traffic, and a ledger of what has happened, kept beside it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from werkzeug.test import Client

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core import tokens
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.core.connected_installation import ConnectedInstallation
from hubspot_simulator.core.instants import to_datetime
from hubspot_simulator.core.model import App, Portal
from hubspot_simulator.http.app import Application

NOW_MS = 1_790_000_000_000
TTL_MS = 1_800_000
LIST = "/crm/v3/objects/contacts"
FORGED = "injected: its token"


def seconds(ms: int) -> str:
    return f"{ms / 1000:g} s" if ms < 10_000 else f"{ms // 1000} s"


@dataclass
class Connection:
    """What a user allowed an app in a portal, and every access token that came of it, in order."""

    app: App
    portal: Portal
    refresh_token: str
    installed: ConnectedInstallation
    first_read: bool = False
    tokens: list[str] = field(default_factory=list)
    issued_ms: dict[str, int] = field(default_factory=dict)
    dead: str = ""
    ended: bool = False


class World:
    """A simulator under random traffic, and what is known to have happened to it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.settings = Settings(
            refresh_rotation=self.random.random() < 0.3, after_uninstall=self.random.choice(["alive", "dead"])
        )
        self.sim = Simulator(self.settings, clock=ManualClock(NOW_MS), name="test")
        self.client = Client(Application(self.sim))
        other = Simulator(clock=ManualClock(NOW_MS), name="other")
        self.foreign = [other.installation.access_token, other.install(other.add_app()).access_token]
        self.forget()
        self.before_reset: list[str] = []

    def forget(self) -> None:
        self.connections: list[Connection] = []
        self.apps, self.portals = [self.sim.app], [self.sim.portal]
        self.early_ms: dict[str, int] = {}
        self.revoked: set[str] = set()
        self.deleted: set[int] = set()
        self.app_tokens: dict[str, int] = {}

    @property
    def now_ms(self) -> int:
        return self.sim.clock.now_ms()

    # what happens

    def install(self) -> None:
        app, portal = self.random.choice(self.apps), self.random.choice(self.portals)
        installed = self.sim.install(app, portal)
        self.connections.append(Connection(app, portal, installed.refresh_token, installed))

    def add(self) -> None:
        if self.random.random() < 0.5:
            self.apps.append(self.sim.add_app())
        else:
            self.portals.append(self.sim.add_portal())

    def read(self) -> None:
        for connection in self.random.sample(self.connections, min(2, len(self.connections))):
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        if not connection.first_read:
            connection.first_read = True
            text = connection.installed.access_token
            connection.tokens.insert(0, text)
            connection.issued_ms[text] = tokens.parse(text).expires_at_ms - TTL_MS

    def refresh(self) -> None:
        if not self.connections:
            return
        connection = self.random.choice(self.connections)
        form = {"grant_type": "refresh_token", "refresh_token": connection.refresh_token}
        app = self.random.choice([connection.app] * 4 + self.apps)
        answer = self.client.post("/oauth/v3/token", data={**form, **self._credentials(app)})
        why = self._last_why()
        if answer.status_code == 200:
            assert why == "refreshed: a new token of 1800 s"
            assert answer.json
            assert not connection.dead
            connection.tokens.append(answer.json["access_token"])
            connection.issued_ms[answer.json["access_token"]] = self.now_ms
            connection.refresh_token = answer.json["refresh_token"]
        elif "another app" in why:
            assert app is not connection.app
        elif why.startswith("BAD_HUB"):
            assert connection.portal.hub_id in self.deleted
        else:
            assert why == f"BAD_REFRESH_TOKEN: {connection.dead}"

    def app_token(self) -> None:
        app = self.random.choice(self.apps)
        form = {"grant_type": "client_credentials", "scope": "developer.webhooks_journal.read"}
        answer = self.client.post("/oauth/v3/token", data={**form, **self._credentials(app)})
        assert answer.status_code == 200
        assert answer.json
        self.app_tokens[answer.json["access_token"]] = self.now_ms

    def revoke(self) -> None:
        if self.connections and self.random.random() < 0.3:
            connection = self.random.choice(self.connections)
            form = {"token": connection.refresh_token, **self._credentials(connection.app)}
            assert self.client.post("/oauth/v3/token/revoke", data=form).status_code == 200
            assert ("nothing to revoke" in self._last_why()) == bool(connection.dead)
            connection.dead = connection.dead or "the refresh token was revoked"

    def uninstall(self) -> None:
        if self.connections and self.random.random() < 0.2:
            gone = self.random.choice(self.connections)
            self.sim.uninstall(gone.installed)
            for one in self.connections:
                if one.app is gone.app and one.portal is gone.portal:
                    one.dead, one.ended = one.dead or "the app was uninstalled", True

    def delete(self) -> None:
        if self.random.random() < 0.05:
            portal = self.random.choice(self.portals)
            self.sim.delete_portal(portal)
            self.deleted.add(portal.hub_id)

    def move(self) -> None:
        self.sim.clock.advance(
            self.random.choice([timedelta(minutes=31), timedelta(seconds=self.random.uniform(-2000, 2000))])
        )

    def reset(self) -> None:
        if self.random.random() < 0.03:
            offset = timedelta(milliseconds=self.sim.clock.offset_ms)
            self.before_reset += [text for one in self.connections for text in one.tokens]
            self.sim.reset()
            self.sim.clock.advance(offset + timedelta(seconds=1))  # or the tokens of before would be given out again
            self.forget()

    def call(self) -> None:
        known = [text for one in self.connections for text in one.tokens]
        text = self.random.choice([*known * 4, *self.app_tokens, *self.foreign, *self.before_reset, "no.token", "bm8"])
        if self.random.random() < 0.1 and known:
            text = self._forge(self.random.choice(known))
        fault = self.random.choice(["", "", "", "server_only", "revoked", "expiry", "in_flight"])
        injected = self.sim.inject(fault) if fault else None
        before_ms = self.now_ms
        alive = self._expiry_ms(text) > before_ms
        if fault == "server_only" and alive:
            self.early_ms[text] = before_ms
        if fault == "revoked":
            self.revoked.add(text)
        self.client.get(LIST, headers={"Authorization": f"Bearer {text}"})
        exchange = self.sim.journal.exchanges[-1]
        assert injected is None or injected.hits == [exchange]
        at_ms = exchange.at_ms
        for clause in exchange.why.split("; "):
            self.check(clause, text, at_ms, before_ms, alive)

    def introspect(self) -> None:
        if self.connections:
            one = self.random.choice(self.connections)
            text = self.random.choice([one.refresh_token, *one.tokens])
            answer = self.client.post(
                "/oauth/v3/token/introspect", data={"token": text, **self._credentials(one.app)}
            ).json
            assert answer
            why = self._last_why()
            if answer["active"]:
                assert why == "the token is good"
                if text != one.refresh_token:
                    assert answer["expires_in"] == (self._expiry_ms(text) - self.now_ms) // 1000
            elif text == one.refresh_token:
                assert why.startswith(f"it is a refresh token, and {one.dead}")
            else:
                for clause in why.split("; "):
                    self.check(clause, text, self.now_ms, self.now_ms, self._expiry_ms(text) > self.now_ms)

    # what is true

    def check(self, clause: str, text: str, now_ms: int, before_ms: int, alive: bool) -> None:
        """Assert that a clause of the why of a call with an access token is true."""
        name = re.escape(tokens.shorten(text))
        one = next((found for found in self.connections if text in found.tokens), None)
        ours = one is not None or text in self.app_tokens or text in self.before_reset
        if text in self.before_reset:  # the same users come again
            one = self._of_user(tokens.parse(text).user_id)
        left_ms = self._expiry_ms(text) - now_ms
        for pattern, holds in {
            rf"{name} is good for another (.+)": lambda s: one and left_ms > 0 and s == seconds(left_ms),
            rf"{name} expired (.+) ago on the simulator's clock": lambda s: left_ms <= 0 and s == seconds(-left_ms),
            "no newer token was issued": lambda: one and text == one.tokens[-1] and not self._others(one),
            "no newer token was issued to its user": lambda: one and text == one.tokens[-1],
            "a newer token was issued": lambda: one and text != one.tokens[-1] and self._since(one, now_ms) < 0,
            "a newer token was issued (.+) ago": lambda s: (
                one and text != one.tokens[-1] and s == seconds(self._since(one, now_ms))
            ),
            "it was not issued by this simulator: it was changed on its way, .*": lambda: not ours,
            rf"{name} was not issued by this simulator: it was changed on its way, .*": lambda: not ours,
            rf"{name} was issued before the simulator was reset, .*": lambda: text in self.before_reset,
            rf"{name} was revoked": lambda: text in self.revoked,
            rf"{name} is not an access token: .*": lambda: text in ("no.token", "bm8"),
            "… is not an access token: .*": lambda: text in ("no.token", "bm8"),
            "the portal was deleted": lambda: one and one.portal.hub_id in self.deleted,
            "the app was uninstalled, and after_uninstall is dead": lambda: (
                one and one.ended and self.settings.after_uninstall == "dead"
            ),
            r"the token is an app's own \(client_credentials\), .*": lambda: text in self.app_tokens,
            "injected: its token expires early": lambda: alive,
            "injected: its token was to expire early, and had expired before": lambda: not alive,
            "injected: its token is revoked": lambda: text in self.revoked,
            "(?:then|on its way) HubSpot's clock moved by .*": lambda: self.now_ms > before_ms,
            "(?:then|on its way) no clock moved: no access token was left to expire": self._all_expired,
        }.items():
            found = re.fullmatch(pattern, clause)
            if found:
                assert holds(*found.groups()), (clause, text, one)
                return
        raise AssertionError(f"a clause that this test does not know: {clause!r}")

    def _of_user(self, user_id: int) -> Connection | None:
        for one in self.connections:
            if self.sim.store.refresh_tokens[one.refresh_token].grant.user_id == user_id:
                self._read(one)
                return one
        return None

    def _since(self, one: Connection, now_ms: int) -> int:
        return now_ms - one.issued_ms[one.tokens[-1]]

    def _others(self, one: Connection) -> list[Connection]:
        """Return the other connections of the same app and portal that were issued a token."""
        return [
            other
            for other in self.connections
            if other is not one and other.app is one.app and other.portal is one.portal and other.tokens
        ]

    def _expiry_ms(self, text: str) -> int:
        token = tokens.try_parse(text)
        return 0 if token is None else self.early_ms.get(text, token.expires_at_ms or 0)

    def _all_expired(self) -> bool:
        texts = [*self.app_tokens, *(text for one in self.connections for text in one.tokens)]
        return all((tokens.parse(text).expires_at_ms or 0) <= self.now_ms for text in texts)

    def _forge(self, text: str) -> str:
        """Return a token that says the same, its nonce included, and is signed by somebody else."""
        forged = tokens.issue(tokens.parse(text), b"another key")
        assert forged != text
        return forged

    def _credentials(self, app: App) -> dict[str, str]:
        return {"client_id": app.client_id, "client_secret": app.client_secret}

    def _last_why(self) -> str:
        return self.sim.journal.exchanges[-1].why


@pytest.mark.parametrize("seed", range(60))
def test_each_clause_of_each_why_is_true(seed: int) -> None:
    world = World(seed)
    steps: list[Callable[[], None]] = [
        world.install,
        world.add,
        world.read,
        world.read,
        world.refresh,
        world.refresh,
        world.app_token,
        world.revoke,
        world.uninstall,
        world.delete,
        world.move,
        world.reset,
        world.introspect,
        *[world.call] * 6,
    ]
    world.install()
    for _ in range(150):
        world.random.choice(steps)()


def test_one_token_that_expired_early_has_no_newer_one() -> None:
    sim = Simulator(clock=ManualClock(NOW_MS))
    client = Client(Application(sim))
    bearer = {"Authorization": f"Bearer {sim.installation.access_token}"}
    sim.inject("server_only")
    client.get(LIST, headers=bearer)
    sim.clock.advance(seconds=180)
    client.get(LIST, headers=bearer)
    for exchange in sim.journal.exchanges:
        assert "no newer token was issued" in exchange.why
        assert "a newer token" not in exchange.why


def test_another_users_token_is_no_newer_one() -> None:
    sim = Simulator(clock=ManualClock(NOW_MS))
    client = Client(Application(sim))
    mine = sim.install().access_token
    sim.clock.advance(minutes=31)
    assert sim.install().issued_at == to_datetime(NOW_MS + 31 * 60_000)
    client.get(LIST, headers={"Authorization": f"Bearer {mine}"})
    assert sim.journal.exchanges[-1].why.endswith("; no newer token was issued to its user")
