"""The headers around every answer (docs/fidelity.md, "Headers")."""

from __future__ import annotations

from functools import lru_cache

from werkzeug.http import http_date

from .call import Call

INTERVAL_MS = 10_000
LIMIT = 110  # a marketplace OAuth app, per account and interval

_STATIC = (
    ("Vary", "origin, accept-encoding"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload"),
    ("CF-Cache-Status", "DYNAMIC"),
    ("Access-Control-Allow-Credentials", "false"),
    ("X-Content-Type-Options", "nosniff"),
    ("Server", "cloudflare"),
)

_date = lru_cache(maxsize=8)(http_date)


def common_headers(call: Call) -> list[tuple[str, str]]:
    """Return the headers of every answer, the date by the simulator's clock."""
    return [
        ("Date", _date(call.now_ms // 1000)),
        *_STATIC,
        ("Server-Timing", f'hcid;desc="{call.correlation_id}"'),
        ("X-HubSpot-Correlation-Id", call.correlation_id),
    ]


def rate_limit_headers(call: Call) -> list[tuple[str, str]]:
    """Count the call and return what is left of the app's calls in this interval. Nothing is enforced."""
    installation = call.caller.installation
    calls = call.simulator.store.calls[installation.app.app_id, installation.portal.hub_id]
    with call.simulator.store.lock:
        calls.append(call.now_ms)
        while calls[0] <= call.now_ms - INTERVAL_MS:
            calls.popleft()
        remaining = max(0, LIMIT - len(calls))
    return [
        ("X-HubSpot-RateLimit-Interval-Milliseconds", str(INTERVAL_MS)),
        ("X-HubSpot-RateLimit-Max", str(LIMIT)),
        ("X-HubSpot-RateLimit-Remaining", str(remaining)),
        ("X-HubSpot-RateLimit-Secondly", str(LIMIT // 10)),
        ("X-HubSpot-RateLimit-Secondly-Remaining", str(LIMIT // 10 - 1)),
    ]
