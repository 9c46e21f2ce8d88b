"""The journal is bounded by bytes too: issue B8."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from werkzeug.test import Client

from hubspot_simulator import Simulator
from hubspot_simulator.core import store
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.http.app import Application
from hubspot_simulator.runner.report import report

CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(clock=ManualClock(1_790_000_000_000))


@pytest.fixture
def client(simulator: Simulator) -> Client:
    return Client(Application(simulator))


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(store, "BYTES_KEPT", 1024 * 1024)
    return


def post(simulator: Simulator, client: Client, count: int, body: bytes = b"x" * 60_000) -> None:
    headers = {"Authorization": f"Bearer {simulator.installation.access_token}"}
    for _ in range(count):
        client.post(CONTACTS, data=body, headers=headers)


@pytest.mark.usefixtures("_small")
def test_the_oldest_are_dropped(simulator: Simulator, client: Client) -> None:
    post(simulator, client, 40)
    journal = simulator.journal
    kept = journal.exchanges
    assert 10 < len(kept) < 18
    assert [exchange.number for exchange in kept] == list(range(41 - len(kept), 41))
    assert journal.dropped == 40 - len(kept)
    assert simulator.store.exchange_bytes == sum(exchange.weight for exchange in kept) <= 1024 * 1024


@pytest.mark.usefixtures("_small")
def test_a_fault_lets_go_of_what_was_dropped(simulator: Simulator, client: Client) -> None:
    every = simulator.inject("LOCKED", times=None)
    first = simulator.inject("LOCKED", nth=1)
    post(simulator, client, 40)
    assert every.hits == simulator.journal.exchanges
    assert every.hit_count == 40
    assert "hit 40 calls" in repr(every)
    assert [exchange.number for exchange in first.hits] == [1]


@pytest.mark.usefixtures("_small")
def test_what_was_dropped_is_said(simulator: Simulator, client: Client) -> None:
    post(simulator, client, 40)
    dropped = simulator.journal.dropped
    simulator.journal.assert_called("POST", CONTACTS)
    with pytest.raises(AssertionError, match=f"of 40 exchanges the oldest {dropped} were dropped"):
        simulator.journal.assert_called("POST", CONTACTS, times=40 - dropped)
    with pytest.raises(AssertionError, match=f"and {dropped} older ones that were dropped"):
        simulator.journal.assert_called("GET", CONTACTS)
    assert f"  ({dropped} older requests dropped to save memory)" in report(simulator, {}, {}, {})


@pytest.mark.usefixtures("_small")
def test_one_that_is_larger_than_all_is_kept(
    simulator: Simulator, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BYTES_KEPT", 10)
    post(simulator, client, 3)
    assert [exchange.number for exchange in simulator.journal.exchanges] == [3]


def test_small_ones_are_bounded_by_their_number(
    simulator: Simulator, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "EXCHANGES_KEPT", 5)
    post(simulator, client, 12, b"")
    assert [exchange.number for exchange in simulator.journal.exchanges] == [8, 9, 10, 11, 12]
