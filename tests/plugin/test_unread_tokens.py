"""A token that is read after time moved was issued before, by whatever way it moves: issue A1, with the fixtures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests
import time_machine
from freezegun import freeze_time

from pytest_hubspot_auth import ConnectedInstallation, HubspotClock, HubspotSim

CONTACTS = "/crm/v3/objects/contacts"
START = datetime(2031, 5, 6, 7, 0, tzinfo=timezone.utc)
LATER = timedelta(minutes=31)


def status(sim: HubspotSim, token: str) -> int:
    return requests.get(sim.url + CONTACTS, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code


def by_fault(sim: HubspotSim, clock: HubspotClock) -> None:
    token = sim.install(sim.add_app()).access_token
    sim.inject("delay", seconds=31 * 60)
    assert status(sim, token) == 200


MOVES: dict[str, Callable[[HubspotSim, HubspotClock], object]] = {
    "advance": lambda _, clock: clock.advance(LATER),
    "advance_to": lambda _, clock: clock.advance_to(clock.now + LATER),
    "server": lambda _, clock: clock.server.advance(LATER),
    "server.advance_to": lambda _, clock: clock.server.advance_to(clock.server.now + LATER),
    "the simulator's clock": lambda sim, _: sim.clock.advance(LATER),
    "move_time": lambda sim, _: sim.move_time(LATER),
    "the control endpoint": lambda sim, _: requests.post(
        f"{sim.url}/_simulator/clock/advance", json={"minutes": 31}, timeout=10
    ).raise_for_status(),
    "a fault": by_fault,
    "another token's expiry": lambda sim, clock: (clock.expire(sim.install(sim.add_app())), clock.advance(minutes=1)),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_token_read_after_a_move_is_expired(
    hubspot_sim: HubspotSim,
    hubspot_clock: HubspotClock,
    hubspot_installation: ConnectedInstallation,
    move: Callable[[HubspotSim, HubspotClock], object],
) -> None:
    other = hubspot_sim.install(hubspot_sim.add_app())
    move(hubspot_sim, hubspot_clock)
    assert status(hubspot_sim, hubspot_installation.access_token) == 401
    assert status(hubspot_sim, other.access_token) == 401


def test_client_kwargs_after_a_move(hubspot_sim: HubspotSim, hubspot_clock: HubspotClock) -> None:
    hubspot_clock.advance(minutes=31)
    assert status(hubspot_sim, hubspot_sim.client_kwargs["access_token"]) == 401


def test_the_code_under_test_alone_moves(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation
) -> None:
    before = hubspot_clock.now
    hubspot_clock.client.advance(minutes=31)
    assert status(hubspot_sim, hubspot_installation.access_token) == 200
    assert hubspot_installation.issued_at == before == hubspot_clock.server.now


def test_expire_moves_past_the_token_that_nobody_has_read(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation
) -> None:
    before = hubspot_clock.now
    hubspot_clock.expire(hubspot_installation)
    assert hubspot_clock.now - before == timedelta(minutes=30, seconds=1)
    assert status(hubspot_sim, hubspot_installation.access_token) == 401


class TestTheStartOfAFreezeIsNoMove:
    """Fixtures run before it: a token that is first read inside is issued at its instant (Decided 1)."""

    @freeze_time(START)
    def test_freezegun(self, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation) -> None:
        assert hubspot_installation.issued_at == START
        assert status(hubspot_sim, hubspot_installation.access_token) == 200

    def test_pytest_freezer(
        self, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation, request: pytest.FixtureRequest
    ) -> None:
        freezer = request.getfixturevalue("freezer")
        assert abs(hubspot_installation.issued_at - datetime.now(timezone.utc)) < timedelta(milliseconds=1)
        assert freezer() == datetime.now()
        assert status(hubspot_sim, hubspot_installation.access_token) == 200

    @time_machine.travel(START, tick=False)
    def test_time_machine(self, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation) -> None:
        assert hubspot_installation.issued_at == START
        assert status(hubspot_sim, hubspot_installation.access_token) == 200

    def test_the_fixture_of_time_machine(
        self, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation, request: pytest.FixtureRequest
    ) -> None:
        request.getfixturevalue("time_machine").move_to(START, tick=False)
        assert hubspot_installation.issued_at == START

    @pytest.mark.hubspot(now=START)
    def test_ours(self, request: pytest.FixtureRequest, hubspot_installation: ConnectedInstallation) -> None:
        request.getfixturevalue("hubspot_clock")
        assert hubspot_installation.issued_at == START

    def test_a_second_one_within_another(self, hubspot_installation: ConnectedInstallation) -> None:
        with freeze_time(START), freeze_time(START + LATER):
            assert hubspot_installation.issued_at == START + LATER


class TestAMoveOfAFreezeByOthers:
    @pytest.mark.parametrize("how", [{}, {"tick": True}, {"auto_tick_seconds": 1}])
    @pytest.mark.parametrize(
        "move",
        [lambda frozen: frozen.tick(LATER), lambda frozen: frozen.tick(31 * 60), lambda f: f.move_to(START + LATER)],
    )
    def test_freezegun(
        self,
        hubspot_sim: HubspotSim,
        hubspot_installation: ConnectedInstallation,
        how: dict[str, Any],
        move: Callable[[Any], object],
    ) -> None:
        with freeze_time(START, **how) as frozen:
            move(frozen)
            assert status(hubspot_sim, hubspot_installation.access_token) == 401
            assert status(hubspot_sim, hubspot_sim.install().access_token) == 200

    @pytest.fixture
    def frozen_first(self, request: pytest.FixtureRequest) -> Any:
        """A freeze that starts before the simulator is there, as with pytest-freezer's fixture."""
        return request.getfixturevalue("freezer")

    def test_pytest_freezer(
        self, frozen_first: Any, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation
    ) -> None:
        frozen_first.tick(LATER)
        assert status(hubspot_sim, hubspot_installation.access_token) == 401

    @pytest.mark.parametrize("move", [lambda t: t.shift(LATER), lambda t: t.move_to(START + LATER)])
    def test_time_machine(
        self,
        hubspot_sim: HubspotSim,
        hubspot_installation: ConnectedInstallation,
        move: Callable[[Any], object],
    ) -> None:
        with time_machine.travel(START, tick=False) as traveller:
            move(traveller)
            assert status(hubspot_sim, hubspot_installation.access_token) == 401

    def test_the_fixture_of_time_machine(
        self, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation, request: pytest.FixtureRequest
    ) -> None:
        machine = request.getfixturevalue("time_machine")
        machine.move_to(START, tick=False)
        machine.shift(LATER)
        assert hubspot_installation.issued_at == START


class TestTheEndOfAFreeze:
    def test_what_was_installed_in_it_is_as_old_as_its_end(self, hubspot_sim: HubspotSim) -> None:
        with freeze_time("2020-02-02") as frozen:
            old = hubspot_sim.install()
            frozen.tick(timedelta(hours=1))
            late = hubspot_sim.install()
        assert old.issued_at == datetime(2020, 2, 2, tzinfo=timezone.utc)
        assert late.issued_at == datetime(2020, 2, 2, 1, tzinfo=timezone.utc)
        assert status(hubspot_sim, old.access_token) == 401

    def test_a_second_freeze_finds_it_old(self, hubspot_sim: HubspotSim) -> None:
        with freeze_time(START):
            installed = hubspot_sim.install()
        with freeze_time(START + LATER):
            assert status(hubspot_sim, installed.access_token) == 401

    def test_the_same_with_time_machine(self, hubspot_sim: HubspotSim) -> None:
        with time_machine.travel(START, tick=False):
            installed = hubspot_sim.install()
        assert installed.issued_at == START

    def test_what_was_installed_before_it_is_new_after_it(
        self, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation
    ) -> None:
        with freeze_time(START):
            pass
        assert status(hubspot_sim, hubspot_installation.access_token) == 200
