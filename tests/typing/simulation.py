"""``hubspot_simulation`` as type checkers see it: a context manager and a decorator that keeps signatures."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from typing_extensions import assert_type

from pytest_hubspot_auth import ConnectedInstallation, HubspotClock, Simulation, hubspot_simulation

with hubspot_simulation(token_ttl=60, now="2026-11-23T10:00:00Z", waiting="simulated", intercept=True) as sim:
    assert_type(sim, Simulation)
    assert_type(sim.url, str)
    assert_type(sim.clock, HubspotClock)
    assert_type(sim.installation, ConnectedInstallation)
    sim.clock.advance(minutes=31)
    sim.inject("answer_lost").remove()
    sim.assert_called("GET", "/crm/v3/objects/contacts", times=2)
    sim.injekt("answer_lost")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

hubspot_simulation(waiting="never")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
hubspot_simulation().url  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # noqa: B018


@hubspot_simulation()
def with_handle(sim: Simulation, number: int) -> str:
    return sim.url * number


@hubspot_simulation
def without_handle(number: int) -> str:
    return str(number)


@hubspot_simulation(responses=True)
async def coroutine(sim: Simulation) -> int:
    return sim.installation.expires_in


@pytest.fixture
@hubspot_simulation()
def connected(sim: Simulation) -> Iterator[Simulation]:
    yield sim  # noqa: PT022


class Jobs:
    @hubspot_simulation()
    def method(self, sim: Simulation, number: int) -> str:
        return sim.url * number


@hubspot_simulation(token_ttl=60)
class TestSync(unittest.TestCase):
    sim: Simulation

    def test_sync(self) -> None:
        assert_type(self.sim.clock, HubspotClock)


assert_type(with_handle(7), str)
assert_type(with_handle(number=7), str)
assert_type(without_handle(7), str)
assert_type(Jobs().method(7), str)
assert_type(TestSync("test_sync"), TestSync)
job: Callable[[], Coroutine[Any, Any, int]] = coroutine
with_handle("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
