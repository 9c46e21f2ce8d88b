"""Clocks that differ, and what a program makes of dates."""

from __future__ import annotations

from datetime import timedelta

from ..scenario import scenario
from ..trial import Trial
from .storage import keeps_no_access_token


@scenario(4)
def survives_a_slow_clock(trial: Trial) -> None:
    """It works on a machine whose clock is a minute late: HubSpot's clock decides.

    The client believes that its token has 30 s left when HubSpot has let it expire 30 s ago. Seen in
    spring-security-oauth#1909 and angular-oauth2-oidc#1135.
    """
    client = trial.connect()
    trial.work(client)
    trial.clock.client.advance(seconds=-60)
    trial.clock.advance(trial.lifetime + timedelta(seconds=30))
    trial.work(client, when="with a clock 60 s late, 30 s after HubSpot let its token expire")


@scenario(4)
def subtracts_its_margin(trial: Trial) -> None:
    """Its allowance for skew makes a token end earlier, not later.

    Both clocks are right; work 30 s, and on another account 90 s, after the expiry. Seen in spring-security#7511,
    where the allowance had the wrong sign.
    """
    for seconds in (30, 90):
        client = trial.connect()
        trial.work(client)
        trial.clock.advance(trial.lifetime + timedelta(seconds=seconds))
        trial.work(client, when=f"{seconds} s after its token expired")


@scenario(4)
def tolerates_a_fast_clock(trial: Trial) -> None:
    """It does not refresh again and again on a machine whose clock is a minute ahead.

    The client's clock is 60 s ahead; five works with at most one refresh, and no more than one after minute 31. Seen
    in angular-oauth2-oidc#1135.
    """
    client = trial.connect()
    trial.work(client)
    trial.clock.client.advance(seconds=60)
    mark = trial.mark()
    for _ in range(5):
        trial.work(client)
    trial.expect_refreshes(1, mark, "for five works in a row, with a clock 60 s ahead")
    trial.outlive()
    mark = trial.mark()
    for _ in range(3):
        trial.work(client, when="after minute 31, with a clock 60 s ahead")
    trial.expect_refreshes(1, mark, "for three works after minute 31, with a clock 60 s ahead")


@scenario(7)
def works_a_second_time(trial: Trial) -> None:
    """Whatever it keeps of the first time, dates above all, can be used the second time.

    Work at once, after a restart if the adapter has stored(), and at minutes 1, 31 and 62: naive and aware datetimes
    that meet raise TypeError. Seen in etsy-python-sdk#6, py-august#25 and agentrove#271.
    """
    client = trial.connect()
    trial.work(client)
    if trial.offers("stored"):
        client = trial.restart(client)
    passed = 0
    for minute in (1, 31, 62):
        trial.clock.advance(minutes=minute - passed)
        passed = minute
        trial.work(client, when=f"at minute {minute}")
        if trial.offers("stored"):
            client = trial.restart(client)


@scenario(8, settings={"utc_offset": 9})
def indifferent_to_time_in_tokyo(trial: Trial) -> None:
    """It reckons with UTC, or with one and the same time throughout: it works the same in Asia/Tokyo.

    Local time is 9 hours ahead of UTC: no refresh in the first 10 minutes, one at minute 31. Seen in TracecatHQ#3202,
    superdesk-core#2381 and django-oauth-toolkit#1291.
    """
    _across_the_world(trial, "Tokyo")


@scenario(8, settings={"utc_offset": -5})
def indifferent_to_time_in_new_york(trial: Trial) -> None:
    """It reckons with UTC, or with one and the same time throughout: it works the same in America/New_York.

    Local time is 5 hours behind UTC: no refresh in the first 10 minutes, one at minute 31. Seen in TracecatHQ#3346,
    tideway#323 and NexusMods.App#2442.
    """
    _across_the_world(trial, "New York")


def _across_the_world(trial: Trial, town: str) -> None:
    client = trial.connect()
    mark = trial.mark()
    trial.work(client, when=f"with the local time of {town}")
    if trial.offers("stored") and not keeps_no_access_token(trial, client):  # which has to refresh after a restart
        client = trial.restart(client)
    trial.clock.advance(minutes=10)
    trial.work(client, when=f"10 minutes after its tokens were issued, with the local time of {town}")
    trial.expect_refreshes(0, mark, f"in the first 10 minutes, with the local time of {town}")
    trial.clock.advance(trial.lifetime - timedelta(minutes=9))
    trial.work(client, when=f"at minute 31, with the local time of {town}")
    trial.expect_refreshes(1, mark, f"by minute 31, with the local time of {town}", least=1)
    mark = trial.mark()
    trial.clock.advance(minutes=10)
    trial.work(client, when=f"10 minutes after a refresh, with the local time of {town}")
    trial.expect_refreshes(0, mark, f"in the 10 minutes after a refresh, with the local time of {town}")
