"""The bench of a scenario in this process: a fresh simulator behind a server, and time that freezegun holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hubspot_simulator.lab.conformance.adapter_driver import AdapterDriver
from hubspot_simulator.lab.conformance.assess import assess
from hubspot_simulator.lab.conformance.bench import Bench
from hubspot_simulator.lab.conformance.scenario import Result, Scenario
from hubspot_simulator.serving.server import SimulatorServer
from hubspot_simulator.settings import Settings

from ..sim import HubspotSim
from ..time.clock import HubspotClock
from ..time.following_clock import FollowingClock


def driver_of(adapter: Any) -> AdapterDriver:
    """Return the driver of an adapter whose work may use ``pytest.fail``."""
    return AdapterDriver(adapter, errors=(pytest.fail.Exception,))


@contextmanager
def frozen_bench(server: SimulatorServer, settings: Settings, name: str, **clock: Any) -> Iterator[Bench]:
    """Give a server a fresh simulator, and freeze time. ``name`` makes its ids differ from those of others.

    ``clock`` are arguments of ``HubspotClock``.
    """
    sim = HubspotSim(server, settings, FollowingClock(), name)
    frozen = HubspotClock(sim.clock, **clock)
    frozen.start()
    try:
        yield Bench(sim, server, frozen)
    finally:
        frozen.stop()


@contextmanager
def probe_bench(server: SimulatorServer, settings: Settings, name: str, **clock: Any) -> Iterator[Bench]:
    """Give a frozen bench for the probe; afterwards the server has the simulator that it had before."""
    before = server.simulator
    try:
        with frozen_bench(server, settings, name, **clock) as bench:
            yield bench
    finally:
        server.simulator = before


def assess_alone(scenario: Scenario, adapter: Any, server: SimulatorServer, name: str = "") -> Result:
    """Run a scenario outside of a test of the suite: on a fresh simulator behind a server, with time frozen.

    ``name`` makes its ids differ from those of others.
    """
    settings = dict(scenario.settings)
    offset = settings.pop("utc_offset", 0)
    with frozen_bench(server, Settings(**settings), f"{name}/{scenario.name}", utc_offset=offset) as bench:
        return assess(scenario, driver_of(adapter), bench)
