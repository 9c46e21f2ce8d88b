"""Delivers webhooks over HTTP, and again when that fails, as HubSpot does (docs/fidelity.md, "Webhooks").

Requests go to the URL that the caller names and nowhere else: no redirect is followed, no proxy is used. Nothing
happens in the background: ``Delivery.run_due()`` makes the attempts that are due.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from ..core.clock import Clock
from ..core.instants import iso_instant
from ..core.redaction import shown
from ..core.webhooks import TIMEOUT_SECONDS, Event, SignedRequest, batch, retry_at_ms, sign_events
from ..core.words import plural


@dataclass(frozen=True)
class Attempt:
    """One attempt to deliver: its ``number`` from 0, and when it was made (epoch milliseconds).

    ``status`` is that of the answer. When none came it is None, and ``error`` says why.
    """

    number: int
    at_ms: int
    request: SignedRequest
    status: int | None
    error: str | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver accepted it, with a status of 200 to 299."""
        return self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        return f"#{self.number} {iso_instant(self.at_ms)} {self.request.method} {self.status or self.error}"


class Delivery:
    """Events for one URL, and the attempts to deliver them. ``WebhookSender.deliver`` makes it.

    ``attempts`` are those made so far; the first is made at once.
    """

    def __init__(self, sender: WebhookSender, url: str, events: Event | Sequence[Event], client_secret: str) -> None:
        self._sender = sender
        self._client_secret = client_secret
        self._events = batch(events)
        self.url = url
        self.attempts: list[Attempt] = []
        self._attempt()

    @property
    def delivered(self) -> bool:
        """Whether the receiver has accepted the events."""
        return self.attempts[-1].delivered

    @property
    def next_attempt_at_ms(self) -> int | None:
        """When the next attempt is due (epoch milliseconds). None when delivered, or given up after ten retries."""
        return None if self.delivered else retry_at_ms(self.attempts[0].at_ms, len(self.attempts))

    def run_due(self) -> list[Attempt]:
        """Make the retries that are due on the clock, one after the other until one succeeds, and return them.

        Each is signed at the instant at which it is made.
        """
        made: list[Attempt] = []
        while (due_ms := self.next_attempt_at_ms) is not None and due_ms <= self._sender.clock.now_ms():
            made.append(self._attempt())
        return made

    def _attempt(self) -> Attempt:
        number, now_ms = len(self.attempts), self._sender.clock.now_ms()
        events = [{**event, "attemptNumber": number} for event in self._events]
        request = sign_events(self._client_secret, self.url, events, now_ms)
        status, error = self._sender.post(request)
        self.attempts.append(Attempt(number, now_ms, request, status, error))
        return self.attempts[-1]

    def __repr__(self) -> str:
        next_ms = self.next_attempt_at_ms
        state = "given up" if next_ms is None else f"next attempt at {iso_instant(next_ms)}"
        tried = ", ".join(map(str, self.attempts))
        count = plural(len(self._events), "event")
        return f"<Delivery of {count}, {'delivered' if self.delivered else state}: {tried}>"


class WebhookSender:
    """Posts events as HubSpot does, at the instants of ``clock``.

    ``timeout`` is how many real seconds the receiver may be silent. ``ssl_context`` says which certificates to
    trust, those that the machine trusts without it.
    """

    def __init__(
        self, clock: Clock, *, timeout: float = TIMEOUT_SECONDS, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self.clock = clock
        self._timeout = timeout
        self._ssl_context = ssl_context

    def deliver(self, url: str, events: Event | Sequence[Event], client_secret: str) -> Delivery:
        """Post one event or up to 100 to a URL, signed with the app's secret, and return how that went.

        The first attempt is made at once, the others by ``Delivery.run_due()``. That the receiver fails raises
        nothing. Raises ValueError for no event, for more than 100, and for a URL that cannot be posted to.
        """
        return Delivery(self, url, events, client_secret)

    def post(self, request: SignedRequest) -> tuple[int | None, str | None]:
        """Post a request and return the status of the answer, or None and why there is none."""
        try:
            with closing(self._connection(request.url)) as connection:
                target = "/" + request.url.split("://")[1].partition("/")[2]  # urlsplit would lose an empty query
                connection.request(request.method, target, request.body, request.headers)
                answer = connection.getresponse()
                answer.read()  # one that is cut short is none
                return answer.status, None
        except TimeoutError:
            return None, f"timeout: no answer within {self._timeout:g} s"
        except (OSError, HTTPException) as error:
            return None, shown(f"connection failed: {type(error).__name__}: {error}")

    def _connection(self, url: str) -> HTTPConnection:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            return HTTPSConnection(host, parts.port, timeout=self._timeout, context=self._ssl_context)
        return HTTPConnection(host, parts.port, timeout=self._timeout)
