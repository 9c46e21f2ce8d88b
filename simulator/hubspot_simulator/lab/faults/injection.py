"""What is injected into the traffic: a fault, and the calls that it hits."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from ...core.exchange import Effect, Exchange
from ...core.glob import is_path
from ...core.redaction import shown, shown_url
from ...core.wire_response import WireResponse
from ...core.words import plural

UNDECLARED = Effect(unread=True, altered=True, delayed=True)
"""The effect of a fault that declares none: the audit then takes nothing about the response for certain."""


@dataclass(repr=False)
class Arrival:
    """A request as a fault sees it. ``route`` is the template that it matched, ``bearer`` one that wants a token.

    ``now_ms`` is when it came (epoch milliseconds); ``why`` gathers what the faults have done to it, for the journal.
    """

    method: str
    path: str
    route: str | None
    bearer: bool
    access_token: str
    now_ms: int
    number: int = 0
    why: list[str] = field(default_factory=list)

    def __repr__(self) -> str:  # it holds a token
        return f"<Arrival #{self.number} {shown(self.method, 20)} {shown_url(self.path)}>"


class Fault:
    """Something that goes wrong with a call. Its fields are the options of ``inject``.

    ``path`` is what it matches unless told otherwise; None stands for every authenticated call. One that is ``bound``
    can do nothing to calls of other paths. ``effect`` is what it does to the calls that it hits, as far as the audit
    must know: declare it, ``NO_EFFECT`` for a fault that leaves the response as HubSpot gave it.
    """

    path: str | None = None
    bound = False
    effect: Effect = UNDECLARED

    def arrive(self, arrival: Arrival) -> None:
        """Act before authentication. Raises ApiError to refuse the call with it."""

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        """Act before the response is released. Return it or another; raise ApiError to refuse the call instead."""
        return response


@dataclass(frozen=True)
class FaultTarget:
    """Which calls a fault is for: a method, a path (literal, a route template, or with ``*``), or None for any."""

    method: str | None
    path: str | None

    def matches(self, arrival: Arrival) -> bool:
        """Tell whether a request is one of them."""
        if self.method is not None and self.method != arrival.method:
            return False
        return arrival.bearer if self.path is None else is_path(self.path, arrival.path, arrival.route)

    def __str__(self) -> str:
        return f"{self.method or 'any'} {shown(self.path or 'authenticated call')}"


class InjectedFault:
    """A fault that was injected: ``hits`` are the exchanges that it hit, ``remove()`` ends it.

    ``hit_count`` is how many there were. ``hits`` lacks those that the journal has dropped, but for the last. The
    fault's name is in the journal unless ``shown`` is False.
    """

    def __init__(
        self,
        name: str,
        fault: Fault,
        target: FaultTarget,
        *,
        nth: int | None = None,
        times: int | None = 1,
        chance: tuple[float, Random | None] = (1, None),
        shown: bool = True,
    ) -> None:
        self.name = name
        self.fault = fault
        self.target = target
        self.hits: list[Exchange] = []
        self.hit_count = 0
        self.shown = shown
        self._nth = nth
        self._left = times
        self._removed = False
        self._probability, self._random = chance
        self._seen = 0

    def takes(self, arrival: Arrival) -> bool:
        """Count a request, and tell whether the fault hits it. To be called under the store's lock."""
        if self._removed or self._left == 0 or not self.target.matches(arrival):
            return False
        self._seen += 1
        if self._nth is not None and self._seen < self._nth:
            return False
        if self._random is not None and self._random.random() >= self._probability:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def keep(self, exchange: Exchange) -> None:
        """Keep an exchange that the fault has hit. To be called under the store's lock."""
        self.hits.append(exchange)
        self.hit_count += 1

    def drop(self, exchange: Exchange) -> None:
        """Let go of the oldest exchange, if it is this. To be called under the store's lock."""
        if len(self.hits) > 1 and self.hits[0] is exchange:
            del self.hits[0]

    def remove(self) -> None:
        """Hit no further call."""
        self._removed = True  # not what takes() counts down, perhaps at this moment

    def __repr__(self) -> str:
        return f"<fault {self.name} for {self.target}: hit {plural(self.hit_count, 'call')}>"
