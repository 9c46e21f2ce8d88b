"""The refusals of HubSpot's API, as the core raises them. ``http.errors`` gives them their wire form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OAUTH_OVERVIEW = "https://developers.hubspot.com/docs/methods/auth/oauth-overview"


class ApiError(Exception):
    """A refusal of the API.

    ``members`` are what follows ``status``, ``message`` and ``correlationId`` in the body, in wire order.
    ``why`` is one plain sentence for people: what led to the refusal.
    """

    def __init__(
        self, status: int, message: str, members: Mapping[str, Any] | None = None, *, why: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.members = members or {}
        self.why = why or message


class InvalidAuthentication(ApiError):
    """401: no usable credentials (docs/fidelity.md, "401 INVALID_AUTHENTICATION")."""

    def __init__(self, *, why: str) -> None:
        super().__init__(
            401,
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
            f"more details at {OAUTH_OVERVIEW}",
            {"category": "INVALID_AUTHENTICATION"},
            why=why,
        )


class ExpiredAuthentication(ApiError):
    """401: the access token expired (docs/fidelity.md, "401 EXPIRED_AUTHENTICATION").

    ``ago`` is the age of the expiry as HubSpot writes it, ``expire_time`` its instant likewise.
    """

    def __init__(self, *, ago: str, expire_time: str, why: str) -> None:
        super().__init__(
            401,
            f"The OAuth token used to make this call expired {ago} ago.",
            {"category": "EXPIRED_AUTHENTICATION", "context": {"expire time": [expire_time]}},
            why=why,
        )


class TokenError(ApiError):
    """A refusal of the token endpoint: ``status`` in the body is HubSpot's name, ``error`` RFC 6749's.

    docs/fidelity.md, "Errors of the token endpoint".
    """

    def __init__(self, name: str, message: str, error: str, *, why: str | None = None) -> None:
        super().__init__(400, message, why=f"{name}: {why or message}")
        self.name = name
        self.error = error


class ValidationError(ApiError):
    """400: the request is well authenticated but not valid."""

    def __init__(self, message: str, members: Mapping[str, Any] | None = None, *, why: str | None = None) -> None:
        super().__init__(400, message, {**(members or {}), "category": "VALIDATION_ERROR"}, why=why)


class NotServed(Exception):
    """Something that HubSpot serves and the simulator does not."""
