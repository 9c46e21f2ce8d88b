"""An error that occurred once, as a fault that makes it occur again, with the state it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...core.errors import ApiError
from ...core.exchange import Effect
from ..faults.injection import Arrival, Fault

REPRODUCED = "reproduced"
Act = Callable[[Arrival], object]


def nothing(_: Arrival) -> None:
    """Change no state."""


@dataclass(frozen=True)
class Incident:
    """The error in a text, and how the simulator reproduces it.

    ``state`` describes what is set up. ``error`` creates the error, ``act`` changes state for good. The incident hits
    calls to ``path``, or authenticated calls if it is None: one call, with ``lasting`` all calls from then on, or with
    ``same_route`` all calls with the same method and path. ``refresh`` tells that a program must refresh to get it.
    """

    name: str
    state: str
    error: Callable[[Arrival], ApiError]
    act: Act = nothing
    path: str | None = None
    lasting: bool = False
    same_route: bool = False
    refresh: bool = False

    def with_message(self, message: str) -> Incident:
        """Return the same incident with another message."""

        def error(arrival: Arrival) -> ApiError:
            api_error = self.error(arrival)
            api_error.message = message
            return api_error

        return replace(self, error=error)


class IncidentFault(Fault):
    """Makes an incident occur again."""

    effect = Effect(altered=True)

    def __init__(self, incident: Incident) -> None:
        self.incident = incident
        self.path = incident.path
        self._route: tuple[str, str] | None = None

    def arrive(self, arrival: Arrival) -> None:
        """Change the state, and refuse the call with the incident's error."""
        route = arrival.method, arrival.route or arrival.path
        if self.incident.same_route and self._route not in (None, route):
            return
        if self._route is None:
            self._route = route
            self.incident.act(arrival)
        error = self.incident.error(arrival)
        error.why = f"{REPRODUCED}: {self.incident.state}"
        raise error
