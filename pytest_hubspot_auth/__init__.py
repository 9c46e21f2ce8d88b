"""pytest fixtures that put your integration and a fake HubSpot on one clock.

The plugin itself is ``pytest_hubspot_auth.plugin``; it is loaded by pytest. What is imported here is for type
annotations and for use without pytest. All of it is loaded on first use, so that an installed but unused plugin
costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hubspot_simulator.core.connected_installation import ConnectedInstallation as ConnectedInstallation
    from hubspot_simulator.core.injection import Injected as Injected
    from hubspot_simulator.core.model import App as App
    from hubspot_simulator.core.model import Portal as Portal
    from hubspot_simulator.lab.audit import Finding as Finding
    from hubspot_simulator.lab.conformance.connection import Connection as Connection
    from hubspot_simulator.serving.server import SimulatorServer as SimulatorServer
    from hubspot_simulator.settings import Settings as Settings

    from .conformance.suite import HubSpotRefreshSuite as HubSpotRefreshSuite
    from .routing.responses_bridge import HubspotResponses as HubspotResponses
    from .sim import HubspotSim as HubspotSim
    from .simulation import Simulation as Simulation
    from .simulation import hubspot_simulation as hubspot_simulation
    from .time.clock import HubspotClock as HubspotClock
    from .time.following_clock import FollowingClock as FollowingClock

_HOME = {
    "App": "hubspot_simulator.core.model",
    "Connection": "hubspot_simulator.lab.conformance.connection",
    "ConnectedInstallation": "hubspot_simulator.core.connected_installation",
    "Finding": "hubspot_simulator.lab.audit",
    "FollowingClock": "pytest_hubspot_auth.time.following_clock",
    "HubSpotRefreshSuite": "pytest_hubspot_auth.conformance.suite",
    "HubspotClock": "pytest_hubspot_auth.time.clock",
    "HubspotResponses": "pytest_hubspot_auth.routing.responses_bridge",
    "HubspotSim": "pytest_hubspot_auth.sim",
    "Injected": "hubspot_simulator.core.injection",
    "Portal": "hubspot_simulator.core.model",
    "Settings": "hubspot_simulator.settings",
    "Simulation": "pytest_hubspot_auth.simulation",
    "SimulatorServer": "hubspot_simulator.serving.server",
    "hubspot_simulation": "pytest_hubspot_auth.simulation",
}

__all__ = [
    "App",
    "ConnectedInstallation",
    "Connection",
    "Finding",
    "FollowingClock",
    "HubSpotRefreshSuite",
    "HubspotClock",
    "HubspotResponses",
    "HubspotSim",
    "Injected",
    "Portal",
    "Settings",
    "Simulation",
    "SimulatorServer",
    "hubspot_simulation",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module  # start-up cost: an unused plugin comes through here

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
