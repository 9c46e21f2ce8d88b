"""What is kept, and what a restart finds."""

from __future__ import annotations

from typing import Any

from ..scenario import scenario
from ..traffic import issued, stale
from ..trial import Trial


@scenario(20, needs=("stored",), findings=("expired-token-sent-again",))
def stores_new_token(trial: Trial) -> None:
    """It stores what a refresh gave, so that a restart goes on with the new token.

    Work, 31 minutes, work, restart, work: no older token is sent, and none is needed anew. Seen in umbraco Backoffice
    #1784; HubSpot-Academy/integrating-with-hubspot-i-foundations#3 stored the wrong one of the two.
    """
    client = trial.connect()
    trial.work(client)
    trial.outlive()
    trial.work(client, when="31 minutes after its tokens were issued")
    refresh_token_only = keeps_no_access_token(trial, client)
    client = trial.restart(client)
    mark = trial.mark()
    trial.work(client, when="after a restart")
    old = [e for e in stale(trial.since(), trial.installed(client).portal.hub_id) if e.number > mark]
    if old:
        trial.fail("after a restart it sent the access token from before the last refresh.", old)
    if not refresh_token_only:
        trial.expect_refreshes(0, mark, "after a restart, just after a refresh had given it a token")


@scenario(21)
def keeps_refresh_token_when_absent(trial: Trial) -> None:
    """When a refresh answers without a refresh token, the one that it has stays good, as RFC 6749 section 6 says.

    One refresh is answered without `refresh_token`; the next one must succeed, after a restart if the adapter has
    stored(). Seen in frappe#26266, Kong/insomnia#1492 and calcom#7764.
    """
    client = trial.connect()
    trial.work(client)
    trial.outlive()
    trial.sim.inject("without_members", members=["refresh_token"])
    trial.work(client, when="with a refresh that answered no refresh token")
    if trial.offers("stored"):
        client = trial.restart(client)
    trial.outlive()
    trial.work(client, when="at the refresh after one that had answered no refresh token")


@scenario(22, settings={"refresh_rotation": True}, findings=("dead-refresh-token-retried",))
def follows_rotation(trial: Trial) -> None:
    """When a refresh gives a new refresh token, that one is used from then on.

    Every refresh ends the old refresh token; three expiries, with a restart between if the adapter has stored().
    HubSpot does not rotate today; others do: see workers-sdk#15136, and HGData/mk-node-hubspot#19 for the doubt.
    """
    client = trial.connect()
    trial.work(client)
    for expiry in ("first", "second", "third"):
        trial.outlive()
        trial.work(client, when=f"after the {expiry} expiry, with refresh tokens that are good for one refresh")
        if trial.offers("stored"):
            client = trial.restart(client)


@scenario(23, needs=("stored",), settings={"refresh_rotation": True})
def stores_before_use(trial: Trial) -> None:
    """It stores new tokens at once, not at the end of work that may fail and be rolled back.

    At minute 31 the refresh succeeds and the call after it is answered 500; then a restart and work, with refresh
    tokens that are good for one refresh. Seen in druks#553, operately#4919 and Cogtrix#2164.
    """
    client = trial.connect()
    trial.work(client)
    trial.outlive()
    failing: list[Any] = []

    def fail_once() -> None:
        if not failing:
            failing.append(trial.sim.inject("INTERNAL_ERROR", times=3))

    trial.after_refresh(fail_once)
    trial.attempt(client)
    for fault in failing:
        fault.remove()
    client = trial.restart(client)
    trial.outlive()
    trial.work(client, when="after a restart, when the work that had refreshed the tokens had failed")


@scenario(24, settings={"token_length": 512}, findings=("truncated-token",))
def keeps_long_tokens(trial: Trial) -> None:
    """It keeps a token whole, however long it is: HubSpot says up to 300 characters, and has made them longer before.

    Access tokens of 512 characters; work, a refresh and work, with restarts if the adapter has stored(). Seen in
    writefreely#516, Sylius#13505 and cakephp-social-auth#30 (cut off in silence).
    """
    client = trial.connect()
    known = {trial.installed(client).access_token}
    trial.work(client, when="with an access token of 512 characters")
    for moment in ("a restart", "a refresh"):
        if trial.offers("stored"):
            client = trial.restart(client)
        trial.work(client, when=f"after {moment}, with an access token of 512 characters")
        trial.outlive()
        trial.work(client, when="after a refresh that gave an access token of 512 characters")
    known |= {issued(exchange) for exchange in trial.since()}
    cut = [exchange for exchange in trial.calls() if exchange.access_token not in known]
    if cut:
        length = len(cut[0].access_token)
        trial.fail(f"it sent an access token of {length} characters that was issued with 512.", cut)


def keeps_no_access_token(trial: Trial, client: Any) -> bool:
    """Tell whether what is stored has a refresh token in it, in plain sight, and no access token."""
    stored = trial.stored(client)
    text = stored if isinstance(stored, str) else repr(stored)
    first = trial.installed(client)
    access_tokens = [first.access_token, *filter(None, map(issued, trial.since()))]
    return first.refresh_token in text and not any(token in text for token in access_tokens)
