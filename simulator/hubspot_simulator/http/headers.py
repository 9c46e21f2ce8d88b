"""The headers around every answer (docs/fidelity.md, "Headers")."""

from __future__ import annotations

from functools import lru_cache

from werkzeug.http import http_date

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


def common_headers(context: RequestContext) -> list[tuple[str, str]]:
    """Return the headers of every answer, the date by the simulator's clock."""
    return [
        ("Date", _date(context.now_ms // 1000)),
        *_STATIC,
        ("Server-Timing", f'hcid;desc="{context.correlation_id}"'),
        ("X-HubSpot-Correlation-Id", context.correlation_id),
    ]
