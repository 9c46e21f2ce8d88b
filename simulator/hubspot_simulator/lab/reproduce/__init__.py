"""Reproduces an incident: from what a log says of a refusal to a simulator in which a program meets it again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...core import consent
from ...core.exchange import Exchange
from ...core.redaction import shown
from ...core.words import plural
from ..faults.injection import FaultTarget, Injected
from .catalogue import BY_NAME, BY_WORDS, STATUSES, KnownRefusal, answered
from .incident import REPRODUCED, Incident, IncidentFault
from .parsing import QuotedRefusal, read, readings

if TYPE_CHECKING:
    from ...simulator import Simulator

_SHOWN = 200
_WORD = re.compile(r"\w+")
_BY_STATUS = {
    400: "BAD_REFRESH_TOKEN, BAD_AUTH_CODE, BAD_CLIENT_SECRET",
    401: "EXPIRED_AUTHENTICATION, INVALID_AUTHENTICATION",
    403: "MISSING_SCOPES, BAD_HUB",
    404: "'resource not found'",
    409: "'Contact already exists. Existing ID: 101'",
}
_ON_PAGES = (
    consent.LINK_INVALID,
    consent.WRONG_REDIRECT_URI,
    consent.INSUFFICIENT_SCOPES,
    consent.ACCOUNT_LACKS_SCOPES,
    consent.USER_LACKS_PERMISSION,
)


class Reproduction:
    """An incident that is set up. ``name`` is HubSpot's for it, or its status; ``state`` says what is set up."""

    def __init__(self, incident: Incident, injected: list[Injected], at: int) -> None:
        self.name = incident.name
        self.state = incident.state
        self.at = at
        self._injected = injected
        self._what = "authenticated call" if incident.path is None else f"call of {incident.path}"

    @property
    def hits(self) -> list[Exchange]:
        """The exchanges in which it was met."""
        return [exchange for exchange in self._injected[-1].hits if exchange.why.startswith(REPRODUCED)]

    def remove(self) -> None:
        """Have no further call meet it. What it has changed stays changed."""
        for injected in self._injected:
            injected.remove()

    def __str__(self) -> str:
        return f"{self.name} at {self._what} number {self.at}: {self.state}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self}; met {plural(len(self.hits), 'time')}>"


def reproduce(simulator: Simulator, text: str, at: int) -> Reproduction:
    """Set up what a text is about, to be met at call ``at``; see ``Simulator.reproduce``."""
    if isinstance(at, bool) or not isinstance(at, int) or at < 1:
        raise ValueError(f"at={at!r}: expected the number of the call that is to meet it, from 1")
    incident = recognise(simulator, text)
    faults = simulator.faults
    injected = []
    if incident.refresh:  # a program refreshes when it has to
        early = Injected(f"server_only:{REPRODUCED}", faults.make("server_only"), FaultTarget(None, None))
        injected.append(faults.add(early))
    times = None if incident.lasting or incident.same_route else 1
    met = Injected(
        f"{incident.name}:{REPRODUCED}", IncidentFault(incident), FaultTarget(None, incident.path), nth=at, times=times
    )
    return Reproduction(incident, [*injected, faults.add(met)], at)


def recognise(simulator: Simulator, text: str) -> Incident:
    """Return the incident of a log line, a body or a message. Raises ValueError with what comes nearest."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{text!r}: expected the line of a log, or the body or the message of a refusal")
    for said in readings(text):
        for place in dict.fromkeys((said.message, said.text)):
            first = _first(place)
            if first is not None:
                known, found = first
                incident = known.make(simulator, said, found)
                return incident.in_words(said.message) if said.body else incident
        status = said.status or STATUSES.get(str(said.body.get("category")))
        if said.body and status is not None:
            return answered(status, said.message, said.rest)
    raise ValueError(_unknown(read(text)))


def _first(text: str) -> tuple[KnownRefusal, re.Match[str]] | None:
    """Return the refusal whose words come first in a text, or else one whose name or status stands in it."""
    for sort in (BY_WORDS, BY_NAME):
        found = [(known, match) for known in sort if (match := known.pattern.search(text)) is not None]
        if found:
            return min(found, key=lambda each: each[1].start()) if sort is BY_WORDS else found[0]
    return None


def _unknown(said: QuotedRefusal) -> str:
    for message in _ON_PAGES:
        if message[:40].lower() in said.text.lower():
            return f"{message!r} is shown to a person on HubSpot's consent page: no call of a program meets it"
    quoted = shown(said.message, _SHOWN)
    if said.body:
        return (
            f"{quoted!r} is no refusal that the simulator knows: put its HTTP status before the body, as in 409 {{...}}"
        )
    if said.status in _BY_STATUS:
        return f"{quoted!r} does not say which refusal it was: give the body, or one of {_BY_STATUS[said.status]}"
    nearest = _nearest(said.text)
    return f"{quoted!r} is no refusal that the simulator knows" + (nearest and f"; the nearest is {nearest!r}")


def _nearest(text: str) -> str:
    """Return the words of the refusal of which the most stand in a text; none for one that shares no word with any."""
    given = set(_WORD.findall(text.lower()))

    def shared(words: str) -> float:
        own = set(_WORD.findall(words.lower()))
        return len(own & given) / (len(own) + 1)  # of two that share as much, the longer says more

    nearest = max((known.words for known in BY_WORDS + BY_NAME), key=shared)
    return nearest if shared(nearest) else ""
