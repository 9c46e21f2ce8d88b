"""A token that is read after time moved was issued before: issue A1, in the simulator without the plugin."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from werkzeug.test import Client

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core.clock import ManualClock, OffsetClock
from hubspot_simulator.core.instants import to_datetime
from hubspot_simulator.http.app import Application

NOW_MS = 1_790_000_000_000
CONTACTS = "/crm/v3/objects/contacts"


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(clock=ManualClock(NOW_MS))


@pytest.fixture
def client(simulator: Simulator) -> Client:
    return Client(Application(simulator))


def status(client: Client, token: str) -> int:
    return client.get(CONTACTS, headers={"Authorization": f"Bearer {token}"}).status_code


def by_control(simulator: Simulator, client: Client) -> None:
    assert client.post("/_simulator/clock/advance", json={"minutes": 31}).status_code == 200


def by_delay(simulator: Simulator, client: Client) -> None:
    other = simulator.install(simulator.add_app())
    simulator.inject("delay", seconds=31 * 60)
    assert status(client, other.access_token) == 200


def by_skew(simulator: Simulator, client: Client) -> None:
    other = simulator.install(simulator.add_app())
    simulator.inject("clock_skew", minutes=31)
    assert status(client, other.access_token) == 401


MOVES: dict[str, Callable[[Simulator, Client], object]] = {
    "advance": lambda simulator, _: simulator.clock.advance(minutes=31),
    "advance, step by step": lambda simulator, _: [simulator.clock.advance(minutes=1) for _ in range(31)],
    "advance_to": lambda simulator, _: simulator.clock.advance_to(simulator.clock.now + timedelta(minutes=31)),
    "move_time": lambda simulator, _: simulator.move_time(timedelta(minutes=31)),
    "the control endpoint": by_control,
    "a delay": by_delay,
    "a skew": by_skew,
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_token_read_after_time_moved_is_expired(
    simulator: Simulator, client: Client, move: Callable[[Simulator, Client], object]
) -> None:
    installed = simulator.install(simulator.add_app())
    move(simulator, client)
    assert status(client, installed.access_token) == 401
    assert installed.issued_at == to_datetime(NOW_MS)
    assert status(client, simulator.installation.access_token) == 401, "the default one, first asked for now"


def test_one_that_is_installed_after_the_move_is_fresh(simulator: Simulator, client: Client) -> None:
    simulator.clock.advance(minutes=31)
    assert status(client, simulator.install(simulator.add_app()).access_token) == 200


def test_only_the_first_move_counts(simulator: Simulator) -> None:
    early = simulator.install()
    simulator.clock.advance(minutes=10)
    late = simulator.install()
    simulator.clock.advance(minutes=10)
    assert (early.issued_at, late.issued_at) == (to_datetime(NOW_MS), to_datetime(NOW_MS + 600_000))
    assert simulator.installation.issued_at == to_datetime(NOW_MS)


def test_a_clock_that_runs_by_itself_is_no_move() -> None:
    class Running:
        now = NOW_MS

        def now_ms(self) -> int:
            return self.now

    running = Running()
    simulator = Simulator(clock=running)
    installed = simulator.install()
    running.now += 31 * 60_000
    assert installed.issued_at == to_datetime(running.now)


def test_the_same_ids_whether_the_tokens_are_read_early_or_late() -> None:
    read_early, read_late = (Simulator(Settings(), clock=ManualClock(NOW_MS), name="test") for _ in range(2))
    installed = read_early.installation
    early = installed.access_token
    read_early.clock.advance(minutes=31)
    read_late.clock.advance(minutes=31)
    assert read_late.installation.access_token == early
    assert read_late.installation.refresh_token == installed.refresh_token


def test_a_reset_forgets_the_moves(simulator: Simulator, client: Client) -> None:
    simulator.clock.advance(minutes=31)
    simulator.reset()
    assert status(client, simulator.installation.access_token) == 200


def test_an_injected_expiry_reaches_unread_tokens(simulator: Simulator, client: Client) -> None:
    first = simulator.install(simulator.add_app())
    assert status(client, first.access_token) == 200
    simulator.clock.advance(minutes=1)
    unread = simulator.install()
    simulator.inject("expiry")
    assert status(client, first.access_token) == 200
    assert status(client, unread.access_token) == 401
    assert status(client, first.access_token) == 401


def test_a_clock_that_many_simulators_share_keeps_none_of_them() -> None:
    import gc
    import weakref

    clock = OffsetClock(ManualClock(NOW_MS))
    kept = [weakref.ref(Simulator(clock=clock)) for _ in range(10)]
    clock.advance(minutes=31)
    gc.collect()
    assert [one for one in kept if one() is not None] == []


def test_threads_that_read_first_get_one_token() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(50):
            simulator = Simulator(clock=ManualClock(NOW_MS))
            barrier = threading.Barrier(4)
            found: list[str] = []

            def read(simulator: Simulator = simulator, barrier: threading.Barrier = barrier) -> None:
                barrier.wait(30)
                found.append(simulator.installation.access_token)  # noqa: B023

            threads = [threading.Thread(target=read) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(set(found)) == 1
            assert len(simulator.store.refresh_tokens) == 1
    finally:
        sys.setswitchinterval(before)
