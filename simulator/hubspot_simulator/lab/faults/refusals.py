"""The refusals that can be injected, by HubSpot's names for them (docs/fidelity.md, "Errors")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...core.authentication import age
from ...core.endpoint_table import TOKEN_ENDPOINTS
from ...core.errors import (
    TOKEN_ERRORS,
    ApiError,
    ExpiredAuthentication,
    GatewayError,
    InvalidAuthentication,
    MissingScopes,
    TokenError,
)
from ...core.exchange import Effect
from ...core.instants import iso_instant
from ...core.limits import RateLimits
from ...core.tokens import AccessToken, try_parse
from ...core.wire_response import WireResponse
from .injection import Arrival, Fault


def check_seconds(name: str, value: object, *, most: float = 600) -> None:
    """Raise ValueError unless a value is a number of seconds from 0 to ``most``."""
    if not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise ValueError(f"{name}={value!r}: expected a number of seconds from 0 to {most:g}")


@dataclass
class RefusalFault(Fault):
    """Answers a call with an error. With ``after_accepting`` the call is carried out first."""

    error: Callable[[Arrival], ApiError]
    after_accepting: bool = False

    def __post_init__(self) -> None:
        self.effect = Effect(altered=True, carried_out=self.after_accepting)

    def arrive(self, arrival: Arrival) -> None:
        if not self.after_accepting:
            raise self._injected(arrival, "injected")

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        if self.after_accepting and response.status < 400:
            raise self._injected(arrival, f"injected after the call was carried out ({response.status})")
        return response

    def _injected(self, arrival: Arrival, how: str) -> ApiError:
        error = self.error(arrival)
        error.why = f"{how}: {error.why}"
        return error


class TokenRefusalFault(RefusalFault):
    """Answers a call of the token endpoint with an error."""

    path = TOKEN_ENDPOINTS


def token_error(name: str, *, after_accepting: bool = False) -> RefusalFault:
    """Return the refusal of the token endpoint that has a name of ``TOKEN_ERRORS``."""
    return TokenRefusalFault(lambda _: TokenError(name), after_accepting)


def expired(
    *,
    seconds_ago: float = 60,
    expire_time_ms: int | None = None,
    message: str | None = None,
    after_accepting: bool = False,
) -> RefusalFault:
    """Return a 401 of an expired token: so long ago, or at an instant (epoch milliseconds), or in other words."""
    check_seconds("seconds_ago", seconds_ago, most=10**9)
    if expire_time_ms is not None and not 0 <= expire_time_ms < 2**47:
        raise ValueError(f"expire_time_ms={expire_time_ms!r}: expected an instant in epoch milliseconds")

    def error(arrival: Arrival) -> ApiError:
        at_ms = arrival.now_ms - int(seconds_ago * 1000) if expire_time_ms is None else expire_time_ms
        made = ExpiredAuthentication(
            ago=age(arrival.now_ms - at_ms),
            expire_time=iso_instant(at_ms),
            expires_at_ms=at_ms,
            now_ms=arrival.now_ms,
            why="as if the token had expired",
        )
        made.message = message or made.message
        return made

    return RefusalFault(error, after_accepting)


def invalid(*, after_accepting: bool = False) -> RefusalFault:
    """Return a 401 of credentials that are not known."""
    return RefusalFault(
        lambda _: InvalidAuthentication(why="as if the token were unknown", malformed=True), after_accepting
    )


def missing_scopes(*, scopes: tuple[str, ...] = ("oauth",), after_accepting: bool = False) -> RefusalFault:
    """Return a 403 of a token that lacks scopes."""
    return RefusalFault(lambda _: MissingScopes(scopes, None), after_accepting)


def rate_limited(limits: RateLimits, limit: str, *, after_accepting: bool = False) -> RefusalFault:
    """Return a 429 of the limit ``ten_secondly_rolling`` or ``daily``; the token endpoint has one of its own."""

    def error(arrival: Arrival) -> ApiError:
        if not arrival.bearer:
            return limits.token_exceeded(arrival.now_ms)
        token = try_parse(arrival.access_token) or AccessToken()
        return limits.exceeded(limit, token.app_id, token.hub_id, arrival.now_ms)

    return RefusalFault(error, after_accepting)


def status(code: int, message: str, *, after_accepting: bool = False) -> RefusalFault:
    """Return a refusal in the usual envelope."""
    retry_after_s = 3600 if code == 477 else None
    return RefusalFault(lambda _: ApiError(code, message, retry_after_s=retry_after_s), after_accepting)


def gateway(code: int, *, after_accepting: bool = False) -> RefusalFault:
    """Return the page of a gateway that got no answer from behind it."""
    return RefusalFault(lambda _: GatewayError(code), after_accepting)


STATUSES = {
    "INTERNAL_ERROR": (500, "internal error"),
    "LOCKED": (423, "Locked"),
    "MIGRATION": (477, "Migration in Progress"),
}
GATEWAY = {"BAD_GATEWAY": 502, "SERVICE_UNAVAILABLE": 503, "GATEWAY_TIMEOUT": 504}
LIMITS = {"TEN_SECONDLY_ROLLING": "ten_secondly_rolling", "DAILY": "daily"}
TOKEN_NAMES = tuple(TOKEN_ERRORS)
