"""A fake HubSpot that issues 1800-second OAuth tokens and answers expired ones as HubSpot does.

    from hubspot_simulator import Simulator, SimulatorServer

    with SimulatorServer(Simulator()) as server:
        print(server.url)

Everything else in this package is private until it is documented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .serving.server import SimulatorServer as SimulatorServer
    from .settings import Settings as Settings
    from .simulator import Simulator as Simulator

__all__ = ["Settings", "Simulator", "SimulatorServer"]

_HOME = {"Settings": "settings", "Simulator": "simulator", "SimulatorServer": "serving.server"}


def __getattr__(name: str) -> Any:  # the plugin reads `settings` alone: importing it must not cost a server
    if name in _HOME:
        from importlib import import_module  # start-up cost: an unused plugin comes through here

        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
