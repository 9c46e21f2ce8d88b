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
from ..core.exchange import BODY_KEPT, Exchange
from ..core.injection import Answer, Injected
from ..core.redaction import shown
from ..core.tokens import is_foreign
from ..logs import get_logger
from ..senders import Senders
from ..simulator import Simulator
from . import control, faults, strangers, trust
from .context import Call
from .error_responses import html_not_found, refusal
from .headers import common_headers
from .request import Request, is_host
from .routes import ROUTE_MAP, Route

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = get_logger("hubspot_simulator")
_PLAIN_WHYS = (200, 201, 204, 207, 302, 401)
_HEADERS = ("HTTP_", "CONTENT_")


class Application:
    """Answers requests from ``simulator``, which may be exchanged between two requests.

    ``on_exchange`` is called with each exchange, in the thread that answers. ``senders`` tells who sent it.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.on_exchange: Callable[[Exchange], None] | None = None
        self.senders = Senders()

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

    def respond(self, environ: WSGIEnvironment) -> Answer:
        """Return the answer to a WSGI request, and keep both in the journal. Never raises."""
        simulator = self.simulator
        after = simulator.store.exchange_count
        now_ms = simulator.clock.now_ms()
        call = Call(simulator, Request(environ), now_ms, simulator.ids.correlation_id(now_ms), after=after)
        route, served, response = self._answer(call)
        answer = _flat(call, response) if response is not None else faults.NO_ANSWER
        for injected in call.hits:
            answer = _faulty(call, injected, answer)
        self._record(call, route, served, answer)
        return answer

    def _answer(self, call: Call) -> tuple[Route | None, bool, Response | None]:
        route: Route | None = None
        try:
            call.read_body()
            call.stranger = strangers.whose(call)
            if not is_host(call.request.environ.get("HTTP_HOST", "")):
                raise ApiError(400, "Invalid Host header", why="the Host header is no host")
            trust.check(call.request, call.simulator.settings)
            route = self._match(call)
            if call.simulator.store.faults and not (call.stranger or call.request.path.startswith(control.PREFIX)):
                faults.arrive(call, route.template, route.bearer)
            limits = self._admit(call) if route.bearer else []
            response = route.handler(call)
            call.headers += limits
            return route, True, response
        except faults.NoAnswer as error:
            call.why = str(error)
            return route, True, None
        except NotServed as error:
            call.why = f"the simulator does not serve {error}"
            return route, False, html_not_found()
        except NotFound as error:
            near = endpoints.nearest(call.request.method, call.request.path)
            hint = f"the nearest that it serves is {near}" if near else "nothing that it serves comes near"
            doubled = "//" in call.request.path
            what = "a path with //, as of a base URL that ends with a slash" if doubled else "this path"
            call.why = f"the simulator does not serve {what}; {hint}"
            return None, call.request.path.startswith(control.PREFIX), refusal(error, call)
        except MethodNotAllowed as error:
            action = endpoints.action(call.request.method, call.request.path)
            if action:  # an endpoint of its own, which only looks like an object's
                call.why = f"the simulator does not serve {action}, which HubSpot does"
                return None, False, html_not_found()
            allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
            word = endpoints.word_read_as_id(call.request.path)
            call.why = f"the simulator serves this path with {allowed} only"
            call.why += f" ({word!r} stands where it reads an id)" if word else ""
            return None, call.request.method == "OPTIONS", refusal(error, call)
        except (ApiError, HTTPException) as error:
            call.why = error.why if isinstance(error, ApiError) else str(error)
            call.why += f" ({call.hint})" if call.hint else ""
            return route, True, refusal(error, call)
        except Exception as error:
            logger.exception("%s %s failed inside the simulator", call.request.method, call.request.path)
            call.why = f"the simulator failed: {error!r} (a bug: please report it)"
            return route, True, refusal(error, call)

    def _match(self, call: Call) -> Route:
        route, args = _match(call.request.path, call.request.method)
        call.args, call.legacy = args, route.legacy
        return route

    def _admit(self, call: Call) -> list[tuple[str, str]]:
        """Find out who calls and whether they may now. Return the headers that tell what is left of their limits."""
        authorization = call.request.environ.get("HTTP_AUTHORIZATION")
        if not authorization and "hapikey" in call.request.args:
            raise InvalidApiKey
        simulator = call.simulator
        caller = simulator.authentication.authenticate(authorization, call.now_ms)
        call.known_caller, call.why = caller, caller.why
        simulator.conditions.check(caller.portal, call.now_ms)
        return simulator.limits.count(caller, call.now_ms)

    def _record(self, call: Call, route: Route | None, served: bool, answer: Answer) -> None:
        journal = call.simulator.journal
        request = call.request
        environ = request.environ
        connection, process = self.senders.of(environ)
        bearer = route is not None and route.bearer
        mark = f"not a call of this test: its token is of {call.stranger}" if call.stranger else ""
        why = "; ".join(filter(None, [mark, call.why or "no authentication is needed", *faults.done(call)]))
        if answer.status not in _PLAIN_WHYS or "'" in why or '"' in why:  # it may quote what the client sent
            why = shown(why)
        exchange = Exchange(
            number=0,  # the journal numbers it
            at_ms=call.now_ms,
            method=request.method,
            path=request.path,
            query=environ.get("QUERY_STRING", ""),
            route=route.template if route else None,
            status=answer.status,
            why=why,
            request_headers=[(name, environ[name]) for name in environ if name.startswith(_HEADERS)],
            request_body=call.body[:BODY_KEPT],
            response_headers=answer.headers,
            response_body=answer.body[:BODY_KEPT],
            correlation_id=call.correlation_id,
            served=served,
            bearer=bearer,
            after=call.after,
            skew_ms=call.simulator.clock.offset_ms,
            faults=tuple(injected.name for injected in call.hits if injected.shown),
            connection=connection,
            process=process,
            stranger=call.stranger,
        )
        exchange.foreign = (
            bearer and answer.status == 401 and is_foreign(exchange.access_token, call.simulator.ids.signing_key)
        )
        journal.append(exchange, call.hits)
        if self.on_exchange is not None:
            self.on_exchange(exchange)


def _faulty(call: Call, injected: Injected, answer: Answer) -> Answer:
    try:
        return faults.answer(call, injected, answer)
    except ApiError as error:
        call.why, call.headers = error.why, []
        return _flat(call, refusal(error, call))
    except Exception as error:
        logger.exception("the injected fault %s failed", injected.name)
        call.why, call.headers = f"the injected fault {injected.name} failed: {error!r}", []
        return _flat(call, refusal(error, call))


def _flat(call: Call, response: Response) -> Answer:
    """Return a response with every header of the wire, as plain data: werkzeug would check each header anew."""
    body = b"" if call.request.method == "HEAD" else response.get_data()
    headers = list(response.headers)
    if "Content-Length" not in response.headers and response.status_code != 204:
        headers.append(("Content-Length", str(len(body))))
    return Answer(response.status_code, headers + call.headers + common_headers(call), body)


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
