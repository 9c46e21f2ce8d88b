"""A fake HubSpot that issues 1800-second OAuth tokens and rejects expired ones with HubSpot's 401.

    from hubspot_simulator import Simulator, SimulatorServer

    with SimulatorServer(Simulator()) as server:
        print(server.url)

Everything else in this package is private unless the documentation names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .serving.server import SimulatorServer as SimulatorServer
    from .settings import Settings as Settings
    from .simulator import Simulator as Simulator

__all__ = ["Settings", "Simulator", "SimulatorServer"]

_HOME = {"Settings": "settings", "Simulator": "simulator", "SimulatorServer": "serving.server"}


def __getattr__(name: str) -> Any:  # the plugin imports `settings` only, which must not load a server
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
