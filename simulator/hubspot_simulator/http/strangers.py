"""Calls with a token of another test: of a thread that it has left behind, or of code that keeps tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qsl

from ..core.endpoint_table import ENDPOINTS
from ..core.exchange import BODY_KEPT
from .context import RequestContext

_FIELDS = ("refresh_token", "access_token", "code", "token")
_IN_PATH = tuple({one.template.removesuffix("{token}") for one in ENDPOINTS if one.template.endswith("/{token}")})


def whose(context: RequestContext) -> str:
    """Return the name of the other test whose token a call carries; empty when it carries none of another."""
    simulator = context.simulator
    if simulator.earlier_tests is None:
        return ""
    bearer = context.presented_token
    for text in [bearer] if bearer else _tokens(context):
        if simulator.knows(text):
            return ""
        name = simulator.earlier_tests.name_of(text)
        if name:
            return name
    return ""


def _tokens(context: RequestContext) -> Iterator[str]:
    """Yield what may be a token in a call of OAuth."""
    path = context.request.path
    if not path.startswith("/oauth/"):
        return
    if path.startswith(_IN_PATH):
        yield path.rstrip("/").rpartition("/")[2]
    body = context.body[:BODY_KEPT].decode("utf-8", "replace")
    for text in (body, context.request.query_string.decode("utf-8", "replace")):
        yield from (value for name, value in parse_qsl(text, max_num_fields=None) if name in _FIELDS)
    if body.startswith("{"):
        try:
            key = json.loads(body).get("tokenKey")
        except (ValueError, RecursionError):
            key = None
        if isinstance(key, str):
            yield key
