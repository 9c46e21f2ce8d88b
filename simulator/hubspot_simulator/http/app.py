"""The WSGI application around a simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from http.client import responses as phrases
from typing import TYPE_CHECKING

from ..core.exchange import Exchange
from ..core.wire_response import WireResponse
from ..senders import Senders
from ..simulator import Simulator
from . import fault_injection, trust
from .context import RequestContext
from .dispatch import dispatch
from .error_responses import error_response
from .headers import wire_response
from .recording import exchange_of
from .request import Request
from .subscribers import Subscribers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Application:
    """Answers requests from ``simulator``, which may be exchanged between two requests.

    ``senders`` tells who sent a request.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.senders = Senders()
        self._subscribers = Subscribers()

    def subscribe(self, listener: Callable[[Exchange], object]) -> Callable[[], None]:
        """Call a listener with each exchange from now on, and return what ends that; to call it again is harmless.

        A listener is called in the thread that answers, before the response is released. What it raises ends the
        request: the connection, or the client's call when that is answered in process.
        """
        return self._subscribers.add(listener)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a WSGI request."""
        response = self.respond(environ)
        if response.delivered != "whole":
            return fault_injection.broken_off(response, _status(response.status), start_response)
        start_response(_status(response.status), response.headers)
        return (response.body,)

    def served_on(self, host: str) -> WSGIApplication:
        """Return the application for a socket that is bound to ``host``: there, web pages may try to call it."""

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            environ[trust.BOUND] = host
            return self(environ, start_response)

        return application

    def respond(self, environ: WSGIEnvironment) -> WireResponse:
        """Return the response to a WSGI request, and keep both in the journal. Raises only what a listener raises."""
        simulator = self.simulator
        after = simulator.store.exchange_count
        now_ms = simulator.clock.now_ms()
        correlation_id = simulator.ids.correlation_id(now_ms)
        context = RequestContext(simulator, Request(environ), now_ms, correlation_id, after)
        try:
            response = dispatch(context)
        except Exception as error:  # noqa: BLE001  # whatever it is, the client gets a response
            response = error_response(error, context)
        on_wire = wire_response(response, context)
        if context.met_faults is not None:
            on_wire = fault_injection.release(on_wire, context, context.met_faults)
        exchange = exchange_of(context, on_wire, *self.senders.of(environ))
        simulator.journal.append(exchange, context.keepers)
        self._subscribers.tell(exchange)
        return on_wire


@lru_cache(maxsize=64)
def _status(code: int) -> str:
    """Return a status with its phrase in RFC 9110's spelling, which werkzeug would write in capitals."""
    return f"{code} {phrases.get(code, 'Unknown')}"
