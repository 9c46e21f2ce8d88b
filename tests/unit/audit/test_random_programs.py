"""A right client is accused of nothing, whatever happens to it: random programs on the real simulator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Lab


from hubspot_simulator.lab.faults.injection import UNDECLARED

EXAMPLES = int(os.environ.get("RANDOM_PROGRAMS", "120"))  # of each test
CONTACTS = "/crm/v3/objects/contacts"
TOKENS = "/oauth/*/token"
GONE = {"BAD_REFRESH_TOKEN", "MISMATCH_REFRESH_TOKEN_CLIENT", "BAD_HUB"}
BY_NAME: dict[str, dict[str, list[Any]]] = {  # what a fault needs to be told
    "delay": {"seconds": [1, 40, 1900]},
    "held_answer": {"real_seconds": [0]},
    "without_members": {"members": [["refresh_token"], ["expires_in"], ["access_token"], ["token_type", "expires_in"]]},
    "clock_skew": {"minutes": [-40, -20, -2, 2, 10, 20, 40]},
}
ANYWHERE = ["connection_reset", "answer_lost", "truncated_body", "INTERNAL_ERROR", "BAD_GATEWAY", "SERVICE_UNAVAILABLE"]
NOT_FOR_TOKENS = {"EXPIRED_AUTHENTICATION", "INVALID_AUTHENTICATION", "expiry", "in_flight", "server_only", "revoked"}


# The sample of HubSpot's documentation, which no simulator has issued.
SAMPLE = "CJSP5qf1KhICAQEYs-gDIIGOBii1hQIyGQAf3xBKmlwHjX7OIpuIFEavB2-qYAGQsF4"


class Failed(Exception):
    """A unit of work failed, and is not tried again."""


class Senders:
    """Says of each request what a test wants it to say: the numbers of its connection and its process."""

    def __init__(self) -> None:
        self.sender: tuple[int | None, int | None] = (None, 0)

    def of(self, _: Mapping[str, Any]) -> tuple[int | None, int | None]:
        """Return who sends now."""
        return self.sender


class Client:
    """A right client of one installation: it looks at its clock, refreshes after a 401, and repeats that call once.

    It is a process of its own, which knows nothing of what others do. ``sender`` gives the numbers of its connection
    and its process, for each request.
    """

    refresh_token = ""
    token = ""
    expires_ms = 0
    dead = False

    def __init__(
        self,
        lab: Any,
        installed: Any,
        margin: float | None,
        sender: Callable[[], tuple[int | None, int | None]] = lambda: (None, 0),
    ) -> None:
        self.lab, self.installed, self.margin, self.sender = lab, installed, margin, sender

    def start(self, how: str, before: Client) -> None:
        """Begin with what a client of the same installation had: all, the refresh token alone, the first tokens."""
        if how == "with_all":
            self.token, self.refresh_token, self.expires_ms = before.token, before.refresh_token, before.expires_ms
        elif how == "with_the_refresh_token":
            self.refresh_token = before.refresh_token
        else:  # as the environment of all of them has it
            self.token, self.refresh_token = self.installed.access_token, self.installed.refresh_token
            self.expires_ms = self.installed.expires_at.timestamp() * 1000
        if how == "with_a_sample":
            self.token = SAMPLE

    def keep(self, answer: dict[str, Any]) -> None:
        """Keep the tokens of an answer."""
        self.dead = False
        self.token, self.refresh_token = answer["access_token"], answer.get("refresh_token", self.refresh_token)
        self.expires_ms = self.lab.clock.now_ms() + 1000 * answer.get("expires_in", 1800)

    def connect(self) -> None:
        """Have the user connect again."""
        app = self.installed.app
        code = self.lab.sim.authorize(app, self.installed.portal)
        self.ask(grant_type="authorization_code", code=code, redirect_uri=app.redirect_uri)

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """Make a call."""
        if self.dead:
            raise Failed
        if not self.token:
            self.refresh()
        if self.margin is not None and self.lab.clock.now_ms() >= self.expires_ms - self.margin * 1000:
            self.refresh()
        answer = self.send(method, path, **kwargs)
        if answer.status_code == 401:
            self.refresh()
            answer = self.send(method, path, **kwargs)
        if answer.status_code >= 400:
            raise Failed
        return answer.json

    def send(self, method: str, path: str, **kwargs: Any) -> Any:
        """Send a request; raise Failed when the connection breaks."""
        self.lab.application.senders.sender = self.sender()
        try:
            answer = self.lab.call(self.token, method, path, **kwargs)
            answer.get_data()
        except OSError as error:
            raise Failed from error
        return answer

    def refresh(self) -> None:
        """Get a new token, or raise Failed."""
        self.ask(refresh_token=self.refresh_token)

    def ask(self, **fields: str) -> None:
        """Ask for a token, or raise Failed."""
        self.lab.application.senders.sender = self.sender()
        try:
            answer = self.lab.ask(self.installed, **fields)
            answer.get_data()
        except OSError as error:
            raise Failed from error
        if answer.status_code != 200:
            self.dead = self.dead or (answer.status_code < 500 and answer.json.get("status") in GONE)
            raise Failed
        if "access_token" not in answer.json:
            raise Failed
        self.keep(answer.json)


class World:
    """Clients of several portals and apps, and what happens to them."""

    def __init__(self, lab: Any, margins: list[float | None], told: str = "process") -> None:
        self.lab = lab
        self.told = told
        self.numbers = count(1)
        lab.application.senders = Senders()
        sim = lab.sim
        places = [(sim.app, sim.portal), (sim.app, sim.add_portal()), (sim.add_app(), sim.portal)]
        self.clients = [
            Client(lab, sim.install(app=app, portal=portal), margin, self.sender())
            for (app, portal), margin in zip(places, margins, strict=False)
        ]
        for client in self.clients:
            client.keep(client.installed.token_response)
        self.emails: Iterator[int] = count()
        self.records: dict[int, list[str]] = {}

    def sender(self) -> Callable[[], tuple[int | None, int | None]]:
        """Return how a new process is seen: as such, by its one connection, or not at all."""
        number = next(self.numbers)
        if self.told == "process":
            return lambda: (next(self.numbers), number)
        if self.told == "connection":
            return lambda: (number, None)
        return lambda: (next(self.numbers), None)

    def begin(self, index: int, how: str, *, instead: bool) -> None:
        """Start a process for the account of a client: one more, or instead of it."""
        before = self.clients[index % len(self.clients)]
        client = Client(self.lab, before.installed, before.margin, self.sender())
        client.start(how, before)
        if instead:
            self.clients[index % len(self.clients)] = client
        else:
            self.clients.append(client)

    def work(self, client: Client, what: str) -> None:
        """Have a client do a unit of work."""
        hub_id = client.installed.portal.hub_id
        known = self.records.setdefault(hub_id, [])
        try:
            if what == "create":
                body = {"properties": {"email": f"{next(self.emails)}@example.com"}}
                known.append(client.call("POST", CONTACTS, json=body)["id"])
            elif what == "read" and known:
                client.call("GET", f"{CONTACTS}/{known[-1]}")
            elif what == "update" and known:
                client.call("PATCH", f"{CONTACTS}/{known[-1]}", json={"properties": {"firstname": "Ada"}})
            elif what == "search":
                client.call("POST", f"{CONTACTS}/search", json={"limit": 1})
            elif what == "connect":
                client.connect()
            else:
                client.call("GET", CONTACTS)
        except Failed:
            pass

    def happen(self, name: str, *values: Any) -> None:
        """Have something happen: a unit of work, the passing of time, a fault, an end."""
        if name == "work":
            self.work(self.clients[values[0] % len(self.clients)], values[1])
        elif name in ("restart", "another"):
            self.begin(*values, instead=name == "restart")
        elif name == "uninstall":
            self.lab.sim.uninstall(self.clients[values[0] % len(self.clients)].installed)
        elif name == "inject":
            fault, options, matcher, declared = values
            injected = self.lab.sim.inject(fault, **options, **matcher)
            if not declared:
                injected.fault.effect = UNDECLARED
        else:
            getattr(self.lab, name)(*values)


def faults(names: list[str]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Return a strategy for the faults of the catalogue, with options and matchers that fit."""

    def options(name: str) -> st.SearchStrategy[tuple[Any, ...]]:
        given: dict[str, st.SearchStrategy[Any]] = {
            key: st.sampled_from(values) for key, values in BY_NAME.get(name, {}).items()
        }
        if name.isupper():
            given["after_accepting"] = st.booleans()
        paths = [{}, {"path": TOKENS}] if name in ANYWHERE or name not in NOT_FOR_TOKENS else [{}]
        matcher = st.builds(
            lambda path, times, nth: path | {"times": times, "nth": nth},
            st.sampled_from(paths),
            st.sampled_from([1, 1, 1, 2, 5, None]),
            st.sampled_from([None, None, 2]),
        )
        declared = st.sampled_from([True, True, False])
        return st.tuples(st.just("inject"), st.just(name), st.fixed_dictionaries(given), matcher, declared)

    return st.sampled_from(names).flatmap(options)


