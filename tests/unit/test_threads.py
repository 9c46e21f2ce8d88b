"""Threads that share a simulator: issue B9. The interpreter switches between them as often as it can."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from werkzeug.test import EnvironBuilder

from hubspot_simulator import Simulator
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.core.ids import Ids
from hubspot_simulator.http.app import Application

NOW_MS = 1_790_000_000_000
CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture(autouse=True)
def _switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def together(*tasks: Callable[[], object]) -> None:
    """Do tasks in threads that begin at once; raise what one of them raises."""
    # Not before all have begun: CPython's own start of a traced thread does not stand it.
    barrier = threading.Barrier(len(tasks), action=lambda: sys.setswitchinterval(1e-6))
    errors: list[BaseException] = []

    def run(task: Callable[[], object]) -> None:
        barrier.wait(60)
        try:
            task()
        except BaseException as error:  # noqa: BLE001  # it is raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    sys.setswitchinterval(5e-3)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize(
    "draw", [lambda ids: ids.correlation_id(NOW_MS), lambda ids: ids.nonce(), lambda ids: ids.uuid()]
)
def test_two_that_come_first_draw_different_ids(draw: Callable[[Ids], object]) -> None:
    for number in range(100):
        ids = Ids("0", str(number))
        drawn: list[object] = []
        together(*[lambda ids=ids, drawn=drawn: drawn.append(draw(ids))] * 3)
        assert len(set(drawn)) == 3


def test_a_first_draw_is_the_same_as_ever() -> None:
    assert Ids("0", "test").uuid() == Ids("0", "test").uuid()
    assert Ids("0", "test").uuid() != Ids("1", "test").uuid() != Ids("1", "other").uuid()


class Api:
    """A simulator and calls of it, each with an environment of its own."""

    def __init__(self) -> None:
        self.simulator = Simulator(clock=ManualClock(NOW_MS))
        self.app = Application(self.simulator)
        self.token = self.simulator.installation.access_token

    def __call__(self, method: str, path: str, **options: object) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}"}
        environ = EnvironBuilder(path, method=method, headers=headers, **options).get_environ()
        return self.app.respond(environ).body


def test_the_journal_is_in_the_order_of_its_numbers() -> None:
    api = Api()
    fault = api.simulator.inject("LOCKED", times=None)
    together(*[lambda: [api("GET", CONTACTS) for _ in range(60)]] * 4)
    numbers = [exchange.number for exchange in api.simulator.journal.exchanges]
    assert numbers == list(range(1, 241))
    assert [exchange.number for exchange in fault.hits] == numbers


def test_a_list_holds_no_archived_object() -> None:
    import json

    api = Api()
    ids = [json.loads(api("POST", CONTACTS, json={"properties": {"firstname": "A"}}))["id"] for _ in range(60)]
    shown: list[dict[str, object]] = []

    def read() -> None:
        for _ in range(25):
            shown.extend(json.loads(api("GET", CONTACTS, query_string={"limit": 100}))["results"])

    def archive() -> None:
        for record_id in ids:
            api("DELETE", f"{CONTACTS}/{record_id}")

    together(read, read, archive)
    assert shown
    assert not [record for record in shown if record["archived"] or "archivedAt" in record]


def test_an_object_is_never_shown_half_changed() -> None:
    import json

    api = Api()
    made = json.loads(api("POST", CONTACTS, json={"properties": {"firstname": "0", "lastname": "0"}}))
    path = f"{CONTACTS}/{made['id']}"

    def write() -> None:
        for number in range(60):
            api("PATCH", path, json={"properties": {"firstname": str(number), "lastname": str(number)}})

    def read() -> None:
        for _ in range(60):
            properties = json.loads(api("GET", path))["properties"]
            assert properties["firstname"] == properties["lastname"]

    together(write, read, read)


def test_an_uninstall_among_installs_and_refreshes() -> None:
    simulator = Simulator(clock=ManualClock(NOW_MS))
    app = simulator.add_app()

    def install() -> None:
        for _ in range(150):
            simulator.install().access_token  # noqa: B018

    def uninstall() -> None:
        for _ in range(100):
            simulator.uninstall(simulator.install(app))

    together(install, uninstall, install)
    assert len(simulator.store.refresh_tokens) == 400


def test_one_record_store_for_those_that_write_first() -> None:
    for _ in range(20):
        api = Api()
        together(*[lambda api=api: api("POST", CONTACTS, json={"properties": {"firstname": "A"}})] * 3)
        (records,) = api.simulator.store.records.values()
        assert len(records.ids) == 3 == len(set(records.ids))
