"""The errors that the simulator recognizes by their words, names or statuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ...core.errors import TOKEN_ERRORS, ApiError
from ...core.grants.refresh_token import NO_REFRESH_TOKEN
from ...core.protocol import V1_ENDED
from . import bearer, token_endpoint
from .incident import Incident
from .parsing import QuotedRefusal

if TYPE_CHECKING:
    from ...simulator import Simulator

Make = Callable[["Simulator", QuotedRefusal, "re.Match[str]"], Incident]


class KnownRefusal(NamedTuple):
    """An error: its ``words``, with ``{}`` for values, the pattern that finds it, and what creates its incident."""

    words: str
    pattern: re.Pattern[str]
    make: Make


def single_response(status: int, message: str, fields: dict[str, object]) -> Incident:
    """Return the incident of an error about one request: one call gets this response, word for word."""
    return Incident(str(status), f"one call gets {status}", lambda _: ApiError(status, message, fields))


def _known(words: str, make: Make, pattern: str | None = None) -> KnownRefusal:
    if pattern is None:
        pattern = re.escape(words).replace(r"\{\}", r'([^"\n]+)')
    return KnownRefusal(words, re.compile(re.sub(r"(?:\\ )+| +", r"\\s+", pattern), re.IGNORECASE), make)


def _once(status: int, words: str, category: str = "") -> KnownRefusal:
    def make(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
        message = quote.message if quote.body else match[0].strip() if "{}" in words else words
        fields = {"category": category} if category else {}
        return single_response(status, message, {**fields, **quote.rest})

    return _known(words, make)


_INVALID = "VALIDATION_ERROR"
_STATUS = r"(?:\bHTTP(?:/[\d.]+)?|\bstatus(?:[_-]?code| code)?)\W{{1,3}}{0}\b|^\W*{0}\W*$"
_ERROR = r"(?: (?:Client|Server) Error:)?"  # as `requests` writes it
BY_WORDS = [
    _known(
        "The OAuth token used to make this call expired {} minute(s) ago.",
        bearer.expired,
        r"OAuth token used to make this call expired (\d+) (second|minute|hour|day)"
        r"|\bexpired (\d+) (second|minute|hour|day)\(s\)",
    ),
    _known(
        "This oauth-token is expired! expiresAt: {}, now: {}",
        bearer.expired_legacy,
        r"oauth-token is expired! expiresAt: (\d+), now: (\d+)",
    ),
    _known("The API key provided is invalid.", bearer.api_key),
    _known("This hapikey doesn't exist.", bearer.api_key),
    _known("The API key used to make this call is expired.", bearer.api_key),
    _known("Authentication credentials not found.", bearer.invalid),
    _known("oauth-token is not valid for this request", bearer.invalid),
    _known("Not engaged, auth is missing", bearer.invalid),
    _known("Any of the listed authentication credentials are missing", bearer.invalid),
    _known("This app hasn't been granted all required scopes to make this call.", bearer.missing_scopes),
    _known(
        "This oauth-token ({}) does not have proper permissions! (requires any of [{}])",
        bearer.missing_scopes,
        r"This oauth-token \([^()\n]*\) does not have proper permissions!(?: \([^()\n]*\))?",
    ),
    _once(403, "The scope needed for this API call isn't available for public use."),
    _once(403, "This API can't be called using an OAuth access token."),
    _known(
        "You have reached your {} limit.",
        bearer.limited,
        r"reached your (secondly|ten[_-]secondly(?:_rolling)?|daily|rate) limit",
    ),
    _known(
        "Hub {} is unknown to this Hublet, but it appears to exist in Hublet {}",
        bearer.misrouted,
        r"Hub (\d+) is unknown to this Hublet, but it appears to exist in Hublet ([\w-]+)",
    ),
    _known("Migration in Progress", bearer.migrating),
    _known(V1_ENDED, token_endpoint.v1_ended),
    _known(NO_REFRESH_TOKEN, token_endpoint.refused("BAD_REFRESH_TOKEN")),
    *(_known(message, token_endpoint.refused(name)) for name, (_, message, _) in TOKEN_ERRORS.items()),
    _once(404, "Object not found.  objectId are usually numeric.", "OBJECT_NOT_FOUND"),
    _once(404, "resource not found"),
    _known(
        "Property values were not valid: {}",
        _once(400, "{}", _INVALID).make,
        r"Property values were not valid: (?:\[\{.*?\}\]|[^\"\n]+)",
    ),
    _once(400, "Invalid input JSON on line {}", _INVALID),
    _once(
        400, "Names for properties should be lowercase and have less than 100 characters. Invalid names: {}", _INVALID
    ),
    _once(400, "Invalid paging parameter {}", _INVALID),
    _once(400, "Cannot set PropertyValueCoordinates{}already has that value.", _INVALID),
    _once(400, "Unable to perform read by non-unique {}", _INVALID),
    _once(400, "Invalid object or event type id: {}"),
    _once(400, "Unable to infer object type from: {}"),
    _once(400, "Invalid Host header"),
    _once(400, "Invalid request body"),
    _once(405, "HTTP 405 Method Not Allowed"),
    _once(413, "HTTP 413 Request Entity Too Large"),
    _once(415, "HTTP 415 Unsupported Media Type"),
    _known(
        "Contact already exists. Existing ID: {}",
        _once(409, "{}", "CONFLICT").make,
        r"\b\w+ already exists\. Existing ID: \d+",
    ),
    _known("internal error", _once(500, "internal error").make, r"\binternal error\b"),
]
BY_NAME = [
    _known("EXPIRED_AUTHENTICATION", bearer.expired_by_name, r"\b(?-i:EXPIRED_AUTHENTICATION)\b"),
    _known("INVALID_AUTHENTICATION", bearer.invalid, r"\b(?-i:INVALID_AUTHENTICATION)\b"),
    _known("MISSING_SCOPES", bearer.missing_scopes, r"\b(?-i:MISSING_SCOPES)\b"),
    _known("TEN_SECONDLY_ROLLING", bearer.limited, r"\b((?-i:TEN_SECONDLY_ROLLING|SECONDLY|DAILY))\b"),
    _known("BAD_REFRESH_TOKEN", token_endpoint.refused_by_name, rf"\b(?-i:{token_endpoint.NAMES})\b"),
    _known("MIGRATION", bearer.migrating, r"\b(?-i:MIGRATION)\b|" + _STATUS.format(477)),
    _known("the app was uninstalled", token_endpoint.uninstalled, r"\bapp (?:was|has been|is) uninstalled\b"),
    _known(
        "the refresh token was revoked",
        token_endpoint.refused("BAD_REFRESH_TOKEN"),
        r"\brefresh.token (?:was|has been|is) revoked\b",
    ),
    _known("the token was revoked", bearer.invalid, r"\btoken (?:was|has been|is) revoked\b"),
    _known("invalid_grant", token_endpoint.refused("BAD_REFRESH_TOKEN"), r"\binvalid_grant\b"),
    _known(
        "502 Bad Gateway",
        bearer.gateway,
        rf"\b(?:502{_ERROR} Bad Gateway|503{_ERROR} Service Unavailable|504{_ERROR} Gateway Time-?out)",
    ),
    _known(
        "HTTP 521",
        bearer.cloudflare,
        rf"\berror code: 52[0-6]\b"
        rf"|\b52[0-6]{_ERROR}[: ]{{1,2}}(?:Web Server|Connection Timed|Origin is|A Timeout Occ|SSL Hand|Invalid SSL)"
        rf"|{_STATUS.format('52[0-6]')}",
    ),
    _known("BAD_GATEWAY", bearer.gateway, r"\b(?-i:BAD_GATEWAY|SERVICE_UNAVAILABLE|GATEWAY_TIMEOUT)\b"),
    _known("423 Locked", bearer.locked, r"\b423\b.{0,20}Locked|\b(?-i:LOCKED|Locked)\b|^\W*Locked\W*$"),
    _known(
        "500 Internal Server Error",
        _once(500, "internal error").make,
        rf"\b500{_ERROR} Internal Server Error|\b(?-i:INTERNAL_ERROR)\b",
    ),
    _known("429 Too Many Requests", bearer.limited, rf"\b429{_ERROR} Too Many Requests"),
    # by the HTTP status alone, where it is unambiguous
    _known("HTTP 429", bearer.limited, _STATUS.format(429)),
    _known("HTTP 500", _once(500, "internal error").make, _STATUS.format(500)),
    _known("HTTP 503", bearer.gateway, _STATUS.format("50[234]")),
    _known("HTTP 423", bearer.locked, _STATUS.format(423)),
    _known("HTTP 488", bearer.misrouted_by_status, _STATUS.format(488)),
]
STATUSES = {_INVALID: 400, "OBJECT_NOT_FOUND": 404, "CONFLICT": 409, "RATE_LIMITS": 429, "INVALID_AUTHENTICATION": 401}
