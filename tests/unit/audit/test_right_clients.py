"""Clients that refresh as they should have no finding, whatever happens to them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Lab, Tape


CONTACTS = "/crm/v3/objects/contacts"
DEALS = "/crm/v3/objects/deals"


class Disconnected(Exception):
    """The user must connect again."""


class Client:
    """A right client: one lock, one place for the token, one repetition after a 401.

    ``margin`` is how many seconds before the expiry it refreshes; None never looks at the clock. ``storage`` may be
    shared by several of them.
    """

    def __init__(self, lab: Any, *, margin: float | None = 60, storage: dict[str, Any] | None = None) -> None:
        self.lab = lab
        self.margin = margin
        self.storage = {} if storage is None else storage
        self.storage.setdefault("lock", threading.Lock())
        self.storage.setdefault("token", lab.first)
        self.storage.setdefault("expires_ms", lab.clock.now_ms() + 1_800_000)

    def call(self, method: str = "GET", path: str = CONTACTS, **kwargs: Any) -> Any:
        """Make a call, and repeat it once after a 401."""
        token = self.storage["token"]
        now_ms = self.lab.clock.now_ms()
        if self.margin is not None and now_ms >= self.storage["expires_ms"] - self.margin * 1000:
            token = self.renew(token)
        response = self.lab.call(token, method, path, **kwargs)
        if response.status_code == 401:
            response = self.lab.call(self.renew(token), method, path, **kwargs)
        if response.status_code >= 400:
            raise ValueError(f"answered {response.status_code}: {response.text}")
        return response.json

    def renew(self, failed: str) -> str:
        """Refresh, unless another has."""
        with self.storage["lock"]:
            if self.storage["token"] == failed:
                if self.storage.get("dead"):
                    raise Disconnected
                response = self.lab.ask()
                if response.status_code in (400, 403):
                    self.storage["dead"] = True
                    raise Disconnected
                if response.status_code != 200:
                    raise ValueError(response.text)
                self.storage["token"] = response.json["access_token"]
                self.storage["expires_ms"] = self.lab.clock.now_ms() + response.json["expires_in"] * 1000
            text: str = self.storage["token"]
            return text


MARGINS = pytest.mark.parametrize("margin", [None, 0, 60, 300])


@MARGINS
class TestOneAfterTheOther:
    def test_through_several_expiries(self, lab: Lab, margin: int | None) -> None:
        client = Client(lab, margin=margin)
        for seconds in (1, 100, 1400, 290, 20, 1799.9, 1800, 1800.1, 86_400):
            lab.tick(seconds)
            client.call()
            client.call(path=DEALS)
        assert lab.ids == []

    def test_minute_by_minute(self, lab: Lab, margin: int | None) -> None:
        client = Client(lab, margin=margin)
        for _ in range(120):
            lab.tick(60)
            client.call()
        assert lab.ids == []

    @pytest.mark.parametrize("fault", ["in_flight", "server_only", "revoked", "expiry", "EXPIRED_AUTHENTICATION"])
    def test_the_token_dies(self, lab: Lab, margin: int | None, fault: str) -> None:
        client = Client(lab, margin=margin)
        client.call()
        for _ in range(3):
            lab.sim.inject(fault)
            client.call()
            client.call("POST", json={"properties": {"firstname": "Ada"}})
        assert lab.ids == []

    @pytest.mark.parametrize("minutes", [-10, -2, 2, 10, 40])
    def test_clocks_that_disagree(self, lab: Lab, margin: int | None, minutes: int) -> None:
        client = Client(lab, margin=margin)
        client.call()
        lab.sim.inject("clock_skew", minutes=minutes)
        for _ in range(10):
            client.call()
            lab.tick(300)
        assert lab.ids == []

    @pytest.mark.parametrize(
        "fault", ["INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "TEN_SECONDLY_ROLLING", "MISSING_SCOPES"]
    )
    def test_other_answers(self, lab: Lab, margin: int | None, fault: str) -> None:
        client = Client(lab, margin=margin)
        for _ in range(4):
            lab.sim.inject(fault)
            with pytest.raises(ValueError, match="answered"):
                client.call()
            client.call()
            lab.tick(700)
        assert lab.ids == []

    @pytest.mark.parametrize("fault", ["INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "connection_reset", "answer_lost"])
    def test_the_token_endpoint_fails(self, lab: Lab, margin: int | None, fault: str) -> None:
        client = Client(lab, margin=margin)
        client.call()
        lab.expire()
        for _ in range(3):
            lab.sim.inject(fault, path="/oauth/*/token")
            with pytest.raises((ValueError, OSError)):
                client.call()
        client.call()
        assert lab.ids == []

    def test_a_dead_refresh_token(self, lab: Lab, margin: int | None) -> None:
        client = Client(lab, margin=margin)
        client.call()
        lab.sim.uninstall()
        lab.expire()
        for _ in range(3):
            with pytest.raises(Disconnected):
                client.call()
        assert lab.ids == []

    def test_a_fresh_token_that_is_refused_too(self, lab: Lab, margin: int | None) -> None:
        client = Client(lab, margin=margin)
        lab.sim.inject("INVALID_AUTHENTICATION", times=None)
        for _ in range(5):
            with pytest.raises(ValueError, match="INVALID_AUTHENTICATION"):
                client.call()
        assert lab.ids == []

    def test_several_portals(self, lab: Lab, margin: int | None) -> None:
        clients = []
        for _ in range(3):
            installed = lab.sim.install(portal=lab.sim.add_portal())
            one = Client(lab, margin=margin)
            one.storage["token"] = installed.access_token
            one.lab = _For(lab, installed)
            clients.append(one)
        for _ in range(3):
            for one in clients:
                one.call()
                made = one.call("POST", json={"properties": {"firstname": "Ada"}})
                one.call(path=f"{CONTACTS}/{made['id']}")
            lab.expire()
        assert lab.ids == []

    def test_a_restart_with_what_was_stored(self, lab: Lab, margin: int | None) -> None:
        storage: dict[str, Any] = {}
        for _ in range(4):
            Client(lab, margin=margin, storage=storage).call()
            lab.tick(1000)
        assert lab.ids == []


class _For:
    """A lab whose refreshes are those of one installation."""

    def __init__(self, lab: Any, installed: Any) -> None:
        self.clock, self.call, self.first = lab.clock, lab.call, installed.access_token
        self.ask: Callable[[], Any] = lambda: lab.ask(installed)


@MARGINS
@pytest.mark.parametrize("processes", [False, True], ids=["one-client", "a-client-each"])
def test_eight_threads(lab: Lab, margin: int | None, processes: bool) -> None:
    storage: dict[str, Any] = {}
    shared = Client(lab, margin=margin, storage=storage)
    start = threading.Barrier(8)

    def work(number: int) -> None:
        client = Client(lab, margin=margin, storage=storage) if processes else shared
        start.wait()
        for index in range(4):
            client.call(path=CONTACTS if index % 2 else DEALS)
            client.call("POST", json={"properties": {"firstname": f"{number}-{index}"}})

    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            lab.expire()
            list(pool.map(work, range(8)))
    assert len(lab.sim.journal.find("POST", "/oauth/v1/token")) == 4
    assert lab.ids == [], "\n".join(map(str, lab.findings))


def test_asyncio_tasks(lab: Lab) -> None:
    client = Client(lab, margin=None, storage={"lock": nullcontext()})

    async def main() -> None:
        lock = asyncio.Lock()

        async def work(number: int) -> None:
            token = client.storage["token"]
            await asyncio.sleep(0)
            response = lab.call(token, query_string={"limit": number % 2 + 1})
            await asyncio.sleep(0)
            if response.status_code == 401:
                async with lock:
                    await asyncio.sleep(0)
                    token = client.renew(token)
                lab.call(token, query_string={"limit": number % 2 + 1})

        for _ in range(3):
            lab.expire()
            await asyncio.gather(*(work(number) for number in range(10)))

    asyncio.run(main())
    assert len(lab.sim.journal.find("POST", "/oauth/v1/token")) == 3
    assert lab.ids == []


def test_threads_that_send_the_old_token_just_after_the_refresh(tape: Tape) -> None:
    new = tape.token(1801)
    tape.call(tape.first, 401, at=1801)
    tape.call(tape.first, 401, at=1801, after=0)
    tape.refresh(new, at=1801, after=1)
    tape.call(tape.first, 401, at=1801)  # read from memory before the refresh was answered
    tape.call(new, at=1801, after=3)
    tape.call(new, at=1801, after=4)
    tape.call(tape.first, 401, at=1801, after=2)
    tape.call(new, at=1801)
    tape.call(new, at=1801)
    assert tape.ids == []


def test_a_body_that_is_built_anew_with_another_boundary(tape: Tape) -> None:
    new = tape.token(1801)
    tape.call(tape.first, 401, at=1801)
    tape.refresh(new, at=1801)
    tape.call(new, at=1801)
    for token, status, boundary in ((tape.first, 401, "a"), (new, 201, "b")):  # a straggler's upload
        upload = tape.call(token, status, at=1801, method="POST", request_body=f"--{boundary}".encode())
        kind = f"multipart/form-data; boundary={boundary}"
        upload.request_headers = [*upload.request_headers, ("CONTENT_TYPE", kind)]
    assert tape.ids == []


def test_an_empty_journal_has_no_finding(tape: Tape) -> None:
    assert tape.findings == []


def test_a_connect_by_code_has_no_finding(lab: Lab) -> None:
    app = lab.sim.app
    fields = {
        "grant_type": "authorization_code",
        "code": lab.sim.authorize(),
        "redirect_uri": app.redirect_uri,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
    }
    got = json.loads(lab.client.post("/oauth/v1/token", data=fields).data)
    lab.call(got["access_token"])
    lab.tick(1750)
    lab.call(lab.ask(refresh_token=got["refresh_token"]).json["access_token"])
    assert lab.ids == []
