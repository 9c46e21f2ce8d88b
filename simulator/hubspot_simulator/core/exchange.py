"""An exchange: a request, its answer, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .instants import iso_instant
from .redaction import shown, shown_url

BODY_KEPT = 64 * 1024
_WEIGHT = 2_600  # what it takes beside these texts


@dataclass(slots=True, repr=False)
class Exchange:
    """A request, its answer, and why.

    ``number`` counts from 1, in the order of the journal, which gives it. ``at_ms`` is when the request came, on the
    simulator's clock (epoch milliseconds). ``route`` is the template
    that it matched (``/crm/v3/objects/{type}``), None when there was none. ``served`` is False when HubSpot has,
    or may have, the endpoint and the simulator has not. ``bearer`` exchanges are those of the routes that want an
    access token. ``after`` is the number of the last exchange that had been answered when the request came: whoever
    sent it may have known the answers up to there. ``status`` is 0 when no answer was sent. ``faults`` names what was
    injected. ``skew_ms`` is how far HubSpot's clock had been moved ahead of the caller's (milliseconds). Bodies are
    kept up to 64 KiB. ``stranger`` names the other test of the session whose token the call carries: such a call counts
    for nothing.

    ``connection`` and ``process`` are the numbers of the connection that it came by and of the process that sent it:
    equal numbers are the same one; None is unknown, or no connection, or one that several processes share. Process 0
    is the simulator's own, which is a test's. ``foreign`` exchanges were refused, and carry a well-formed access token
    that was not issued by this simulator.
    """

    number: int
    at_ms: int
    method: str
    path: str
    query: str
    route: str | None
    status: int
    why: str
    request_headers: Sequence[tuple[str, str]]  # named as in CGI: HTTP_AUTHORIZATION, CONTENT_TYPE
    request_body: bytes
    response_headers: Sequence[tuple[str, str]]
    response_body: bytes
    correlation_id: str
    served: bool = True
    bearer: bool = False
    after: int = 0
    faults: tuple[str, ...] = ()
    skew_ms: int = 0
    stranger: str = ""
    connection: int | None = None
    process: int | None = None
    foreign: bool = False

    @property
    def access_token(self) -> str:
        """What stands after the scheme of its Authorization header; empty when there is none."""
        for name, value in self.request_headers:
            if name == "HTTP_AUTHORIZATION":
                return value.partition(" ")[2].strip()
        return ""

    @property
    def weight(self) -> int:
        """About how many bytes of memory it takes."""
        headers = sum([len(name) + len(value) for name, value in self.request_headers])
        return _WEIGHT + len(self.request_body) + len(self.response_body) + len(self.path) + len(self.query) + headers

    def __str__(self) -> str:
        return (
            f"#{self.number} {iso_instant(self.at_ms)} {shown(self.method, 20)} {shown_url(self.path, self.query)} "
            f"{self.status or 'no answer'}: {shown(self.why)}"
        )

    __repr__ = __str__  # the fields hold secrets
