"""Injected faults, where a request meets them."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from ..core.errors import ApiError
from ..core.exchange import NO_EFFECT, Effect
from ..core.wire_response import WireResponse
from ..lab.faults.behaviours import NoResponse as NoResponse
from ..lab.faults.injection import Arrival, Injected
from .context import RequestContext

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

NO_ANSWER = WireResponse(0, [], b"", "nothing")


def arrive(context: RequestContext, template: str, bearer: bool) -> None:
    """Find the faults that hit a request, and let them act before authentication. Raises ApiError or NoResponse."""
    request, simulator = context.request, context.simulator
    token = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")[2].strip()
    arrival = Arrival(request.method, request.path, template, bearer, token, context.now_ms)
    context.hits = simulator.faults.hitting(arrival)
    if context.hits:
        context.arrival = arrival
        refused: ApiError | NoResponse | None = None
        for injected in context.hits:
            try:
                injected.fault.arrive(arrival)
            except (ApiError, NoResponse) as error:  # the first is the answer; the other faults act all the same
                refused = error if refused is None else refused
        context.now_ms = arrival.now_ms = simulator.clock.now_ms()
        if refused is not None:
            raise refused


def answer(context: RequestContext, injected: Injected, given: WireResponse) -> WireResponse:
    """Let a fault act on an answer, and return what becomes of it. Raises ApiError for another answer."""
    if context.arrival is None or given.delivered == "nothing":
        return given
    return injected.fault.release(context.arrival, given)


def done(context: RequestContext) -> list[str]:
    """Return what the faults have done to a call."""
    return [] if context.arrival is None else context.arrival.why


def effect(context: RequestContext, status: int) -> Effect:
    """Return what the faults have done to a call that was answered ``status`` before they acted on the response."""
    combined = reduce(or_, [injected.fault.effect for injected in context.hits], NO_EFFECT)
    return combined if status < 400 else replace(combined, carried_out=False)


class BrokenOff(ConnectionResetError):
    """The connection is to end here, by the will of a fault. A server that sees it closes the connection."""


def broken_off(given: WireResponse, status: str, start_response: StartResponse) -> Iterable[bytes]:
    """Return a WSGI body that ends the connection in its middle. Raises BrokenOff when nothing is to be sent."""
    if given.delivered == "nothing":
        raise BrokenOff(errno.ECONNRESET, "an injected fault ends the connection")
    start_response(status, given.headers)
    return _half(given.body)


def _half(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise BrokenOff(errno.ECONNRESET, "an injected fault ends the connection")
