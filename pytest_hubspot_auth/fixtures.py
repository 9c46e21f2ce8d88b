"""The fixtures. What they give is imported when one of them is used."""

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
JUDGED: pytest.StashKey[int] = pytest.StashKey()  # the number of the last exchange that was found to be in order


@pytest.fixture(scope="session")
def hubspot_settings(pytestconfig: pytest.Config) -> Settings:
    """The simulator's settings; override it to change them. A mark on a test wins over it."""
    from hubspot_simulator.settings import Settings

    return Settings(**{name: value for name, (value, _) in pytestconfig.stash[GIVEN].items()})


@pytest.fixture(scope="session")
def hubspot_server(hubspot_settings: Settings) -> Iterator[SimulatorServer]:
    """The server, one for the session; ``hubspot_sim`` gives it a fresh simulator for each test.

    It starts when its address is first read, or with the first simulator when the port is set.
    """
    from hubspot_simulator.settings import Settings
    from hubspot_simulator.simulator import Simulator

    from .session_server import SessionServer

    if not isinstance(hubspot_settings, Settings):
        pytest.fail(
            f"the fixture hubspot_settings gave {hubspot_settings!r}: override it with one that returns "
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
    """A fresh HubSpot for this test: ``hubspot_sim.url`` is what to call instead of https://api.hubapi.com."""
    from .routing.protection import protect_now
    from .sim import HubspotSim
    from .time.following_clock import FollowingClock

    by_mark = {name: value for name, value in mark_arguments(request.node).items() if name not in CLOCK_ARGUMENTS}
    settings = replace(hubspot_settings, **by_mark) if by_mark else hubspot_settings
    simulator = HubspotSim(hubspot_server, settings, FollowingClock(), request.node.nodeid)
    protect_now(request.node, guard=settings.guard, hosts=settings.hosts, host=settings.host)
    if settings.port:
        _ = hubspot_server.port  # who set it need not ask for the address
    request.node.stash[SIMULATOR] = simulator
    return simulator


@pytest.fixture
def hubspot_app(hubspot_sim: HubspotSim) -> App:
    """The app under test, as registered with HubSpot: ``client_id``, ``client_secret``, ``redirect_uri``."""
    return hubspot_sim.app


@pytest.fixture
def hubspot_portal(hubspot_sim: HubspotSim) -> Portal:
    """The HubSpot account."""
    return hubspot_sim.portal


@pytest.fixture
def hubspot_installation(hubspot_sim: HubspotSim) -> ConnectedInstallation:
    """The app, connected to the account: ``access_token``, ``refresh_token``, ``token_response`` and so on.

    The access token is issued when it is first read, or just before time is first moved.
    """
    return hubspot_sim.installation


@pytest.fixture
def hubspot_clock(request: pytest.FixtureRequest, hubspot_sim: HubspotSim) -> Iterator[HubspotClock]:
    """One clock for the code under test and the simulator, frozen: ``hubspot_clock.advance(minutes=31)``."""
    from .time.clock import HubspotClock

    given = mark_arguments(request.node)
    arguments = {name: read_clock_argument(name, given[name]) for name in CLOCK_ARGUMENTS if name in given}
    clock = HubspotClock(hubspot_sim.clock, **arguments)
    clock.start()
    try:
        yield clock
    finally:
        clock.stop()


@pytest.fixture
def _hubspot_sweep_point(request: pytest.FixtureRequest, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock) -> None:
    """The point of a sweep, for tests with the mark ``hubspot_sweep``; not to be used by itself."""
    from .sweep import SweptItem

    if not hasattr(request, "param"):
        pytest.fail(
            "the fixture _hubspot_sweep_point is for tests with @pytest.mark.hubspot_sweep(calls=...)", pytrace=False
        )
    request.node.stash[SWEPT] = SweptItem(request.node, hubspot_sim, request.param)


@pytest.fixture
def hubspot_responses(hubspot_sim: HubspotSim, hubspot_server: SimulatorServer) -> Iterator[HubspotResponses]:
    """Calls of `requests` to https://api.hubapi.com and HubSpot's other hosts, answered in process."""
    from .routing.guard import answering
    from .routing.responses_bridge import HubspotResponses

    bridge = HubspotResponses(hubspot_server)
    bridge.start()
    try:
        with answering("hubspot_responses"):
            yield bridge
    finally:
        bridge.stop()


@pytest.fixture
def hubspot_intercept(hubspot_sim: HubspotSim) -> Iterator[None]:
    """Every Python HTTP client reaches the simulator at https://api.hubapi.com, over TLS, at the socket."""
    with hubspot_sim.intercept():
        yield
