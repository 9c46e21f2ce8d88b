"""What the journal keeps of a request and its response."""

from __future__ import annotations

from ..core.exchange import BODY_KEPT, NO_EFFECT, Exchange
from ..core.redaction import shown
from ..core.tokens import is_foreign
from ..core.wire_response import WireResponse
from .context import RequestContext

_PLAIN_WHYS = (200, 201, 204, 207, 302, 401)
_HEADERS = ("HTTP_", "CONTENT_")


def exchange_of(
    context: RequestContext, response: WireResponse, connection: int | None, process: int | None
) -> Exchange:
    """Return the exchange of a request and the response that goes out. The journal numbers it.

    ``connection`` and ``process`` are the numbers of those that the request came from.
    """
    request, route, faults = context.request, context.route, context.met_faults
    environ = request.environ
    bearer = route is not None and route.bearer
    exchange = Exchange(
        number=0,
        at_ms=context.now_ms,
        method=request.method,
        path=request.path,
        query=environ.get("QUERY_STRING", ""),
        route=route.template if route else None,
        status=response.status,
        why=_why(context, response.status),
        request_headers=[(name, environ[name]) for name in environ if name.startswith(_HEADERS)],
        request_body=context.body[:BODY_KEPT],
        response_headers=response.headers,
        response_body=response.body[:BODY_KEPT],
        correlation_id=context.correlation_id,
        served=context.served,
        bearer=bearer,
        after=context.after,
        skew_ms=context.simulator.clock.offset_ms,
        faults=faults.names if faults else (),
        effect=faults.effect if faults else NO_EFFECT,
        connection=connection,
        process=process,
        stranger=context.stranger,
    )
    exchange.foreign = (
        bearer and response.status == 401 and is_foreign(exchange.access_token, context.simulator.ids.signing_key)
    )
    return exchange


def _why(context: RequestContext, status: int) -> str:
    """Return why a request was answered so, shown as people may see it."""
    why = context.why or "no authentication is needed"
    if context.stranger:
        why = f"not a call of this test: its token is of {context.stranger}; {why}"
    if context.met_faults is not None:
        why = "; ".join([why, *context.met_faults.done])
    if status not in _PLAIN_WHYS or "'" in why or '"' in why:  # it may quote what the client sent
        return shown(why)
    return why
