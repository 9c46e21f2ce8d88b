"""Delivers webhooks over HTTP, with HubSpot's retries (docs/fidelity.md, "Webhooks").

Requests go only to the URL that the caller names, without redirects or proxies. Nothing happens in the background:
``Delivery.run_due()`` makes the attempts that are due.
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
    """One attempt to deliver, made at ``at_ms`` (epoch milliseconds). ``number`` counts from 0.

    ``status`` is the status of the response. Without a response it is None, and ``error`` gives the reason.
    """

    number: int
    at_ms: int
    request: SignedRequest
    status: int | None
    error: str | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver accepted the request, with a status from 200 to 299."""
        return self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        return f"#{self.number} {iso_instant(self.at_ms)} {self.request.method} {self.status or self.error}"


class Delivery:
    """Events for one URL, and the attempts to deliver them. Returned by ``WebhookSender.deliver``.

    ``attempts`` lists the attempts so far. The first one is made at once.
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
        """When the next attempt is due (epoch milliseconds). None after success and after ten retries."""
        return None if self.delivered else retry_at_ms(self.attempts[0].at_ms, len(self.attempts))

    def run_due(self) -> list[Attempt]:
        """Make the retries that are due by the clock, until one succeeds, and return them.

        Each request is signed at the time of its attempt.
        """
        attempts: list[Attempt] = []
        while (due_ms := self.next_attempt_at_ms) is not None and due_ms <= self._sender.clock.now_ms():
            attempts.append(self._attempt())
        return attempts

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
        attempts = ", ".join(map(str, self.attempts))
        count = plural(len(self._events), "event")
        return f"<Delivery of {count}, {'delivered' if self.delivered else state}: {attempts}>"


class WebhookSender:
    """Posts events as HubSpot does, with the time of ``clock``.

    ``timeout`` is in real seconds, for each wait for the receiver. ``ssl_context`` sets the trusted certificates; the
    default is those that the machine trusts.
    """

    def __init__(
        self, clock: Clock, *, timeout: float = TIMEOUT_SECONDS, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self.clock = clock
        self._timeout = timeout
        self._ssl_context = ssl_context

    def __repr__(self) -> str:
        return f"<{type(self).__name__} by {self.clock!r}>"

    def deliver(self, url: str, events: Event | Sequence[Event], client_secret: str) -> Delivery:
        """Post 1 to 100 events to a URL, signed with the app's secret, and return the delivery.

        The first attempt is made at once, the others by ``Delivery.run_due()``. A failure of the receiver raises no
        exception. Raises ValueError for no event, for more than 100, and for an invalid URL.
        """
        return Delivery(self, url, events, client_secret)

    def post(self, request: SignedRequest) -> tuple[int | None, str | None]:
        """Post a request. Return the status of the response, or None and the reason why there is no response."""
        try:
            with closing(self._connection(request.url)) as connection:
                target = "/" + request.url.split("://")[1].partition("/")[2]  # urlsplit would lose an empty query
                connection.request(request.method, target, request.body, request.headers)
                response = connection.getresponse()
                response.read()  # raises if the response is incomplete
                return response.status, None
        except TimeoutError:
            return None, f"timeout: no response within {self._timeout:g} s"
        except (OSError, HTTPException) as error:
            return None, shown(f"connection failed: {type(error).__name__}: {error}")

    def _connection(self, url: str) -> HTTPConnection:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            return HTTPSConnection(host, parts.port, timeout=self._timeout, context=self._ssl_context)
        return HTTPConnection(host, parts.port, timeout=self._timeout)
