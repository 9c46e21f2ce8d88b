"""Incidents of authenticated calls: the token, its scopes, the limits, the account."""

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
_MIGRATION_SECONDS = 3600  # what HubSpot's Retry-After says as a rule


def expired(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """The token had expired, so long ago; at the very instant, where the body names it."""
    number, unit = filter(None, found.groups())
    unit = unit.lower()
    age_ms = min(int(number[:12]) * _UNITS[unit], _LONGEST_AGE_MS)
    at_ms = _instant(said)
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

    state = f"the access token of the call had expired at HubSpot {ago} ago"
    return Incident("EXPIRED_AUTHENTICATION", state, error, act)


def expired_by_name(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """The token had expired: nobody says when."""
    some = re.search(r"(\d+) (\w+)", "60 second")
    assert some is not None
    return expired(simulator, said, some)


def expired_legacy(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """The token had expired, as the v1 and v2 paths say it."""
    age_ms = min(max(0, int(found[2][:15]) - int(found[1][:15])), _LONGEST_AGE_MS)
    message = f"This oauth-token is expired! expiresAt: {found[1]}, now: {found[2]}"
    return Incident(
        "EXPIRED_AUTHENTICATION",
        f"the access token of the call had expired at HubSpot {age(age_ms)} ago",
        lambda _: ApiError(401, message, {"category": "EXPIRED_AUTHENTICATION"}),
        lambda arrival: _change_token(simulator, arrival, expires_at_ms=arrival.now_ms - age_ms),
    )


def invalid(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """HubSpot does not know the token."""

    def error(_: Arrival) -> ApiError:
        if "are missing" in found[0].lower():  # the words of v1 and v2 paths
            return ApiError(401, "Any of the listed authentication credentials are missing", said.rest)
        if "oauth-token" in found[0].lower() or "engaged" in found[0].lower():  # others of these
            return ApiError(401, found[0], said.rest)
        return InvalidAuthentication(why="revoked", malformed=True)

    state = "HubSpot does not know the access token of the call: it was revoked"
    return Incident("INVALID_AUTHENTICATION", state, error, _revoke(simulator))


def _revoke(simulator: Simulator) -> Act:
    return lambda arrival: _change_token(simulator, arrival, revoked=True)


def api_key(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """The call came with an API key."""
    words = found[0].strip()
    own = "invalid" in words.lower()
    return Incident(
        "INVALID_AUTHENTICATION",
        "HubSpot takes no API key",
        lambda _: InvalidApiKey() if own else ApiError(401, words),
    )


def missing_scopes(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """The installation lacks a scope, and no refresh will change that."""
    named = said.field("requiredGranularScopes") or said.field("requiredScopes")
    if not named:  # the body was cut off, or is none
        listed = re.search(
            r"(?:required(?:Granular)?Scopes|requires a\w+ of)\W*\[([^\]]*\]?)", said.text, re.IGNORECASE
        )
        whole = re.findall(r"[\w.-]+(?=[^\w.-])", listed[1]) if listed else []  # the last may be cut off
        named = whole or ["oauth"]
    scopes = [str(scope) for scope in named]
    state = f"the app was not granted {' or '.join(scopes)}, which the call needs"

    def error(_: Arrival) -> ApiError:
        legacy = "permissions" in found[0].lower()  # the words of v1 and v2 paths
        return ApiError(403, found[0].strip()) if legacy else MissingScopes(scopes, ())

    return Incident("MISSING_SCOPES", state, error, same_route=True)


def limited(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """The app is above a limit: for the rest of the day, or for one call."""
    policy = next(filter(None, found.groups()), "ten_secondly").lower().replace("-", "_")
    policy = "ten_secondly_rolling" if policy == "ten_secondly" else policy
    if policy == "rate":
        state = "the app is above the limit of the token endpoint, once"
        exceeded = simulator.limits.token_exceeded
        return Incident("SECONDLY", state, lambda arrival: exceeded(arrival.now_ms), path=TOKEN_ENDPOINTS, refresh=True)

    def error(arrival: Arrival) -> ApiError:
        token = try_parse(arrival.access_token)
        who = (token.app_id, token.hub_id) if token else (0, 0)
        made = simulator.limits.exceeded(policy, *who, arrival.now_ms)
        made.message = f"You have reached your {policy} limit."
        made.fields = {**made.fields, "policyName": policy.upper()}
        return made

    daily = policy == "daily"
    state = f"the app is above its {policy} limit, {'for the rest of the day' if daily else 'once'}"
    return Incident(policy.upper(), state, error, lasting=daily)


def migrating(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """HubSpot moves the account between data centres."""
    after = re.search(r"retry-after\W*(\d{1,6})", said.text, re.IGNORECASE)
    seconds = int(after[1]) if after else _MIGRATION_SECONDS
    return Incident(
        "MIGRATION",
        f"the account is being migrated, for {seconds} s",
        lambda _: ApiError(477, "Migration in Progress", retry_after_s=seconds),
        lambda _: simulator.migrate_portal(seconds=seconds),
    )


def locked(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """The account is locked for a moment."""
    error = ApiError(423, "Locked")
    return Incident("LOCKED", "the account is locked, for 2 s", lambda _: error, lambda _: simulator.lock_portal())


def misrouted(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """The account lives in another region."""
    hub_id, hublet = found[1], found[2]
    message = f"Hub {hub_id} is unknown to this Hublet, but it appears to exist in Hublet {hublet}"
    return Incident(
        "488",
        f"the account lives in {hublet}, not where it is called",
        lambda _: ApiError(488, message, {"correctHublet": hublet}),
        lambda _: simulator.wrong_region(correct_hublet=hublet),
    )


def misrouted_by_status(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """The account lives in another region: nobody says in which."""
    message = "Hub 1 is unknown to this Hublet, but it appears to exist in Hublet eu1"
    some = re.search(r"Hub (\d+) .* Hublet (\w+)", message)
    assert some is not None
    return misrouted(simulator, said, some)


def cloudflare(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """Cloudflare, which stands before HubSpot, got no good answer from it."""
    number = re.search(r"52\d", found[0])
    assert number is not None
    status = int(number[0])
    return Incident(
        str(status), f"Cloudflare answers {status} in HubSpot's place, once", lambda _: GatewayError(status)
    )


def gateway(simulator: Simulator, said: QuotedRefusal, found: re.Match[str]) -> Incident:
    """A gateway got no answer from behind it."""
    number = re.search(r"50[234]", found[0])
    status = int(number[0]) if number else {"B": 502, "S": 503, "G": 504}[found[0][0].upper()]  # by its name
    return Incident(str(status), f"HubSpot's gateway answers {status}, once", lambda _: GatewayError(status))


def _change_token(simulator: Simulator, arrival: Arrival, **changes: object) -> None:
    token = try_parse(arrival.access_token)
    if token is not None:  # a private app's, for one, stays what it is
        overrides = simulator.store.token_overrides
        before = overrides.get(token.identity, TokenOverride())
        overrides[token.identity] = replace(before, **changes)  # type: ignore[arg-type]


def _instant(said: QuotedRefusal) -> int | None:
    """Return the instant of the body's context, in epoch milliseconds."""
    value = said.field("expire time")
    if value is None:
        named = re.search(r"expire time\W+(\d{4}-\d\d-\d\dT[\d:.]+Z?)", said.text)
        value = named and named[1]
    text = value[0] if isinstance(value, list) and value else value
    try:
        when = datetime.fromisoformat(re.sub(r"\.(\d{3})\d*", r".\1", str(text)).replace("Z", "+00:00"))
    except ValueError:
        return None
    at_ms = from_datetime(when if when.tzinfo else when.replace(tzinfo=timezone.utc))
    return at_ms if 0 <= at_ms < _LONGEST_MS else None
