"""The WSGI application around a simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from http.client import responses as phrases
from typing import TYPE_CHECKING

from werkzeug import Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from ..core import endpoints
from ..core.errors import ApiError, InvalidApiKey, NotServed
from ..core.exchange import BODY_KEPT, NO_EFFECT, Effect, Exchange
from ..core.redaction import shown
from ..core.tokens import is_foreign
from ..core.wire_response import WireResponse
from ..lab.faults.injection import Injected
from ..logs import get_logger
from ..senders import Senders
from ..simulator import Simulator
from . import control, faults, strangers, trust
from .context import RequestContext
from .error_responses import html_not_found, refusal
from .headers import common_headers
from .request import Request, is_host
from .routes import ROUTE_MAP, Route
from .subscribers import Subscribers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = get_logger("hubspot_simulator")
_PLAIN_WHYS = (200, 201, 204, 207, 302, 401)
_HEADERS = ("HTTP_", "CONTENT_")


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
        answer = self.respond(environ)
        if answer.delivered != "whole":
            return faults.broken_off(answer, _status(answer.status), start_response)
        start_response(_status(answer.status), answer.headers)
        return (answer.body,)

    def served_on(self, host: str) -> WSGIApplication:
        """Return the application for a socket that is bound to ``host``: there, web pages may try to call it."""

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            environ[trust.BOUND] = host
            return self(environ, start_response)

        return application

    def respond(self, environ: WSGIEnvironment) -> WireResponse:
        """Return the answer to a WSGI request, and keep both in the journal. Raises only what a listener raises."""
        simulator = self.simulator
        after = simulator.store.exchange_count
        now_ms = simulator.clock.now_ms()
        context = RequestContext(simulator, Request(environ), now_ms, simulator.ids.correlation_id(now_ms), after=after)
        route, served, response = self._answer(context)
        answer = _flat(context, response) if response is not None else faults.NO_ANSWER
        effect = faults.effect(context, answer.status or 500) if context.hits else NO_EFFECT
        for injected in context.hits:
            answer = _faulty(context, injected, answer)
        self._record(context, route, served, answer, effect)
        return answer

    def _answer(self, context: RequestContext) -> tuple[Route | None, bool, Response | None]:
        route: Route | None = None
        try:
            context.read_body()
            context.stranger = strangers.whose(context)
            if not is_host(context.request.environ.get("HTTP_HOST", "")):
                raise ApiError(400, "Invalid Host header", why="the Host header is no host")
            trust.check(context.request, context.simulator.settings)
            route = self._match(context)
            if context.simulator.store.faults and not (
                context.stranger or context.request.path.startswith(control.PREFIX)
            ):
                faults.arrive(context, route.template, route.bearer)
            limits = self._admit(context) if route.bearer else []
            response = route.handler(context)
            context.headers += limits
            return route, True, response
        except faults.NoResponse as error:
            context.why = str(error)
            return route, True, None
        except NotServed as error:
            context.why = f"the simulator does not serve {error}"
            return route, False, html_not_found()
        except NotFound as error:
            near = endpoints.nearest(context.request.method, context.request.path)
            hint = f"the nearest that it serves is {near}" if near else "nothing that it serves comes near"
            doubled = "//" in context.request.path
            what = "a path with //, as of a base URL that ends with a slash" if doubled else "this path"
            context.why = f"the simulator does not serve {what}; {hint}"
            return None, context.request.path.startswith(control.PREFIX), refusal(error, context)
        except MethodNotAllowed as error:
            action = endpoints.action(context.request.method, context.request.path)
            if action:  # an endpoint of its own, which only looks like an object's
                context.why = f"the simulator does not serve {action}, which HubSpot does"
                return None, False, html_not_found()
            allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
            word = endpoints.word_read_as_id(context.request.path)
            context.why = f"the simulator serves this path with {allowed} only"
            context.why += f" ({word!r} stands where it reads an id)" if word else ""
            return None, context.request.method == "OPTIONS", refusal(error, context)
        except (ApiError, HTTPException) as error:
            context.why = error.why if isinstance(error, ApiError) else str(error)
            context.why += f" ({context.hint})" if context.hint else ""
            return route, True, refusal(error, context)
        except Exception as error:
            logger.exception("%s %s failed inside the simulator", context.request.method, context.request.path)
            context.why = f"the simulator failed: {error!r} (a bug: please report it)"
            return route, True, refusal(error, context)

    def _match(self, context: RequestContext) -> Route:
        route, args = _match(context.request.path, context.request.method)
        context.args, context.legacy = args, route.legacy
        return route

    def _admit(self, context: RequestContext) -> list[tuple[str, str]]:
        """Find out who calls and whether they may now. Return the headers that tell what is left of their limits."""
        authorization = context.request.environ.get("HTTP_AUTHORIZATION")
        if not authorization and "hapikey" in context.request.args:
            raise InvalidApiKey
        simulator = context.simulator
        caller = simulator.authentication.authenticate(authorization, context.now_ms)
        context.known_caller, context.why = caller, caller.why
        simulator.conditions.check(caller.portal, context.now_ms)
        return simulator.limits.count(caller, context.now_ms)

    def _record(
        self, context: RequestContext, route: Route | None, served: bool, answer: WireResponse, effect: Effect
    ) -> None:
        journal = context.simulator.journal
        request = context.request
        environ = request.environ
        connection, process = self.senders.of(environ)
        bearer = route is not None and route.bearer
        mark = f"not a call of this test: its token is of {context.stranger}" if context.stranger else ""
        why = "; ".join(filter(None, [mark, context.why or "no authentication is needed", *faults.done(context)]))
        if answer.status not in _PLAIN_WHYS or "'" in why or '"' in why:  # it may quote what the client sent
            why = shown(why)
        exchange = Exchange(
            number=0,  # the journal numbers it
            at_ms=context.now_ms,
            method=request.method,
            path=request.path,
            query=environ.get("QUERY_STRING", ""),
            route=route.template if route else None,
            status=answer.status,
            why=why,
            request_headers=[(name, environ[name]) for name in environ if name.startswith(_HEADERS)],
            request_body=context.body[:BODY_KEPT],
            response_headers=answer.headers,
            response_body=answer.body[:BODY_KEPT],
            correlation_id=context.correlation_id,
            served=served,
            bearer=bearer,
            after=context.after,
            skew_ms=context.simulator.clock.offset_ms,
            faults=tuple(injected.name for injected in context.hits if injected.shown),
            connection=connection,
            process=process,
            stranger=context.stranger,
            effect=effect,
        )
        exchange.foreign = (
            bearer and answer.status == 401 and is_foreign(exchange.access_token, context.simulator.ids.signing_key)
        )
        journal.append(exchange, context.hits)
        self._subscribers.tell(exchange)


def _faulty(context: RequestContext, injected: Injected, answer: WireResponse) -> WireResponse:
    try:
        return faults.answer(context, injected, answer)
    except ApiError as error:
        context.why, context.headers = error.why, []
        return _flat(context, refusal(error, context))
    except Exception as error:
        logger.exception("the injected fault %s failed", injected.name)
        context.why, context.headers = f"the injected fault {injected.name} failed: {error!r}", []
        return _flat(context, refusal(error, context))


def _flat(context: RequestContext, response: Response) -> WireResponse:
    """Return a response with every header of the wire, as plain data: werkzeug would check each header anew."""
    body = b"" if context.request.method == "HEAD" else response.get_data()
    headers = list(response.headers)
    if "Content-Length" not in response.headers and response.status_code != 204:
        headers.append(("Content-Length", str(len(body))))
    return WireResponse(response.status_code, headers + context.headers + common_headers(context), body)


@lru_cache(maxsize=4096)
def _match(path: str, method: str) -> tuple[Route, dict[str, str]]:
    if path.startswith("//"):  # werkzeug would make them one
        raise NotFound
    route, args = ROUTE_MAP.bind("localhost").match(path.rstrip("/") or "/", method)
    return route, dict(args)


@lru_cache(maxsize=64)
def _status(code: int) -> str:
    """Return a status with its phrase in RFC 9110's spelling, which werkzeug would write in capitals."""
    return f"{code} {phrases.get(code, 'Unknown')}"
