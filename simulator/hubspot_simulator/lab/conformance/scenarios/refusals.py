"""What a refusal means: which ones ask for a refresh, and which do not."""

from __future__ import annotations

from ..early_expiry import needs_a_client_that_heeds_401s
from ..scenario import scenario
from ..traffic import answered
from ..trial import Trial

_BUSY = ("TEN_SECONDLY_ROLLING", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE")
_OTHER_WORDS = "This oauth-token is expired! expiresAt: 1684892453714, now: 1684892453813"


@scenario(11, 31)
def turns_a_401_into_a_refresh(trial: Trial) -> None:
    """A 401 EXPIRED_AUTHENTICATION leads to a refresh and to the call again, whatever its clock says.

    The token dies at HubSpot before its time, and no clock shows it. Seen in ToolJet#17635, tap-xero#48 and
    tap-zendesk#191, where the 401 was wrapped into an error that nobody asked.
    """
    _after_one_401(trial, "server_only", "when HubSpot had let its token expire early")


@scenario(31)
def survives_revocation(trial: Trial) -> None:
    """A 401 INVALID_AUTHENTICATION of a token that worked before leads to a refresh as well.

    The access token is revoked, the refresh token is not; work must succeed. Seen in n8n#32423,
    bitwarden/sdk-internal#1098 and umbraco#272.
    """
    _after_one_401(trial, "revoked", "when its access token had been revoked")


def _after_one_401(trial: Trial, fault: str, when: str) -> None:
    client = trial.connect()
    trial.work(client)
    trial.sim.inject(fault)
    mark = trial.mark()
    trial.work(client, when=when)
    trial.expect_refreshes(1, mark, "for one 401", least=1)


@scenario(38)
def reads_category_not_message(trial: Trial) -> None:
    """It reads the status and the category of a 401, not its message: HubSpot words it in more than one way.

    One call is answered 401 EXPIRED_AUTHENTICATION with "This oauth-token is expired! …". Seen in the review of
    airbyte#60937 ("if Hubspot ever changes this message it will break again").
    """
    needs_a_client_that_heeds_401s(trial)
    client = trial.connect()
    trial.work(client)
    trial.sim.inject("EXPIRED_AUTHENTICATION", message=_OTHER_WORDS)
    trial.work(client, when="when the 401 said in other words that its token had expired")


@scenario(29, findings=("refresh-after-403",))
def no_refresh_on_403(trial: Trial) -> None:
    """A 403 is about scopes, not about the token's age: it does not refresh.

    One call is answered 403 MISSING_SCOPES; that work may raise, the next must succeed, and there is no token request.
    Seen in nicklaw5/helix#204 (an endless loop) and relayhistory#112.
    """
    client = trial.connect()
    trial.work(client)
    mark = trial.mark()
    trial.sim.inject("MISSING_SCOPES")
    trial.attempt(client)
    trial.expect_refreshes(0, mark, "after a 403")
    trial.work(client, when="after an earlier work had been answered 403")
    trial.expect_refreshes(0, mark, "after a 403")


@scenario(30, findings=("refresh-after-429", "refresh-after-5xx"))
def no_refresh_on_429_or_5xx(trial: Trial) -> None:
    """A 429, a 500 or a 503 says nothing about the token: it does not refresh.

    One call each is answered so; that work may raise or try again, the next must succeed, and there is no token
    request. Seen in authproxy#159, which specifies it.
    """
    client = trial.connect()
    trial.work(client)
    mark = trial.mark()
    for name in _BUSY:
        fault = trial.sim.inject(name)
        trial.attempt(client)
        sent = answered(fault.hits)
        trial.expect_refreshes(0, mark, f"after {sent}")
        trial.work(client, when=f"after an earlier work had met {sent}")
        trial.expect_refreshes(0, mark, f"after {sent}")
