"""The fixtures. What they return is imported only when one of them is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from .marks import CLOCK_ARGUMENTS, mark_arguments, read_clock_argument
from .options import GIVEN

if TYPE_CHECKING:
    from hubspot_simulator.core.connected_installation import ConnectedInstallation
    from hubspot_simulator.core.model import App, Portal
    from hubspot_simulator.serving.server import SimulatorServer
    from hubspot_simulator.settings import Settings
    from hubspot_simulator.simulator import Simulator

    from .routing.responses_bridge import HubspotResponses
    from .sim import HubspotSim
    from .sweep import SweptItem
    from .time.clock import HubspotClock

SIMULATOR: pytest.StashKey[Simulator] = pytest.StashKey()
SWEPT: pytest.StashKey[SweptItem] = pytest.StashKey()
JUDGED: pytest.StashKey[int] = pytest.StashKey()  # the number of the last exchange that passed the checks


@pytest.fixture(scope="session")
def hubspot_settings(pytestconfig: pytest.Config) -> Settings:
    """The simulator's settings. Override this fixture to change them. A mark on a test takes precedence."""
    from hubspot_simulator.settings import Settings

    return Settings(**{name: value for name, (value, _) in pytestconfig.stash[GIVEN].items()})


@pytest.fixture(scope="session")
def hubspot_server(hubspot_settings: Settings) -> Iterator[SimulatorServer]:
    """The session's one server. ``hubspot_sim`` gives it a fresh simulator for each test.

    It starts when its address is first read; if the port is set, with the first simulator.
    """
    from hubspot_simulator.settings import Settings
    from hubspot_simulator.simulator import Simulator

    from .session_server import SessionServer

    if not isinstance(hubspot_settings, Settings):
        pytest.fail(
            f"the fixture hubspot_settings returned {hubspot_settings!r}: override it with one that returns "
            "pytest_hubspot_auth.Settings(...)",
            pytrace=False,
        )
    server = SessionServer(Simulator(hubspot_settings))
    yield server
    server.stop()


@pytest.fixture
def hubspot_sim(
    request: pytest.FixtureRequest, hubspot_settings: Settings, hubspot_server: SimulatorServer
) -> HubspotSim:
    """A fresh HubSpot simulator for this test: call ``hubspot_sim.url`` instead of https://api.hubapi.com."""
    from .routing.protection import protect_now
    from .sim import HubspotSim
    from .time.following_clock import FollowingClock

    mark_settings = {name: value for name, value in mark_arguments(request.node).items() if name not in CLOCK_ARGUMENTS}
    settings = replace(hubspot_settings, **mark_settings) if mark_settings else hubspot_settings
    simulator = HubspotSim(hubspot_server, settings, FollowingClock(), request.node.nodeid)
    protect_now(request.node, guard=settings.guard, hosts=settings.hosts, host=settings.host)
    if settings.port:
        _ = hubspot_server.port  # starts the server: a test that knows the port need not read the address
    request.node.stash[SIMULATOR] = simulator
    return simulator


@pytest.fixture
def hubspot_app(hubspot_sim: HubspotSim) -> App:
    """The app under test, as registered with HubSpot: ``client_id``, ``client_secret``, ``redirect_uri``."""
    return hubspot_sim.app


@pytest.fixture
def hubspot_portal(hubspot_sim: HubspotSim) -> Portal:
    """The HubSpot account (portal)."""
    return hubspot_sim.portal


@pytest.fixture
def hubspot_installation(hubspot_sim: HubspotSim) -> ConnectedInstallation:
    """The app's installation in the account: ``access_token``, ``refresh_token``, ``token_response`` and so on.

    The access token is issued when it is first read, or just before the clock first moves.
    """
    return hubspot_sim.installation


@pytest.fixture
def hubspot_clock(request: pytest.FixtureRequest, hubspot_sim: HubspotSim) -> Iterator[HubspotClock]:
    """One frozen clock for the code under test and the simulator: ``hubspot_clock.advance(minutes=31)``."""
    from .time.clock import HubspotClock

    marked = mark_arguments(request.node)
    arguments = {name: read_clock_argument(name, marked[name]) for name in CLOCK_ARGUMENTS if name in marked}
    clock = HubspotClock(hubspot_sim.clock, **arguments)
    clock.start()
    try:
        yield clock
    finally:
        clock.stop()


@pytest.fixture
def _hubspot_sweep_point(request: pytest.FixtureRequest, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock) -> None:
    """The point of a sweep, for tests with the mark ``hubspot_sweep``. Do not request it yourself."""
    from .sweep import SweptItem

    if not hasattr(request, "param"):
        pytest.fail(
            "the fixture _hubspot_sweep_point is for tests with @pytest.mark.hubspot_sweep(calls=...)", pytrace=False
        )
    request.node.stash[SWEPT] = SweptItem(request.node, hubspot_sim, request.param)


@pytest.fixture
def hubspot_responses(hubspot_sim: HubspotSim, hubspot_server: SimulatorServer) -> Iterator[HubspotResponses]:
    """Sends calls of `requests` to https://api.hubapi.com and HubSpot's other hosts to the simulator, in process."""
    from .routing.guard import routed_by
    from .routing.responses_bridge import HubspotResponses

    bridge = HubspotResponses(hubspot_server)
    bridge.start()
    try:
        with routed_by("hubspot_responses"):
            yield bridge
    finally:
        bridge.stop()


@pytest.fixture
def hubspot_intercept(hubspot_sim: HubspotSim) -> Iterator[None]:
    """Redirects every Python HTTP client from https://api.hubapi.com to the simulator, over TLS, at the socket."""
    with hubspot_sim.intercept():
        yield
