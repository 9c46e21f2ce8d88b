"""Rules on how the token endpoint is asked."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.bodies import form_fields
from ...core.endpoint_table import OAUTH_V1
from ...core.exchange import Exchange
from ...core.protocol import FORM, V1_SUNSET_DATE, V1_SUNSET_MS
from .evidence import TokenRequest, seen
from .finding import Finding, found, in_all, instant
from .timeline import Timeline

_SECRETS = ("client_secret", "refresh_token", "code")


def token_requests(timeline: Timeline) -> Iterator[Finding]:
    """Yield a finding for requests that are no form, for secrets in URLs, and for OAuth v1 after its end."""
    wrong = [one for one in timeline.token_requests if _is_no_form(one)]
    if wrong:
        given = wrong[0].exchange.media_type or "missing"
        problem = (
            f"#{wrong[0].number} was answered {wrong[0].exchange.status}: its Content-Type is {given[:80]}, and "
            f"HubSpot takes {FORM} only{in_all(len(wrong))}."
        )
        yield found("token-request-not-a-form", problem, [one.exchange for one in wrong])
    told = {one: names for one in timeline.token_requests if (names := _secrets(one))}
    if told:
        first = next(iter(told))
        problem = f"#{first.number} has {' and '.join(told[first])} in its URL{in_all(len(told))}."
        yield found("secrets-in-query", problem, [one.exchange for one in told])
    late = [one for one in timeline.exchanges if one.path.startswith(OAUTH_V1) and _has_ended(one)]
    if late:
        problem = (
            f"#{late[0].number} called {OAUTH_V1} at {instant(late[0].at_ms)} and was answered {late[0].status}; "
            f"HubSpot turns OAuth v1 off on {V1_SUNSET_DATE}{in_all(len(late))}."
        )
        yield found("oauth-v1-after-sunset", problem, late)


def _has_ended(exchange: Exchange) -> bool:
    return exchange.at_ms >= V1_SUNSET_MS or (exchange.status == 410 and seen(exchange))


def _is_no_form(one: TokenRequest) -> bool:
    exchange = one.exchange
    refused = exchange.status == 415 and not exchange.effect.altered
    return refused or (bool(exchange.request_body) and exchange.media_type != FORM)


def _secrets(one: TokenRequest) -> list[str]:
    if not one.exchange.query:
        return []
    query = form_fields(one.exchange.query)
    return [name for name in _SECRETS if query.get(name)]
