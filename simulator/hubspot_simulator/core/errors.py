"""The refusals of HubSpot's API, as the core raises them. ``http.error_responses`` gives them their wire form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .quota import Quota

OAUTH_OVERVIEW = "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
API_KEY_PAGE = "https://app.hubspot.com/l/api-key/"
SCOPES_PAGE = "https://developers.hubspot.com/scopes"


class ApiError(Exception):
    """A refusal of the API.

    ``fields`` are what follows ``status``, ``message`` and ``correlationId`` in the body, in wire order; ``leading``
    ones stand between message and correlation id. ``quota`` is what is left of the caller's limits and
    ``retry_after_s`` how many seconds to wait, where the refusal tells them. ``why`` is one plain sentence for people:
    what led to the refusal.
    """

    def __init__(
        self,
        status: int,
        message: str,
        fields: Mapping[str, Any] | None = None,
        *,
        leading: Mapping[str, Any] | None = None,
        quota: Quota | None = None,
        retry_after_s: int | None = None,
        why: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = fields or {}
        self.leading = leading or {}
        self.quota = quota
        self.retry_after_s = retry_after_s
        self.why = why or message


class InvalidAuthentication(ApiError):
    """401: no usable credentials (docs/fidelity.md, "401 INVALID_AUTHENTICATION").

    ``malformed`` tells an Authorization header that holds no access token from one that is missing.
    """

    def __init__(self, *, why: str, malformed: bool = False) -> None:
        super().__init__(
            401,
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
            f"more details at {OAUTH_OVERVIEW}",
            {"category": "INVALID_AUTHENTICATION"},
            why=why,
        )
        self.malformed = malformed


class ExpiredAuthentication(ApiError):
    """401: the access token expired (docs/fidelity.md, "401 EXPIRED_AUTHENTICATION").

    ``ago`` is the age of the expiry as HubSpot writes it, ``expire_time`` its instant likewise; ``expires_at_ms``
    and ``now_ms`` are the two instants in epoch milliseconds.
    """

    def __init__(self, *, ago: str, expire_time: str, expires_at_ms: int, now_ms: int, why: str) -> None:
        super().__init__(
            401,
            f"The OAuth token used to make this call expired {ago} ago.",
            {"category": "EXPIRED_AUTHENTICATION", "context": {"expire time": [expire_time]}},
            why=why,
        )
        self.expires_at_ms = expires_at_ms
        self.now_ms = now_ms


class InvalidApiKey(ApiError):
    """401: the call came with a ``hapikey``, which HubSpot ended in 2022 (docs/fidelity.md, "API keys")."""

    def __init__(self) -> None:
        super().__init__(
            401,
            f"The API key provided is invalid. View or manage your API key here: {API_KEY_PAGE}",
            {"category": "INVALID_AUTHENTICATION", "links": {"api key": API_KEY_PAGE}},
            why="the call came with a hapikey: HubSpot ended them on 2022-11-30",
        )


# docs/fidelity.md, "Errors of the token endpoint": HTTP status, message, RFC 6749 error.
TOKEN_ERRORS = {
    "BAD_CLIENT_ID": (400, "missing or unknown client id", "invalid_request"),
    "BAD_CLIENT_SECRET": (400, "missing or invalid client secret", "invalid_request"),
    "BAD_GRANT_TYPE": (400, "missing or unknown grant type", "unsupported_grant_type"),
    "BAD_AUTH_CODE": (400, "missing or unknown auth code", "invalid_grant"),
    "EXPIRED_AUTH_CODE": (400, "auth code has expired", "invalid_grant"),
    "MISMATCH_REDIRECT_URI_AUTH_CODE": (400, "redirect URI does not match initial auth code URI", "invalid_grant"),
    "BAD_CODE_VERIFIER": (400, "missing or invalid code verifier", "invalid_grant"),
    "BAD_REFRESH_TOKEN": (400, "refresh token is invalid, expired or revoked", "invalid_grant"),
    "MISMATCH_REFRESH_TOKEN_CLIENT": (400, "refresh token was not issued to this client", "invalid_grant"),
    "BAD_HUB": (403, "missing or unknown hub id", "access_denied"),
    "BAD_SCOPES": (400, "missing or invalid scopes", "invalid_scope"),
}


class TokenError(ApiError):
    """A refusal of the token endpoint, by HubSpot's name for it.

    ``error`` is RFC 6749's; it and ``message`` are those of the table unless given.
    """

    def __init__(
        self, name: str, *, message: str | None = None, error: str | None = None, why: str | None = None
    ) -> None:
        status, usual_message, usual_error = TOKEN_ERRORS[name]
        message = message or usual_message
        super().__init__(status, message, why=f"{name}: {why or message}")
        self.name = name
        self.error = error or usual_error


class MissingScopes(ApiError):
    """403: the token lacks a scope (docs/fidelity.md, "403 MISSING_SCOPES").

    ``granted`` is None when the token may have it.
    """

    def __init__(self, required: Sequence[str], granted: Sequence[str] | None) -> None:
        super().__init__(
            403,
            "This app hasn't been granted all required scopes to make this call. Read more about required scopes "
            f"here: {SCOPES_PAGE}.",
            {
                "errors": [
                    {
                        "message": "One or more of the following scopes are required.",
                        "context": {"requiredGranularScopes": list(required)},
                    }
                ],
                "links": {"scopes": SCOPES_PAGE},
                "category": "MISSING_SCOPES",
            },
            why=f"the call needs {' or '.join(required)}"
            + ("" if granted is None else f"; granted: {' '.join(granted) or 'nothing'}"),
        )


class ValidationError(ApiError):
    """400: the request is well authenticated but not valid."""

    def __init__(self, message: str, fields: Mapping[str, Any] | None = None, *, why: str | None = None) -> None:
        super().__init__(400, message, {**(fields or {}), "category": "VALIDATION_ERROR"}, why=why)


class GatewayError(ApiError):
    """502 to 504: the gateway got no answer in time. 520 to 526: Cloudflare got none."""

    REASONS: ClassVar[dict[int, str]] = {
        502: "Bad Gateway",
        503: "Service Unavailable",
        504: "Gateway Timeout",
        520: "Web server is returning an unknown error",
        521: "Web server is down",
        522: "Connection timed out",
        523: "Origin is unreachable",
        524: "A timeout occurred",
        525: "SSL handshake failed",
        526: "Invalid SSL certificate",
    }

    def __init__(self, status: int) -> None:
        super().__init__(status, self.REASONS[status])


class NotServed(Exception):
    """Something that HubSpot serves and the simulator does not."""
