"""Incidents at authenticated calls: the token, its scopes, rate limits, the account."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ...core.authentication import age
from ...core.endpoint_table import TOKEN_ENDPOINTS
from ...core.errors import (
    ApiError,
    ExpiredAuthentication,
    GatewayError,
    InvalidApiKey,
    InvalidAuthentication,
    MissingScopes,
)
from ...core.instants import from_datetime, iso_instant
from ...core.model import TokenOverride
from ...core.tokens import try_parse
from ..faults.injection import Arrival
from .incident import Act, Incident
from .parsing import QuotedRefusal

if TYPE_CHECKING:
    from ...simulator import Simulator

_UNITS = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_LISTED_SCOPES = re.compile(r"(?:required(?:Granular)?Scopes|requires a\w+ of)\W*\[([^\]]*\]?)", re.IGNORECASE)
_LONGEST_AGE_MS = 50 * 365 * 86_400_000
_LONGEST_MS = 2**47
_MIGRATION_SECONDS = 3600  # HubSpot's usual Retry-After


def expired(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """The token had expired, at the age in the message and at the instant in the body, if it has one."""
    number, unit = filter(None, match.groups())
    unit = unit.lower()
    age_ms = min(int(number[:12]) * _UNITS[unit], _LONGEST_AGE_MS)
    at_ms = _instant(quote)
    ago = f"{number} {unit}(s)"

    def expires_at(arrival: Arrival) -> int:
        return arrival.now_ms - age_ms if at_ms is None else at_ms

    def error(arrival: Arrival) -> ApiError:
        when_ms = expires_at(arrival)
        when = iso_instant(when_ms)
        return ExpiredAuthentication(
            ago=ago, expire_time=when, expires_at_ms=when_ms, now_ms=when_ms + age_ms, why=f"expired {ago} ago"
        )

    def act(arrival: Arrival) -> None:
        _change_token(simulator, arrival, expires_at_ms=min(expires_at(arrival), arrival.now_ms))

    state = f"the call's access token had expired at HubSpot {ago} ago"
    return Incident("EXPIRED_AUTHENTICATION", state, error, act)


def expired_by_name(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """The token had expired at an unknown time."""
    example = re.search(r"(\d+) (\w+)", "60 second")
    assert example is not None
    return expired(simulator, quote, example)


def expired_legacy(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """The token had expired, in the words of the v1 and v2 paths."""
    age_ms = min(max(0, int(match[2][:15]) - int(match[1][:15])), _LONGEST_AGE_MS)
    message = f"This oauth-token is expired! expiresAt: {match[1]}, now: {match[2]}"
    return Incident(
        "EXPIRED_AUTHENTICATION",
        f"the call's access token had expired at HubSpot {age(age_ms)} ago",
        lambda _: ApiError(401, message, {"category": "EXPIRED_AUTHENTICATION"}),
        lambda arrival: _change_token(simulator, arrival, expires_at_ms=arrival.now_ms - age_ms),
    )


def invalid(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """HubSpot does not know the token."""

    def error(_: Arrival) -> ApiError:
        if "are missing" in match[0].lower():  # the words of v1 and v2 paths
            return ApiError(401, "Any of the listed authentication credentials are missing", quote.rest)
        if "oauth-token" in match[0].lower() or "engaged" in match[0].lower():  # more words of these paths
            return ApiError(401, match[0], quote.rest)
        return InvalidAuthentication(why="revoked", malformed=True)

    state = "HubSpot does not know the call's access token: it was revoked"
    return Incident("INVALID_AUTHENTICATION", state, error, _revoke(simulator))


def _revoke(simulator: Simulator) -> Act:
    return lambda arrival: _change_token(simulator, arrival, revoked=True)


def api_key(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """The call used an API key."""
    message = match[0].strip()
    invalid_key = "invalid" in message.lower()
    return Incident(
        "INVALID_AUTHENTICATION",
        "HubSpot accepts no API keys",
        lambda _: InvalidApiKey() if invalid_key else ApiError(401, message),
    )


def missing_scopes(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """The installation lacks a scope, and a refresh does not change that."""
    required = quote.field("requiredGranularScopes") or quote.field("requiredScopes")
    if not required:  # there is no complete body
        listed = _LISTED_SCOPES.search(quote.text)
        complete = re.findall(r"[\w.-]+(?=[^\w.-])", listed[1]) if listed else []  # the last may be cut off
        required = complete or ["oauth"]
    scopes = [str(scope) for scope in required]
    state = f"the app was not granted {' or '.join(scopes)}, which the call needs"

    def error(_: Arrival) -> ApiError:
        legacy = "permissions" in match[0].lower()  # the words of v1 and v2 paths
        return ApiError(403, match[0].strip()) if legacy else MissingScopes(scopes, ())

    return Incident("MISSING_SCOPES", state, error, same_route=True)


def limited(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """The app exceeds a rate limit: for the rest of the day, or for one call."""
    policy = next(filter(None, match.groups()), "ten_secondly").lower().replace("-", "_")
    policy = "ten_secondly_rolling" if policy == "ten_secondly" else policy
    if policy == "rate":
        state = "the app exceeds the limit of the token endpoint, once"
        exceeded = simulator.limits.token_exceeded
        return Incident("SECONDLY", state, lambda arrival: exceeded(arrival.now_ms), path=TOKEN_ENDPOINTS, refresh=True)

    def error(arrival: Arrival) -> ApiError:
        token = try_parse(arrival.access_token)
        app_and_hub = (token.app_id, token.hub_id) if token else (0, 0)
        exceeded = simulator.limits.exceeded(policy, *app_and_hub, arrival.now_ms)
        exceeded.message = f"You have reached your {policy} limit."
        exceeded.fields = {**exceeded.fields, "policyName": policy.upper()}
        return exceeded

    daily = policy == "daily"
    state = f"the app exceeds its {policy} limit, {'for the rest of the day' if daily else 'once'}"
    return Incident(policy.upper(), state, error, lasting=daily)


def migrating(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """HubSpot is migrating the account to another data center."""
    after = re.search(r"retry-after\W*(\d{1,6})", quote.text, re.IGNORECASE)
    seconds = int(after[1]) if after else _MIGRATION_SECONDS
    return Incident(
        "MIGRATION",
        f"the account is being migrated, for {seconds} s",
        lambda _: ApiError(477, "Migration in Progress", retry_after_s=seconds),
        lambda _: simulator.migrate_portal(seconds=seconds),
    )


def locked(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """The account is locked for a short time."""
    error = ApiError(423, "Locked")
    return Incident("LOCKED", "the account is locked, for 2 s", lambda _: error, lambda _: simulator.lock_portal())


def misrouted(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """The account is in another region."""
    hub_id, hublet = match[1], match[2]
    message = f"Hub {hub_id} is unknown to this Hublet, but it appears to exist in Hublet {hublet}"
    return Incident(
        "488",
        f"the account is in {hublet}, not in the region that was called",
        lambda _: ApiError(488, message, {"correctHublet": hublet}),
        lambda _: simulator.wrong_region(correct_hublet=hublet),
    )


def misrouted_by_status(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """The account is in another region, which the text does not name."""
    message = "Hub 1 is unknown to this Hublet, but it appears to exist in Hublet eu1"
    example = re.search(r"Hub (\d+) .* Hublet (\w+)", message)
    assert example is not None
    return misrouted(simulator, quote, example)


def cloudflare(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """Cloudflare, in front of HubSpot, got no valid response from it."""
    number = re.search(r"52\d", match[0])
    assert number is not None
    status = int(number[0])
    return Incident(
        str(status), f"Cloudflare returns {status} instead of HubSpot, once", lambda _: GatewayError(status)
    )


def gateway(simulator: Simulator, quote: QuotedRefusal, match: re.Match[str]) -> Incident:
    """HubSpot's gateway got no response from the servers behind it."""
    number = re.search(r"50[234]", match[0])
    status = int(number[0]) if number else {"B": 502, "S": 503, "G": 504}[match[0][0].upper()]  # by its name
    return Incident(str(status), f"HubSpot's gateway returns {status}, once", lambda _: GatewayError(status))


def _change_token(simulator: Simulator, arrival: Arrival, **changes: object) -> None:
    token = try_parse(arrival.access_token)
    if token is not None:  # other tokens, such as a private app's, do not change
        overrides = simulator.store.token_overrides
        before = overrides.get(token.identity, TokenOverride())
        overrides[token.identity] = replace(before, **changes)  # type: ignore[arg-type]


def _instant(quote: QuotedRefusal) -> int | None:
    """Return the expiry in the body's context, in epoch milliseconds; None without one."""
    value = quote.field("expire time")
    if value is None:
        match = re.search(r"expire time\W+(\d{4}-\d\d-\d\dT[\d:.]+Z?)", quote.text)
        value = match and match[1]
    text = value[0] if isinstance(value, list) and value else value
    try:
        when = datetime.fromisoformat(re.sub(r"\.(\d{3})\d*", r".\1", str(text)).replace("Z", "+00:00"))
    except ValueError:
        return None
    at_ms = from_datetime(when if when.tzinfo else when.replace(tzinfo=timezone.utc))
    return at_ms if 0 <= at_ms < _LONGEST_MS else None
