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
    TokenError,
)
from . import legacy
from .context import RequestContext, json_response

_HTML = "text/html;charset=iso-8859-1"


@singledispatch
def refusal(error: Exception, context: RequestContext) -> Response:
    """Return the answer that an error becomes."""
    return _envelope(ApiError(500, "internal error"), context)


@refusal.register
def _(error: ApiError, context: RequestContext) -> Response:
    if error.status == 404 and not _takes_json(context):
        return html_not_found()
    return _envelope(error, context)


def _takes_json(context: RequestContext) -> bool:
    return "Accept" not in context.request.headers or context.request.accept_mimetypes.accept_json


@refusal.register
def _(error: ExpiredAuthentication, context: RequestContext) -> Response:
    if context.simulator.settings.wire == "short":
        return _short(error)
    return _envelope(legacy.expired(error) if context.legacy else error, context)


@refusal.register
def _(error: InvalidAuthentication, context: RequestContext) -> Response:
    if context.simulator.settings.wire == "short":
        return _short(error)
    response = _envelope(legacy.missing(error) if context.legacy else error, context)
    response.headers["X-HubSpot-Auth-Failure"] = "401 Unauthorized"
    return response


@refusal.register
def _(error: InvalidApiKey, context: RequestContext) -> Response:
    return _envelope(legacy.api_key(error) if context.legacy else error, context)


@refusal.register
def _(error: GatewayError, context: RequestContext) -> Response:
    title = f"{error.status} {error.message}"
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    return Response(page, error.status, content_type="text/html")


@refusal.register
def _(error: TokenError, context: RequestContext) -> Response:
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
def _(error: HTTPException, context: RequestContext) -> Response:
    """Answer what the router refused: an unknown path (HTML, as from HubSpot's gateway) or a wrong method."""
    if error.code == 404:
        return html_not_found()
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
        **error.members,
    }
    response = json_response(body, error.status)
    response.headers.extend(error.headers)
    return response


def _short(error: ApiError) -> Response:
    """Return the three members that integration guides print, spaced as they print them."""
    body = {"status": "error", "message": error.message, "category": error.members["category"]}
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
