"""The audit: what an integration did wrong, from the journal alone."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.exchange import Exchange
from .authorization_header import bearers
from .expiry import dead_refresh_token, expiry, old_token
from .finding import FINDINGS, Finding
from .refreshing import after_statuses, sort_refreshes, storms
from .retries import endless_retry, retry_without_body, write_sent_twice
from .timeline import Timeline
from .timing import timing
from .token_requests import token_requests
from .wrong_credentials import another_portal, credentials

__all__ = ["FINDINGS", "Finding", "audit"]

_RULES = (
    expiry,
    old_token,
    dead_refresh_token,
    endless_retry,
    retry_without_body,
    write_sent_twice,
    another_portal,
    credentials,
    bearers,
    token_requests,
)
_REFRESH_RULES = (storms, after_statuses, timing)
_ORDER = {"error": 0, "warning": 1, "info": 2}


def audit(exchanges: Sequence[Exchange]) -> list[Finding]:
    """Return what the exchanges of a journal show to be wrong, the gravest first, one finding a root cause.

    A client that refreshes as it should has none, also one that works from several threads, tasks or processes.
    """
    timeline = Timeline(exchanges)
    findings = [finding for rule in _RULES for finding in rule(timeline)]
    refreshes = sort_refreshes(timeline)
    findings += [finding for rule in _REFRESH_RULES for finding in rule(refreshes)]
    mixed_up = {
        one.number for finding in findings if finding.id == "token-of-another-portal" for one in finding.exchanges
    }
    findings = [
        finding
        for finding in findings
        if finding.id != "no-refresh-after-expiry" or not mixed_up.intersection(one.number for one in finding.exchanges)
    ]
    return sorted(findings, key=lambda finding: (_ORDER[finding.severity], finding.exchanges[0].number))
