"""An exchange: a request, its answer, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .clock import iso_instant
from .tokens import shorten

BODY_KEPT = 64 * 1024
_WEIGHT = 2_600  # what it takes beside these texts
_BEARER = re.compile(r"(?<=bearer )\S+", re.IGNORECASE)
_SECRET_MEMBERS = re.compile(
    r"""((?:access_token|refresh_token|client_secret|code|token|code_verifier)["']?(?:=|:\s*["']))([^"'&\s]+)"""
)
_SECRET_SEGMENT = re.compile(r"(?<=/)(?:access-tokens|refresh-tokens)/([^/?]+)")


def redact(text: str) -> str:
    """Return a text with its tokens, codes and client secrets shortened."""
    text = _BEARER.sub(lambda found: shorten(found[0]), text)
    text = _SECRET_SEGMENT.sub(lambda found: found[0].replace(found[1], shorten(found[1])), text)
    return _SECRET_MEMBERS.sub(lambda found: found[1] + shorten(found[2]), text)


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
        target = f"{self.path}?{self.query}" if self.query else self.path
        return (
            f"#{self.number} {iso_instant(self.at_ms)} {self.method} {redact(target)} {self.status or 'no answer'}: "
            f"{redact(self.why)}"
        )

    __repr__ = __str__  # the fields hold secrets
