"""A fake HubSpot that issues 1800-second OAuth tokens and rejects expired ones with HubSpot's 401.

    from hubspot_simulator import Simulator, SimulatorServer

    with SimulatorServer(Simulator()) as server:
        print(server.url)

The public names are those in ``__all__``, here and in ``hubspot_simulator.webhooks``, with the behavior that the
documentation describes. Everything else in this package is private and may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.clock import Clock as Clock
    from .core.clock import ClockOutOfRange as ClockOutOfRange
    from .core.clock import ManualClock as ManualClock
    from .core.clock import OffsetClock as OffsetClock
    from .core.clock import SystemClock as SystemClock
    from .core.connected_installation import ConnectedInstallation as ConnectedInstallation
    from .core.exchange import Exchange as Exchange
    from .core.journal import Journal as Journal
    from .core.model import App as App
    from .core.model import Portal as Portal
    from .core.model import PrivateApp as PrivateApp
    from .lab.audit.finding import Finding as Finding
    from .lab.faults.injection import InjectedFault as InjectedFault
    from .lab.reproduce import Reproduction as Reproduction
    from .serving.authority import AuthorityUnavailable as AuthorityUnavailable
    from .serving.server import SimulatorServer as SimulatorServer
    from .serving.wsgi_server import ServerStartError as ServerStartError
    from .settings import SettingError as SettingError
    from .settings import Settings as Settings
    from .simulator import Simulator as Simulator

__version__ = "0.1.0"  # the one home of the version: the build reads it from this line

_HOMES = {
    "App": "core.model",
    "AuthorityUnavailable": "serving.authority",
    "Clock": "core.clock",
    "ClockOutOfRange": "core.clock",
    "ConnectedInstallation": "core.connected_installation",
    "Exchange": "core.exchange",
    "Finding": "lab.audit.finding",
    "InjectedFault": "lab.faults.injection",
    "Journal": "core.journal",
    "ManualClock": "core.clock",
    "OffsetClock": "core.clock",
    "Portal": "core.model",
    "PrivateApp": "core.model",
    "Reproduction": "lab.reproduce",
    "ServerStartError": "serving.wsgi_server",
    "SettingError": "settings",
    "Settings": "settings",
    "Simulator": "simulator",
    "SimulatorServer": "serving.server",
    "SystemClock": "core.clock",
}

__all__ = [
    "App",
    "AuthorityUnavailable",
    "Clock",
    "ClockOutOfRange",
    "ConnectedInstallation",
    "Exchange",
    "Finding",
    "InjectedFault",
    "Journal",
    "ManualClock",
    "OffsetClock",
    "Portal",
    "PrivateApp",
    "Reproduction",
    "ServerStartError",
    "SettingError",
    "Settings",
    "Simulator",
    "SimulatorServer",
    "SystemClock",
]


def __getattr__(name: str) -> Any:  # the plugin imports `settings` only, which must not load a server
    if name in _HOMES:
        from importlib import import_module  # start-up cost: an unused plugin comes through here

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
