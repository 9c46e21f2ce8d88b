"""Refusals in their wire forms (docs/fidelity.md, "Errors")."""

from __future__ import annotations

import json
from functools import singledispatch

from werkzeug import Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ..core.errors import (
    ApiError,
    ExpiredAuthentication,
    GatewayError,
    InvalidApiKey,
    InvalidAuthentication,
    NotServed,
    TokenError,
)
from . import legacy
from .context import PREFIX, RequestContext, json_response
from .explanations import explain
from .headers import rate_limit_headers

_HTML = "text/html;charset=iso-8859-1"


def error_response(error: Exception, context: RequestContext) -> Response:
    """Return the response that an error becomes, and note in the context why, and whether its endpoint is served."""
    context.why = explain(error, context)
    context.served = _is_served(error, context)
    return refusal(error, context)


def _is_served(error: Exception, context: RequestContext) -> bool:
    if isinstance(error, MethodNotAllowed):
        return context.request.method == "OPTIONS"  # which asks what is served
    return not isinstance(error, NotServed) or context.request.path.startswith(PREFIX)


@singledispatch
def refusal(error: Exception, context: RequestContext) -> Response:
    """Return the response that an error becomes."""
    return _envelope(ApiError(500, "internal error"), context)


@refusal.register
def refuse(error: ApiError, context: RequestContext) -> Response:
    """Answer in HubSpot's usual envelope; a 404 as a page, to a client that does not take JSON."""
    if error.status == 404 and not _takes_json(context):
        return html_not_found()
    return _envelope(error, context)


def _takes_json(context: RequestContext) -> bool:
    return "Accept" not in context.request.headers or context.request.accept_mimetypes.accept_json


@refusal.register
def refuse_expired(error: ExpiredAuthentication, context: RequestContext) -> Response:
    """Answer that the access token has expired, in the form of the setting ``wire``."""
    if context.simulator.settings.wire == "short":
        return _short(error)
    return _envelope(legacy.expired(error) if context.is_legacy else error, context)


@refusal.register
def refuse_unauthenticated(error: InvalidAuthentication, context: RequestContext) -> Response:
    """Answer that credentials are missing or unusable."""
    if context.simulator.settings.wire == "short":
        return _short(error)
    response = _envelope(legacy.missing(error) if context.is_legacy else error, context)
    response.headers["X-HubSpot-Auth-Failure"] = "401 Unauthorized"
    return response


@refusal.register
def refuse_api_key(error: InvalidApiKey, context: RequestContext) -> Response:
    """Answer a call with a ``hapikey``."""
    return _envelope(legacy.api_key(error) if context.is_legacy else error, context)


@refusal.register
def refuse_as_gateway(error: GatewayError, context: RequestContext) -> Response:
    """Answer with the page of a gateway."""
    title = f"{error.status} {error.message}"
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    return Response(page, error.status, content_type="text/html")


@refusal.register
def refuse_token_request(error: TokenError, context: RequestContext) -> Response:
    """Answer in the form of the token endpoint."""
    if context.simulator.settings.token_errors == "legacy":
        body = {"status": error.name, "message": error.message, "correlationId": context.correlation_id}
    else:
        body = {
            "status": error.name,
            "message": error.message,
            "error": error.error,
            "error_description": error.message,
        }
    return json_response(body, error.status)


@refusal.register
def refuse_unserved(error: NotServed, context: RequestContext) -> Response:
    """Answer as HubSpot's gateway does for a path that it does not know."""
    return html_not_found()


@refusal.register
def refuse_as_router(error: HTTPException, context: RequestContext) -> Response:
    """Answer what werkzeug refused, such as a wrong method."""
    response = _envelope(ApiError(error.code or 500, f"HTTP {error.code} {error.name}"), context)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _envelope(error: ApiError, context: RequestContext) -> Response:
    body = {
        "status": "error",
        "message": error.message,
        **error.leading,
        "correlationId": context.correlation_id,
        **error.fields,
    }
    response = json_response(body, error.status)
    if error.quota is not None:
        response.headers.extend(rate_limit_headers(error.quota))
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _short(error: ApiError) -> Response:
    """Return the three fields that integration guides print, spaced as they print them."""
    body = {"status": "error", "message": error.message, "category": error.fields["category"]}
    response = Response(json.dumps(body), error.status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def html_not_found() -> Response:
    """Return the page that HubSpot's gateway answers for a path that it does not know."""
    page = (
        '<html><head><meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>'
        "<title>Error 404 Not Found</title></head>"
        "<body><h2>HTTP ERROR 404</h2><p>Resource not found</p></body></html>"
    )
    return Response(page, 404, content_type=_HTML)
