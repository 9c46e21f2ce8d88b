"""Reproduces an incident: given an error from a log, makes a program get the same error from the simulator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...core import consent
from ...core.exchange import Exchange
from ...core.redaction import shown
from ...core.words import plural
from ..faults.injection import FaultTarget, InjectedFault
from .catalogue import BY_NAME, BY_WORDS, STATUSES, KnownRefusal, single_response
from .incident import REPRODUCED, Incident, IncidentFault
from .parsing import QuotedRefusal, quotes, read

if TYPE_CHECKING:
    from ...simulator import Simulator

_SHOWN = 200  # characters of the text in a message
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
    """An incident that was set up. ``name`` is HubSpot's name for it, or its status; ``state`` describes it."""

    def __init__(self, incident: Incident, injected: list[InjectedFault], at: int) -> None:
        self.name = incident.name
        self.state = incident.state
        self.at = at
        self._injected = injected
        self._path = incident.path

    @property
    def hits(self) -> list[Exchange]:
        """The exchanges that got the error."""
        return [exchange for exchange in self._injected[-1].hits if exchange.why.startswith(REPRODUCED)]

    def remove(self) -> None:
        """Stop hitting calls. State that was changed stays changed."""
        for injected in self._injected:
            injected.remove()

    def __str__(self) -> str:
        call = f"authenticated call {self.at}" if self._path is None else f"call {self.at} to {self._path}"
        return f"{self.name} at {call}: {self.state}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self}; hit {plural(len(self.hits), 'call')}>"


def reproduce(simulator: Simulator, text: str, at: int) -> Reproduction:
    """Set up the incident in a text, to hit call ``at``. See ``Simulator.reproduce``."""
    if isinstance(at, bool) or not isinstance(at, int) or at < 1:
        raise ValueError(f"at={at!r}: expected the number of the call to hit, from 1")
    incident = recognize(simulator, text)
    faults = simulator.faults
    injected = []
    if incident.refresh:  # the token expires early, so that the program has to refresh
        early = InjectedFault(f"server_only:{REPRODUCED}", faults.make("server_only"), FaultTarget(None, None))
        injected.append(faults.add(early))
    times = None if incident.lasting or incident.same_route else 1
    hit = InjectedFault(
        f"{incident.name}:{REPRODUCED}", IncidentFault(incident), FaultTarget(None, incident.path), nth=at, times=times
    )
    return Reproduction(incident, [*injected, faults.add(hit)], at)


def recognize(simulator: Simulator, text: str) -> Incident:
    """Return the incident in a log line, body or message. Raises ValueError, which names the nearest known error."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{text!r}: expected a log line, or the body or message of an error")
    for quote in quotes(text):
        for place in dict.fromkeys((quote.message, quote.text)):
            first = _first(place)
            if first is not None:
                entry, match = first
                incident = entry.make(simulator, quote, match)
                return incident.with_message(quote.message) if quote.body else incident
        status = quote.status or STATUSES.get(str(quote.body.get("category")))
        if quote.body and status is not None:
            return single_response(status, quote.message, quote.rest)
    raise ValueError(_unknown(read(text)))


def _first(text: str) -> tuple[KnownRefusal, re.Match[str]] | None:
    """Return the error whose message comes first in a text, otherwise one whose name or status it contains."""
    for group in (BY_WORDS, BY_NAME):
        matches = [(entry, match) for entry in group if (match := entry.pattern.search(text)) is not None]
        if matches:
            return min(matches, key=lambda pair: pair[1].start()) if group is BY_WORDS else matches[0]
    return None


def _unknown(quote: QuotedRefusal) -> str:
    """Return the message for a text whose error is not known."""
    for message in _ON_PAGES:
        if message[:40].lower() in quote.text.lower():
            return f"{message!r} is an error on HubSpot's consent page: people see it, programs do not"
    message = shown(quote.message, _SHOWN)
    if quote.body:
        return (
            f"{message!r} is not an error that the simulator knows: put its HTTP status before the body, "
            "for example 409 {...}"
        )
    if quote.status in _BY_STATUS:
        return f"{message!r} does not say which error it was: add the body, or one of {_BY_STATUS[quote.status]}"
    nearest = _nearest(quote.text)
    return f"{message!r} is not an error that the simulator knows" + (nearest and f"; the nearest is {nearest!r}")


def _nearest(text: str) -> str:
    """Return the known error that shares the most words with a text; an empty text if none shares any."""
    text_words = set(_WORD.findall(text.lower()))

    def shared(words: str) -> float:
        error_words = set(_WORD.findall(words.lower()))
        return len(error_words & text_words) / (len(error_words) + 1)  # on a tie the longer error wins

    nearest = max((entry.words for entry in BY_WORDS + BY_NAME), key=shared)
    return nearest if shared(nearest) else ""
