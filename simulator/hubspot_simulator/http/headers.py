"""The headers of responses (docs/fidelity.md, "Headers" and "Rate limits")."""

from __future__ import annotations

from functools import lru_cache

from werkzeug import Response
from werkzeug.http import http_date

from ..core.quota import Quota
from ..core.wire_response import WireResponse
from .context import RequestContext

_STATIC = (
    ("Vary", "origin, accept-encoding"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload"),
    ("CF-Cache-Status", "DYNAMIC"),
    ("Access-Control-Allow-Credentials", "false"),
    ("X-Content-Type-Options", "nosniff"),
    ("Server", "cloudflare"),
)

_date = lru_cache(maxsize=8)(http_date)


def wire_response(response: Response, context: RequestContext) -> WireResponse:
    """Return a response with every header of the wire, as plain data: werkzeug would check each header again."""
    body = b"" if context.request.method == "HEAD" else response.get_data()
    headers = list(response.headers)
    if "Content-Length" not in response.headers and response.status_code != 204:
        headers.append(("Content-Length", str(len(body))))
    if context.quota is not None:
        headers += rate_limit_headers(context.quota)
    return WireResponse(response.status_code, headers + common_headers(context), body)


def rate_limit_headers(quota: Quota) -> list[tuple[str, str]]:
    """Return the headers that tell what is left of a caller's limits."""
    headers = [
        ("X-HubSpot-RateLimit-Interval-Milliseconds", str(quota.interval_ms)),
        ("X-HubSpot-RateLimit-Max", str(quota.limit)),
        ("X-HubSpot-RateLimit-Remaining", str(quota.remaining)),
        ("X-HubSpot-RateLimit-Secondly", str(quota.limit_per_second)),
        ("X-HubSpot-RateLimit-Secondly-Remaining", str(quota.remaining_this_second)),
    ]
    if quota.limit_per_day is None:
        return headers
    return [
        ("X-HubSpot-RateLimit-Daily", str(quota.limit_per_day)),
        ("X-HubSpot-RateLimit-Daily-Remaining", str(quota.remaining_today)),
        *headers,
    ]


def common_headers(context: RequestContext) -> list[tuple[str, str]]:
    """Return the headers of every response, the date by the simulator's clock."""
    return [
        ("Date", _date(context.now_ms // 1000)),
        *_STATIC,
        ("Server-Timing", f'hcid;desc="{context.correlation_id}"'),
        ("X-HubSpot-Correlation-Id", context.correlation_id),
    ]
