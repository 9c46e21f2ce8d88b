"""A refusal that was met once, as a fault that has it met again, and what stays changed by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...core.errors import ApiError
from ...core.exchange import Effect
from ..faults.injection import Arrival, Fault

REPRODUCED = "reproduced"
Act = Callable[[Arrival], object]


def nothing(_: Arrival) -> None:
    """Change nothing for good."""


@dataclass(frozen=True)
class Incident:
    """What a text is about.

    ``state`` says in words what is set up. ``error`` makes the refusal, ``act`` changes what stays changed. It hits
    calls of ``path``, authenticated ones without it: one of them, or with ``lasting`` all from there on, or with
    ``same_route`` all of the same method and path. ``refresh`` tells that it takes a refresh to meet it.
    """

    name: str
    state: str
    error: Callable[[Arrival], ApiError]
    act: Act = nothing
    path: str | None = None
    lasting: bool = False
    same_route: bool = False
    refresh: bool = False

    def in_words(self, message: str) -> Incident:
        """Return the same incident, refused with another message."""

        def error(arrival: Arrival) -> ApiError:
            made = self.error(arrival)
            made.message = message
            return made

        return replace(self, error=error)


class IncidentFault(Fault):
    """Has an incident met again."""

    effect = Effect(altered=True)

    def __init__(self, incident: Incident) -> None:
        self.incident = incident
        self.path = incident.path
        self._route: tuple[str, str] | None = None

    def arrive(self, arrival: Arrival) -> None:
        """Change the state, and refuse the call in the words of the incident."""
        route = arrival.method, arrival.route or arrival.path
        if self.incident.same_route and self._route not in (None, route):
            return
        if self._route is None:
            self._route = route
            self.incident.act(arrival)
        error = self.incident.error(arrival)
        error.why = f"{REPRODUCED}: {self.incident.state}"
        raise error
