"""pytest fixtures that put your integration and a fake HubSpot on one clock.

The plugin itself is ``pytest_hubspot_auth.plugin``; it is loaded by pytest. What is imported here is for type
annotations and for use without pytest. All of it is loaded on first use, so that an installed but unused plugin
costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hubspot_simulator import __version__ as __version__
    from hubspot_simulator.core.audit import Finding as Finding
    from hubspot_simulator.core.connected import ConnectedInstallation as ConnectedInstallation
    from hubspot_simulator.core.injection import Injected as Injected
    from hubspot_simulator.core.model import App as App
    from hubspot_simulator.core.model import Portal as Portal
    from hubspot_simulator.server import SimulatorServer as SimulatorServer
    from hubspot_simulator.settings import Settings as Settings

    from .clock import FollowingClock as FollowingClock
    from .clock import HubspotClock as HubspotClock
    from .handle import HubspotSim as HubspotSim
    from .kit.connection import Connection as Connection
    from .kit.suite import HubSpotRefreshSuite as HubSpotRefreshSuite
    from .responses_bridge import HubspotResponses as HubspotResponses
    from .simulation import Simulation as Simulation
    from .simulation import hubspot_simulation as hubspot_simulation

_HOME = {
    "App": "hubspot_simulator.core.model",
    "Connection": "pytest_hubspot_auth.kit.connection",
    "ConnectedInstallation": "hubspot_simulator.core.connected",
    "Finding": "hubspot_simulator.core.audit",
    "FollowingClock": "pytest_hubspot_auth.clock",
    "HubSpotRefreshSuite": "pytest_hubspot_auth.kit.suite",
    "HubspotClock": "pytest_hubspot_auth.clock",
    "HubspotResponses": "pytest_hubspot_auth.responses_bridge",
    "HubspotSim": "pytest_hubspot_auth.handle",
    "Injected": "hubspot_simulator.core.injection",
    "Portal": "hubspot_simulator.core.model",
    "Settings": "hubspot_simulator.settings",
    "Simulation": "pytest_hubspot_auth.simulation",
    "SimulatorServer": "hubspot_simulator.server",
    "__version__": "hubspot_simulator",
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
    "__version__",
    "hubspot_simulation",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
