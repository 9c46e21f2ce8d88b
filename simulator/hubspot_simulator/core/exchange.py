"""An exchange: a request, its answer, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .bodies import form_fields, json_object
from .instants import iso_instant
from .protocol import presented_token
from .redaction import shown, shown_url

BODY_KEPT = 64 * 1024
_WEIGHT = 2_600  # what it takes beside these texts


@dataclass(frozen=True)
class Effect:
    """What was done to an exchange on purpose, and how far its record tells what the client knows.

    ``unread``: the client may not have read the response. ``altered``: another response was sent than HubSpot's own,
    or parts of it differ. ``delayed``: time passed on a clock before the response was released. ``carried_out``: the
    call was carried out, although the client cannot see that from the response.
    """

    unread: bool = False
    altered: bool = False
    delayed: bool = False
    carried_out: bool = False

    @property
    def hides_response(self) -> bool:
        """Whether nobody can tell what the client has read: neither the response on record, nor none at all."""
        return self.unread and self.altered

    def __or__(self, other: Effect) -> Effect:
        return Effect(
            self.unread or other.unread,
            self.altered or other.altered,
            self.delayed or other.delayed,
            self.carried_out or other.carried_out,
        )


NO_EFFECT = Effect()


@dataclass(slots=True, repr=False)
class Exchange:
    """A request, its answer, and why.

    ``number`` counts from 1, in the order of the journal, which gives it. ``at_ms`` is when the request came, on the
    simulator's clock (epoch milliseconds). ``route`` is the template that it matched (``/crm/v3/objects/{type}``), None
    when there was none. ``served`` is False when HubSpot has, or may have, the endpoint and the simulator has not.
    ``bearer`` exchanges are those of the routes that want an access token. ``after`` is the number of the last exchange
    that had been answered when the request came: whoever sent it may have known the responses up to there. ``status``
    is 0 when no response was sent. ``faults`` names what was injected, for people; ``effect`` is what that did, for the
    audit. ``skew_ms`` is how far HubSpot's clock had been moved ahead of the caller's (milliseconds). Bodies are kept
    up to 64 KiB. ``stranger`` names the other test of the session whose token the call carries: such a call counts for
    nothing.

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
    effect: Effect = NO_EFFECT

    @property
    def access_token(self) -> str:
        """What stands after the scheme of its Authorization header; empty when there is none."""
        return presented_token(self.header("HTTP_AUTHORIZATION"))

    def header(self, name: str) -> str:
        """Return a request header by its CGI name (``HTTP_AUTHORIZATION``); empty when there is none."""
        for known, value in self.request_headers:
            if known == name:
                return value
        return ""

    @property
    def media_type(self) -> str:
        """The media type of the request, in lower case and without parameters; empty when it names none."""
        return self.header("CONTENT_TYPE").partition(";")[0].strip().lower()

    @property
    def form(self) -> dict[str, str]:
        """The fields of the request's body, read as a form; of several with the same name, the first."""
        return form_fields(self.request_body.decode("utf-8", "replace"))

    @property
    def request_json(self) -> dict[str, Any]:
        """The JSON object in the request's body; empty when the body is not one."""
        return json_object(self.request_body)

    @property
    def response_json(self) -> dict[str, Any]:
        """The JSON object in the response's body; empty when the body is not one."""
        return json_object(self.response_body)

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
