"""pytest fixtures that put your integration and a fake HubSpot on one clock.

pytest loads the plugin itself, ``pytest_hubspot_auth.plugin``. The names here are for type annotations and for use
without pytest. Each is loaded on first use, so that an installed but unused plugin costs nothing.

The names in ``__all__`` are public, with what the documentation says about them. Everything else in this package is
private, whatever its name, and may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hubspot_simulator import App as App
    from hubspot_simulator import AuthorityUnavailable as AuthorityUnavailable
    from hubspot_simulator import ConnectedInstallation as ConnectedInstallation
    from hubspot_simulator import Exchange as Exchange
    from hubspot_simulator import Finding as Finding
    from hubspot_simulator import InjectedFault as InjectedFault
    from hubspot_simulator import Journal as Journal
    from hubspot_simulator import Portal as Portal
    from hubspot_simulator import PrivateApp as PrivateApp
    from hubspot_simulator import Reproduction as Reproduction
    from hubspot_simulator import SettingError as SettingError
    from hubspot_simulator import Settings as Settings
    from hubspot_simulator import SimulatorServer as SimulatorServer
    from hubspot_simulator import __version__ as __version__
    from hubspot_simulator.lab.conformance.connection import Connection as Connection

    from .conformance.suite import HubSpotRefreshSuite as HubSpotRefreshSuite
    from .routing.responses_bridge import HubspotResponses as HubspotResponses
    from .routing.unsupported_clients import UnreachableClient as UnreachableClient
    from .sim import HubspotSim as HubspotSim
    from .simulation import Simulation as Simulation
    from .simulation import hubspot_simulation as hubspot_simulation
    from .time.clock import HubspotClock as HubspotClock
    from .time.following_clock import FollowingClock as FollowingClock
    from .time.waiting.simulated import SimulatedWaiting as SimulatedWaiting

_HOMES = {
    "App": "hubspot_simulator",
    "AuthorityUnavailable": "hubspot_simulator",
    "ConnectedInstallation": "hubspot_simulator",
    "Connection": "hubspot_simulator.lab.conformance.connection",
    "Exchange": "hubspot_simulator",
    "Finding": "hubspot_simulator",
    "FollowingClock": "pytest_hubspot_auth.time.following_clock",
    "HubSpotRefreshSuite": "pytest_hubspot_auth.conformance.suite",
    "HubspotClock": "pytest_hubspot_auth.time.clock",
    "HubspotResponses": "pytest_hubspot_auth.routing.responses_bridge",
    "HubspotSim": "pytest_hubspot_auth.sim",
    "InjectedFault": "hubspot_simulator",
    "Journal": "hubspot_simulator",
    "Portal": "hubspot_simulator",
    "PrivateApp": "hubspot_simulator",
    "Reproduction": "hubspot_simulator",
    "SettingError": "hubspot_simulator",
    "Settings": "hubspot_simulator",
    "SimulatedWaiting": "pytest_hubspot_auth.time.waiting.simulated",
    "Simulation": "pytest_hubspot_auth.simulation",
    "SimulatorServer": "hubspot_simulator",
    "UnreachableClient": "pytest_hubspot_auth.routing.unsupported_clients",
    "__version__": "hubspot_simulator",
    "hubspot_simulation": "pytest_hubspot_auth.simulation",
}

__all__ = [
    "App",
    "AuthorityUnavailable",
    "ConnectedInstallation",
    "Connection",
    "Exchange",
    "Finding",
    "FollowingClock",
    "HubSpotRefreshSuite",
    "HubspotClock",
    "HubspotResponses",
    "HubspotSim",
    "InjectedFault",
    "Journal",
    "Portal",
    "PrivateApp",
    "Reproduction",
    "SettingError",
    "Settings",
    "SimulatedWaiting",
    "Simulation",
    "SimulatorServer",
    "UnreachableClient",
    "hubspot_simulation",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module  # start-up cost: an unused plugin comes through here

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
