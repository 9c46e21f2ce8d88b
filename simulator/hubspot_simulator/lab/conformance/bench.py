"""Where a scenario is run: a simulator that answers on a server, and the clock of both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .protocols import ClientClock

if TYPE_CHECKING:
    from ...serving.server import SimulatorServer
    from ...simulator import Simulator


@dataclass(frozen=True)
class Bench:
    """Where a scenario is run. ``server`` answers for ``simulator``; ``clock`` moves it and the integration."""

    simulator: Simulator
    server: SimulatorServer
    clock: ClientClock
