"""Injected faults, where a request meets them. A request that meets none does not come here."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from werkzeug import Response

from ..core.errors import ApiError
from ..core.exchange import NO_EFFECT, Effect
from ..core.wire_response import WireResponse
from ..lab.faults.behaviours import NoResponse
from ..lab.faults.injection import Arrival, InjectedFault
from ..logs import get_logger
from .context import RequestContext
from .error_responses import refusal
from .explanations import explain
from .headers import wire_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

    from .routes import Route

logger = get_logger("hubspot_simulator")
_NOTHING = WireResponse(0, [], b"", "nothing")
_ENDED = "an injected fault ends the connection"


class MetFaults:
    """The faults that hit a request, and what they have done to it."""

    def __init__(self, arrival: Arrival, faults: list[InjectedFault]) -> None:
        self.arrival = arrival
        self.faults = faults
        self.is_unanswered = False
        self.effect: Effect = reduce(or_, [injected.fault.effect for injected in faults], NO_EFFECT)

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, for people."""
        return tuple(injected.name for injected in self.faults if injected.shown)

    @property
    def done(self) -> list[str]:
        """What they say that they have done."""
        return self.arrival.why


def arrive(context: RequestContext, route: Route) -> None:
    """Find the faults that hit a request, and let them act before authentication. Raises ApiError or NoResponse."""
    request, simulator = context.request, context.simulator
    arrival = Arrival(
        request.method, request.path, route.template, route.bearer, context.presented_token, context.now_ms
    )
    hits = simulator.faults.hitting(arrival)
    if not hits:
        return
    context.keepers = hits
    context.met_faults = met = MetFaults(arrival, hits)
    refused: ApiError | NoResponse | None = None
    for injected in hits:
        try:
            injected.fault.arrive(arrival)
        except (ApiError, NoResponse) as error:  # the first is the response; the other faults act all the same
            refused = error if refused is None else refused
    context.now_ms = arrival.now_ms = simulator.clock.now_ms()
    if refused is not None:
        met.is_unanswered = isinstance(refused, NoResponse)
        raise refused


def release(response: WireResponse, context: RequestContext, met: MetFaults) -> WireResponse:
    """Let the faults act on a response before it is released, and return what becomes of it."""
    if met.is_unanswered or response.status >= 400:
        met.effect = replace(met.effect, carried_out=False)
    if met.is_unanswered:
        return _NOTHING
    for injected in met.faults:
        if response.delivered == "nothing":
            break
        try:
            response = injected.fault.release(met.arrival, response)
        except ApiError as error:
            response = _refused(error, error.why, context)
        except Exception as error:
            logger.exception("the injected fault %s failed", injected.name)
            response = _refused(error, f"the injected fault {injected.name} failed: {error!r}", context)
    return response


def _refused(error: Exception, why: str, context: RequestContext) -> WireResponse:
    context.why, context.quota = why, None
    return wire_response(refusal(error, context), context)


@refusal.register
def no_response(error: NoResponse, context: RequestContext) -> Response:
    """Return a response that is not sent: ``release`` puts nothing in its place."""
    return Response()


@explain.register
def explain_no_response(error: NoResponse, context: RequestContext) -> str:
    """Say what the fault says."""
    return str(error)


class BrokenOff(ConnectionResetError):
    """The connection is to end here, by the will of a fault. A server that sees it closes the connection."""


def broken_off(response: WireResponse, status: str, start_response: StartResponse) -> Iterable[bytes]:
    """Return a WSGI body that ends the connection in its middle. Raises BrokenOff when nothing is to be sent."""
    if response.delivered == "nothing":
        raise BrokenOff(errno.ECONNRESET, _ENDED)
    start_response(status, response.headers)
    return _half(response.body)


def _half(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise BrokenOff(errno.ECONNRESET, _ENDED)
