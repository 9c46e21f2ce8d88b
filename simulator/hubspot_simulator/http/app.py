"""The WSGI application around a simulator."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from ..core.errors import ApiError, NotServed
from ..core.journal import BODY_KEPT, Exchange
from ..core.simulator import Simulator
from . import control
from .call import MAX_BODY, Call
from .errors import html_not_found, refusal
from .headers import common_headers, rate_limit_headers
from .routes import ROUTE_MAP, ROUTES, Route

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger("hubspot_simulator")


class _Request(Request):
    max_content_length = MAX_BODY
    max_form_memory_size = MAX_BODY
    max_form_parts = 1000


class Application:
    """Answers requests from ``simulator``, which may be exchanged between two requests.

    ``on_exchange`` is called with each exchange, in the thread that answers.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.on_exchange: Callable[[Exchange], None] | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a WSGI request."""
        return self.respond(environ)(environ, start_response)

    def respond(self, environ: WSGIEnvironment) -> Response:
        """Return the answer to a request, and keep both in the journal. Never raises."""
        simulator = self.simulator
        now_ms = simulator.clock.now_ms()
        call = Call(simulator, _Request(environ), now_ms, simulator.ids.correlation_id(now_ms))
        route, served, response = self._answer(call)
        response.headers.extend(common_headers(call))
        self._record(call, route, served, response)
        return response

    def _answer(self, call: Call) -> tuple[Route | None, bool, Response]:
        route: Route | None = None
        try:
            call.read_body()
            route = self._match(call)
            if call.request.path.startswith(control.PREFIX):
                control.check_caller(call)
            if route.bearer:
                authorization = call.request.headers.get("Authorization")
                call.authenticated = call.simulator.authentication.authenticate(authorization, call.now_ms)
                call.why = call.authenticated.why
            response = route.handler(call)
            if route.bearer:
                response.headers.extend(rate_limit_headers(call))
            return route, True, response
        except NotServed as error:
            call.why = f"the simulator does not serve {error}"
            return route, False, html_not_found()
        except NotFound as error:
            call.why = f"the simulator does not serve this path; {_nearest(call.request)}"
            return None, call.request.path.startswith(control.PREFIX), refusal(error, call)
        except MethodNotAllowed as error:
            allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
            call.why = f"the simulator serves this path with {allowed} only"
            return None, call.request.method == "OPTIONS", refusal(error, call)
        except (ApiError, HTTPException) as error:
            call.why = error.why if isinstance(error, ApiError) else str(error)
            return route, True, refusal(error, call)
        except Exception as error:
            logger.exception("%s %s failed inside the simulator", call.request.method, call.request.path)
            call.why = f"the simulator failed: {error!r} (a bug: please report it)"
            return route, True, refusal(error, call)

    def _match(self, call: Call) -> Route:
        path = call.request.path
        adapter = ROUTE_MAP.bind("localhost")
        endpoint, args = adapter.match(path.rstrip("/") or "/", call.request.method)
        call.args = dict(args)
        route: Route = endpoint
        return route

    def _record(self, call: Call, route: Route | None, served: bool, response: Response) -> None:
        journal = call.simulator.journal
        request = call.request
        exchange = Exchange(
            number=journal.next_number(),
            at_ms=call.now_ms,
            method=request.method,
            path=request.path,
            query=request.query_string.decode("latin-1"),
            route=route.template if route else None,
            status=response.status_code,
            why=call.why,
            request_headers=list(request.headers),
            request_body=call.body[:BODY_KEPT],
            response_headers=list(response.headers),
            response_body=response.get_data()[:BODY_KEPT],
            correlation_id=call.correlation_id,
            served=served,
        )
        journal.append(exchange)
        if self.on_exchange is not None:
            self.on_exchange(exchange)


def _nearest(request: Request) -> str:
    """Name the route that the caller may have meant."""
    wanted = f"{request.method} {request.path}"
    near = get_close_matches(wanted, [f"{route.method} {route.template}" for route in ROUTES], n=1, cutoff=0.3)
    return f"the nearest that it serves is {near[0]}" if near else "nothing that it serves comes near"