@pytest.fixture(scope="module")
def names() -> list[str]:
    """The names of all faults."""
    from hubspot_simulator import Simulator

    return list(Simulator().faults.catalogue)


SECONDS = st.sampled_from([0.5, 2, 60, 290, 600, 1490, 1499, 1741, 1799.9, 1800, 1801, 3600, 21_600])
UNITS = ["list", "list", "create", "read", "update", "search", "connect"]
WORK = st.tuples(st.just("work"), st.integers(0, 5), st.sampled_from(UNITS))
TICK = st.tuples(st.just("tick"), SECONDS)
APART = st.tuples(
    st.sampled_from(["tick_caller", "tick_hubspot"]), SECONDS | st.sampled_from([-2, -60, -600, -1200, -1860, -7200])
)
END = st.tuples(st.just("uninstall"), st.integers(0, 2))
MARGINS = st.lists(st.sampled_from([None, 0, 60, 300]), min_size=1, max_size=3)


HOW = ["with_all", "with_the_refresh_token", "with_the_first_tokens", "with_a_sample"]
BEGIN = st.tuples(st.sampled_from(["restart", "another"]), st.integers(0, 5), st.sampled_from(HOW))


@settings(max_examples=EXAMPLES)
@given(data=st.data(), margins=MARGINS)
def test_a_right_client_is_accused_of_nothing(
    build: Callable[..., Lab], names: list[str], data: DataObject, margins: list[Any]
) -> None:
    happens = st.one_of(WORK, WORK, WORK, TICK, APART, faults(names), END)
    world = World(build(), margins)
    for one in data.draw(st.lists(happens, min_size=10, max_size=40)):
        world.happen(*one)
    accusations = world.lab.findings
    assert accusations == [], "\n".join(map(str, [*accusations, *world.lab.sim.journal.exchanges]))


@settings(max_examples=EXAMPLES)
@given(
    data=st.data(),
    margins=MARGINS,
    told=st.sampled_from(["process", "connection", "nothing"]),
    rotation=st.booleans(),
)
def test_several_right_processes_are_accused_of_nothing(
    build: Callable[..., Lab], names: list[str], data: DataObject, margins: list[Any], told: str, rotation: bool
) -> None:
    """Restarts, jobs, two tools on one account, tokens handed over: none of them knows what the others have."""
    happens = st.one_of(WORK, WORK, WORK, BEGIN, BEGIN, TICK, APART, faults(names), END)
    world = World(build(refresh_rotation=rotation), margins, told)
    for one in data.draw(st.lists(happens, min_size=10, max_size=40)):
        world.happen(*one)
    accusations = world.lab.findings
    told_of = [(exchange.number, exchange.connection, exchange.process) for exchange in world.lab.sim.journal.exchanges]
    assert accusations == [], "\n".join(map(str, [*accusations, *world.lab.sim.journal.exchanges, told_of]))
