"""The 41 classes of token-refresh bugs that were seen in public, and what detects each.

Standard library only: the score card counts with it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BugClass:
    """What integrations get wrong.

    ``findings`` are the ids of the audit that name it in any traffic; ``bug_class_coverage`` tells the scenarios that
    look for it. ``blind`` says why it cannot be seen from outside, or what of it cannot; it is empty for most.
    """

    number: int
    title: str
    findings: tuple[str, ...] = ()
    blind: str = ""


_TABLE = (
    BugClass(1, "never refreshes at all", ("no-refresh-after-expiry", "expired-token-sent-again")),
    BugClass(2, "hard-coded lifetime", ("hard-coded-lifetime",)),
    BugClass(3, "no safety margin: the token dies in flight"),
    BugClass(4, "clock skew unhandled, or its margin with the wrong sign"),
    BugClass(5, "margin as long as the lifetime: refreshes on every call", ("refresh-every-call", "refresh-too-early")),
    BugClass(6, "unit of expires_in confused", ("lifetime-read-as-milliseconds", "refresh-every-call")),
    BugClass(7, "naive and aware datetimes: fails at the second use"),
    BugClass(8, "local time taken for UTC", ("refresh-every-call", "no-refresh-after-expiry")),
    BugClass(9, "checked once at the start of a job", ("no-refresh-after-expiry",)),
    BugClass(10, "one code path misses the refresh", ("no-refresh-after-expiry",)),
    BugClass(11, "401 wrapped into an error that triggers no refresh", ("no-refresh-after-expiry",)),
    BugClass(12, "long-lived client keeps the old token", ("old-token-after-refresh", "expired-token-sent-again")),
    BugClass(13, "result of a refresh remembered for ever", ("expired-token-sent-again", "no-refresh-after-expiry")),
    BugClass(14, "token cached longer than it lives", ("expired-token-sent-again",)),
    BugClass(15, "refresh stampede", ("refresh-storm",)),
    BugClass(16, "late 401 causes a second refresh", ("straggler-refresh",)),
    BugClass(17, "endless loop on a dead refresh token", ("dead-refresh-token-retried",)),
    BugClass(18, "dead refresh token not surfaced", (), "what a user is shown: seen only as far as work raises"),
    BugClass(19, "a passing failure of a refresh ends the connection"),
    BugClass(20, "new token not stored", ("expired-token-sent-again",)),
    BugClass(21, "refresh token overwritten with nothing"),
    BugClass(22, "rotated refresh token ignored", ("dead-refresh-token-retried",)),
    BugClass(23, "new token lost in a rollback"),
    BugClass(24, "stored token cut off", ("truncated-token",)),
    BugClass(25, "retry without its body", ("retry-without-body",)),
    BugClass(26, "retry succeeded, and the 401 is reported"),
    BugClass(27, "write sent twice", ("write-sent-twice",)),
    BugClass(28, "endless retry when a fresh token is rejected", ("endless-retry",)),
    BugClass(29, "refreshes on a 403", ("refresh-after-403",)),
    BugClass(30, "refreshes on a 429 or a 5xx", ("refresh-after-429", "refresh-after-5xx")),
    BugClass(31, "only one of the clock and the 401 is heeded", ("no-refresh-after-expiry",)),
    BugClass(32, "missing expires_in misread", ("refresh-every-call", "no-refresh-after-expiry")),
    BugClass(33, "token request is no form", ("token-request-not-a-form", "secrets-in-query")),
    BugClass(34, "wrong app for a refresh token", ("refresh-token-of-another-app", "wrong-client-credentials")),
    BugClass(35, "accounts mixed up", ("token-of-another-portal",)),
    BugClass(36, "token taken when work was queued", ("old-token-after-refresh", "expired-token-sent-again")),
    BugClass(37, "garbage taken for a token that expired in 1970", ("not-an-access-token", "endless-retry")),
    BugClass(38, "matches the message, not the category", ("no-refresh-after-expiry",)),
    BugClass(39, "scopes lost at a refresh", ("refresh-after-403",)),
    BugClass(40, "lock too short, or not looked at again", ("refresh-storm",)),
    BugClass(41, "OAuth v1 after its end", ("oauth-v1-after-sunset",)),
)

BUG_CLASSES: dict[int, BugClass] = {found.number: found for found in _TABLE}
