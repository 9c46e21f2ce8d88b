"""What is injected into the traffic: a fault, and the calls that it hits."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from .exchange import Exchange
from .glob import matches
from .redaction import shown, shown_url
from .words import plural


class Answer(NamedTuple):
    """An answer as it goes out.

    ``delivered`` says what of it reaches the client: ``whole``, ``cut`` (the connection ends in the middle of the
    body) or ``nothing`` (the connection ends without an answer).
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    delivered: str = "whole"

    def __repr__(self) -> str:  # the body may hold tokens
        return f"<Answer {self.status}, {len(self.body)} bytes>"


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
    can do nothing to calls of other paths.
    """

    path: str | None = None
    bound = False

    def arrive(self, arrival: Arrival) -> None:
        """Act before authentication. Raises ApiError to refuse the call with it."""

    def answer(self, arrival: Arrival, answer: Answer) -> Answer:
        """Act before the answer is released, and return it or another. Raises ApiError to answer that instead."""
        return answer


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


def is_path(pattern: str, path: str, route: str | None) -> bool:
    """Tell whether a pattern stands for a path: it is the path, its route template, or matches it with its ``*``."""
    path = path.rstrip("/")
    if pattern.rstrip("/") in (path, route):
        return True
    return "*" in pattern and matches(pattern, path)


class Injected:
    """A fault that was injected: ``hits`` are the exchanges that it hit, ``remove()`` ends it.

    ``count`` is how many there were; ``hits`` lacks those that the journal has dropped, but for the last. Its name is
    in the journal unless ``shown`` is False.
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
        self.count = 0
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

    def hit(self, exchange: Exchange) -> None:
        """Keep an exchange that it has hit. To be called under the store's lock."""
        self.hits.append(exchange)
        self.count += 1

    def forget(self, exchange: Exchange) -> None:
        """Let go of the oldest exchange, if it is this. To be called under the store's lock."""
        if len(self.hits) > 1 and self.hits[0] is exchange:
            del self.hits[0]

    def remove(self) -> None:
        """Hit no further call."""
        self._removed = True  # not what takes() counts down, perhaps at this moment

    def __repr__(self) -> str:
        return f"<fault {self.name} for {self.target}: hit {plural(self.count, 'call')}>"
