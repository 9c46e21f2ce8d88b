"""The way down: from a request to the handler that answers it."""

from __future__ import annotations

from functools import lru_cache

from werkzeug import Response
from werkzeug.exceptions import MethodNotAllowed, NotFound

from ..core import endpoints
from ..core.errors import ApiError, InvalidApiKey, NotServed
from ..core.model import Caller
from . import fault_injection, strangers, trust
from .context import PREFIX, RequestContext
from .request import is_host
from .routes import ROUTE_MAP, Route


def dispatch(context: RequestContext) -> Response:
    """Return the response of the handler, and note in the context what the request met on its way there.

    Raises what ``error_responses`` makes a response of: ApiError, NotServed, MethodNotAllowed, and what a fault raises.
    """
    request, simulator = context.request, context.simulator
    if request.has_body:
        context.body = request.read_body()  # before anything is refused, so that it is in the journal
        request.check_body(context.body)
    context.stranger = strangers.whose(context)
    if not is_host(request.environ.get("HTTP_HOST", "")):
        raise ApiError(400, "Invalid Host header", why="the Host header is no host")
    trust.check(request, simulator.settings)
    context.route, context.args = _match(request.path, request.method)
    if simulator.store.faults and not context.stranger and not request.path.startswith(PREFIX):
        fault_injection.arrive(context, context.route)
    if not context.route.bearer:
        return context.route.handler(context)
    context.known_caller = caller = authenticate(context)
    context.why = caller.why
    simulator.conditions.check(caller.portal, context.now_ms)
    quota = simulator.limits.count(caller, context.now_ms)
    response = context.route.handler(context)
    context.quota = quota  # a refusal does not tell it
    return response


def authenticate(context: RequestContext) -> Caller:
    """Return who calls. Raises ApiError (401)."""
    authorization = context.request.environ.get("HTTP_AUTHORIZATION")
    if not authorization and "hapikey" in context.request.args:
        raise InvalidApiKey
    return context.simulator.authentication.authenticate(authorization, context.now_ms)


@lru_cache(maxsize=4096)
def _match(path: str, method: str) -> tuple[Route, dict[str, str]]:
    """Return the route of a request and its placeholders. Raises NotServed or MethodNotAllowed."""
    try:
        if path.startswith("//"):  # werkzeug would make them one
            raise NotFound
        route, args = ROUTE_MAP.bind("localhost").match(path.rstrip("/") or "/", method)
    except NotFound:
        near = endpoints.nearest(method, path)
        hint = f"the nearest that it serves is {near}" if near else "nothing that it serves comes near"
        what = "a path with //, as of a base URL that ends with a slash" if "//" in path else "this path"
        raise NotServed(f"{what}; {hint}") from None
    except MethodNotAllowed:
        action = endpoints.action(method, path)
        if action:  # an endpoint of its own, which only looks like an object's
            raise NotServed(f"{action}, which HubSpot does") from None
        raise
    return route, dict(args)
