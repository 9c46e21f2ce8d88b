"""A finding: what an integration did wrong, what proves it, how to fix it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ...core.exchange import Exchange
from ...core.instants import iso_instant
from ...core.redaction import shown
from ...core.words import times

Severity = Literal["error", "warning", "info"]
PROOF_KEPT = 6


class FindingKind(NamedTuple):
    """What all findings of an id share: the usual severity, a title, one sentence of how to fix it."""

    severity: Severity
    title: str
    remedy: str


FINDINGS: dict[str, FindingKind] = {
    "no-refresh-after-expiry": FindingKind(
        "error",
        "The access token expired and was never refreshed",
        "After a 401 with category EXPIRED_AUTHENTICATION refresh once and send the call again; before a call compare "
        "the clock with the instant of the token response plus its expires_in.",
    ),
    "expired-token-sent-again": FindingKind(
        "error",
        "An expired access token was sent again before any refresh",
        "Refresh at the first 401 with category EXPIRED_AUTHENTICATION, on every code path, and send that call again.",
    ),
    "old-token-after-refresh": FindingKind(
        "error",
        "An old access token stayed in use after a refresh",
        "Read the token from one place at the moment of each call; keep it in no header, object or queued job.",
    ),
    "refresh-storm": FindingKind(
        "error",
        "Several refreshes for one expiry",
        "Refresh under one lock for each connection, and look at the stored token again once the lock is held: "
        "if it is no longer the one that failed, use it.",
    ),
    "straggler-refresh": FindingKind(
        "error",
        "A late 401 of the old token caused another refresh",
        "Compare the token that was refused with the current one before refreshing: "
        "if they differ, only send the call again with the current one.",
    ),
    "refresh-every-call": FindingKind(
        "error",
        "The access token is refreshed before every call",
        "Keep the token until shortly before it expires: the margin must be shorter than the lifetime, expires_in "
        "counts seconds, and a missing expires_in does not mean that the token has expired.",
    ),
    "refresh-too-early": FindingKind(
        "warning",
        "The access token was refreshed with more than half of its life left",
        "Refresh a minute or so before the instant of the token response plus its expires_in, not earlier.",
    ),
    "lifetime-read-as-milliseconds": FindingKind(
        "error",
        "expires_in was read as milliseconds",
        "expires_in counts seconds: multiply it by 1000 where the clock counts milliseconds.",
    ),
    "hard-coded-lifetime": FindingKind(
        "error",
        "A fixed lifetime was assumed instead of expires_in",
        "Take the lifetime from expires_in of each token response, and refresh after a 401 in any case.",
    ),
    "refresh-after-403": FindingKind(
        "error",
        "A refresh in answer to a 403",
        "A 403 is about scopes, which a refresh does not change: report it, and refresh after a 401 only.",
    ),
    "refresh-after-429": FindingKind(
        "warning",
        "A refresh in answer to a 429",
        "A 429 is a rate limit: wait as long as Retry-After or the limit's interval says, and keep the token.",
    ),
    "refresh-after-5xx": FindingKind(
        "warning",
        "A refresh in answer to a server error",
        "A 5xx says nothing about the token: wait, send the call again with the same token, refresh after a 401 only.",
    ),
    "dead-refresh-token-retried": FindingKind(
        "error",
        "A refused refresh token was sent again and again",
        "Stop at the first BAD_REFRESH_TOKEN: mark the connection as disconnected and ask the user to connect again.",
    ),
    "endless-retry": FindingKind(
        "error",
        "The same call was repeated after one 401 upon another",
        "Send a call again once after a refresh; when the fresh token is refused too, raise the error.",
    ),
    "retry-without-body": FindingKind(
        "error",
        "A call was sent again without its body",
        "Keep the body until the answer is there, and build the second request from it; rewind streams.",
    ),
    "write-sent-twice": FindingKind(
        "error",
        "A write that had been carried out was sent again",
        "After a lost answer or a 5xx to a POST look whether the record is there, or write by a unique property, "
        "before you send it again.",
    ),
    "token-of-another-portal": FindingKind(
        "error",
        "A call was made with the access token of another portal",
        "Key every cache, lock and client by portal (hub_id), and let no token live in a global.",
    ),
    "refresh-token-of-another-app": FindingKind(
        "error",
        "The refresh token belongs to another app",
        "Store the client id together with the refresh token, and refresh with the credentials of that app.",
    ),
    "wrong-client-credentials": FindingKind(
        "error",
        "The token request came with wrong client credentials",
        "Send the client_id and client_secret of the app as fields of the form, as its auth page shows them.",
    ),
    "token-request-not-a-form": FindingKind(
        "error",
        "The token request was not a form",
        "Send the fields as application/x-www-form-urlencoded in the body (requests, httpx: data=..., not json=...).",
    ),
    "secrets-in-query": FindingKind(
        "warning",
        "The token request carried secrets in its URL",
        "Send the fields in the body: URLs end up in logs, and only OAuth v1 reads them.",
    ),
    "oauth-v1-after-sunset": FindingKind(
        "error",
        "OAuth v1 was called after its end",
        "Call POST /oauth/2026-09/token, and its /introspect and /revoke, instead of /oauth/v1.",
    ),
    "not-an-access-token": FindingKind(
        "error",
        "What was sent as an access token is none",
        "Send the access_token member of the token response as 'Authorization: Bearer <access_token>', nothing else; "
        "a refresh does not help before that.",
    ),
    "truncated-token": FindingKind(
        "error",
        "The access token was cut short",
        "Store tokens whole: HubSpot says up to 300 characters, so give the column 1024 or none, "
        "and let the database refuse what does not fit.",
    ),
}


@dataclass(frozen=True, repr=False)
class Finding:
    """Something that an integration did wrong.

    ``id`` is a key of FINDINGS. ``exchanges`` prove it, in order; of many alike the first are kept. ``problem`` says
    in one sentence what is wrong, ``remedy`` how to fix it.
    """

    id: str
    severity: Severity
    exchanges: tuple[Exchange, ...]
    problem: str
    remedy: str

    @property
    def explain(self) -> str:
        """The command that says more about findings of this id."""
        return f"hubspot-simulator explain {self.id}"

    def __repr__(self) -> str:
        proof = ", ".join(f"#{exchange.number}" for exchange in self.exchanges)
        return f"<{self.severity} {self.id}: {self.problem} ({proof})>"

    def __str__(self) -> str:
        proof = [f"    {exchange}" for exchange in self.exchanges]
        return "\n".join(
            [
                f"{self.severity}: {self.id}",
                f"  {self.problem}",
                *proof,
                f"  Fix: {self.remedy}",
                f"  More: {self.explain}",
            ]
        )


def found(id: str, problem: str, exchanges: Iterable[Exchange], *, severity: Severity | None = None) -> Finding:
    """Return a finding with what its kind says. The exchanges are put in order, and the first few are kept."""
    kind = FINDINGS[id]
    proof = sorted({exchange.number: exchange for exchange in exchanges}.values(), key=lambda one: one.number)
    return Finding(id, severity or kind.severity, tuple(proof[:PROOF_KEPT]), shown(problem, most=2000), kind.remedy)


def instant(ms: int) -> str:
    """Write an instant for people, whatever the number."""
    try:
        return iso_instant(ms)
    except (OverflowError, ValueError):
        return f"{ms} ms"


def span(ms: int) -> str:
    """Write a duration for people: seconds below two minutes, else minutes, else hours."""
    if ms < 120_000:
        return f"{round(ms / 1000, 1):g} s"
    return f"{ms // 60_000} min" if ms < 7_200_000 else f"{round(ms / 3_600_000, 1):g} h"


def more_times(count: int) -> str:
    """Write how often more."""
    return "once more" if count == 1 else f"{count} more times"


def in_all(count: int) -> str:
    """Write how often something was seen, in brackets; nothing for once."""
    return "" if count == 1 else f" ({times(count)} in all)"
