"""Refreshes that fail: for good, or for a moment."""

from __future__ import annotations

from hubspot_simulator.core.endpoint_table import TOKEN_ENDPOINTS

from ..scenario import scenario
from ..traffic import answered
from ..trial import Trial

_PER_WORK = 2
_IN_ALL = 3
_OUTAGES = ("INTERNAL_ERROR", "TEN_SECONDLY_ROLLING", "connection_reset")


@scenario(17)
def stops_on_dead_refresh_token(trial: Trial) -> None:
    """When the refresh token is dead, it says so and stops asking.

    The app is uninstalled and the access token expires; three works, each of which must raise, with no more than two
    token requests for one and three for all. Seen in PostHog#61627, supaglue#838 and vaadin-connect#335.
    """
    client = trial.connect()
    trial.work(client)
    trial.sim.uninstall(trial.installed(client))
    trial.outlive()
    start = trial.mark()
    for _ in range(3):
        mark = trial.mark()
        if trial.attempt(client) is None:
            trial.fail("work() came back as if all were well, although its refresh token is dead.", trial.since(mark))
        trial.expect_refreshes(_PER_WORK, mark, "for one work with a dead refresh token")
    trial.expect_refreshes(_IN_ALL, start, "for three works with a dead refresh token")


@scenario(18)
def dead_connection_is_visible(trial: Trial) -> None:
    """When the refresh token is dead, the connection no longer looks healthy: the user is asked to connect again.

    The app is uninstalled and the access token expires: work must raise, and is_connected(), if the adapter has it,
    must turn from True to False. Seen in PostHog#80615, gestalt#1133 and nsflow#242.
    """
    client = trial.connect()
    trial.work(client)
    if trial.offers("is_connected") and not trial.is_connected(client):
        trial.fail("is_connected() was False although work() had just succeeded.")
    trial.sim.uninstall(trial.installed(client))
    trial.outlive()
    mark = trial.mark()
    if trial.attempt(client) is None:
        trial.fail("work() came back as if all were well, although its refresh token is dead.", trial.since(mark))
    if trial.offers("is_connected") and trial.is_connected(client):
        trial.fail("is_connected() stayed True although the refresh token is dead.", trial.since(mark))


@scenario(19)
def keeps_connection_through_outage(trial: Trial) -> None:
    """A token endpoint that fails for a moment does not end the connection: the next work refreshes.

    At minute 31 one token request is answered 500, on a second account 429, on a third the connection breaks; that
    work may raise, the next must succeed. Seen in xagent#1544, wordpress-atmosphere#21 and owncloud/client#8892.
    """
    for outage in _OUTAGES:
        client = trial.connect()
        trial.work(client)
        trial.outlive()
        fault = trial.sim.inject(outage, path=TOKEN_ENDPOINTS)
        mark = trial.mark()
        trial.attempt(client)
        fault.remove()
        sent = answered(fault.hits)
        if trial.offers("is_connected") and not trial.is_connected(client):
            trial.fail(f"is_connected() was False after {sent} of the token endpoint.", trial.since(mark))
        trial.work(client, when=f"after {sent} of the token endpoint")


@scenario(39)
def narrower_scopes_are_visible(trial: Trial) -> None:
    """When a token has lost scopes, it reports the 403; refreshing again would not bring them back.

    From the refresh at minute 31 on, every call is answered 403 MISSING_SCOPES: two works, each of which must raise,
    and no further refresh. Seen in claude-code#34785.
    """
    client = trial.connect()
    trial.work(client)
    trial.outlive()
    trial.after_refresh(lambda: trial.sim.inject("MISSING_SCOPES", times=None))
    mark = trial.mark()
    for _ in range(2):
        before = trial.mark()
        if trial.attempt(client) is None:
            trial.fail("work() came back as if all were well, although it was answered 403.", trial.since(before))
    trial.expect_refreshes(1, mark, "when its new token lacked scopes")
