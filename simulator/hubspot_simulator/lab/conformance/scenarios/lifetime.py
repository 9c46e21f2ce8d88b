"""The lifetime of a token: that it ends, when it ends, and how that is read from the answer."""

from __future__ import annotations

from datetime import timedelta

from ..scenario import scenario
from ..trial import Trial

_HOURS = ((0, 29), (0, 31), (1, 10), (2, 10), (3, 30), (5, 59), (6, 5))


@scenario(1, findings=("no-refresh-after-expiry", "expired-token-sent-again"))
def survives_minute_31(trial: Trial) -> None:
    """It refreshes an access token that has expired, once, and its work succeeds.

    Work, 31 minutes on both clocks, work again, with exactly one refresh. Seen in airbyte#74726, where
    `isTokenExpired()` was always false, ToolJet#17192 and n8n#1486.
    """
    client = trial.connect()
    trial.work(client)
    trial.outlive()
    mark = trial.mark()
    trial.work(client, when="31 minutes after its tokens were issued")
    trial.expect_refreshes(1, mark, "at minute 31", least=1)


@scenario(2, settings={"token_ttl": 600}, findings=("hard-coded-lifetime",))
def follows_expires_in(trial: Trial) -> None:
    """It takes the lifetime of a token from `expires_in`, whatever it was last year.

    Tokens live 600 s; work at once and after 11 minutes. Seen wherever the 6 hours, or the 30 minutes, are a
    constant: HubSpot's changelog "Expiration of OAuth access tokens is changing" names them.
    """
    client = trial.connect()
    trial.work(client)
    trial.outlive()
    trial.work(client, when="11 minutes after its tokens were issued, with expires_in 600")


@scenario(2, 14)
def works_at_every_hour(trial: Trial) -> None:
    """It works at any time of the day after it was connected, not only once the six hours of old have passed.

    Work at minute 29, minute 31 and at five moments up to 6 h 5 min. Seen in DoubleYouGTT/hubspot#40 ("typically 6
    hours"), and as caches that outlive the token in tuist#9314.
    """
    client = trial.connect()
    trial.work(client)
    passed = timedelta()
    for hours, minutes in _HOURS:
        moment = timedelta(hours=hours, minutes=minutes)
        trial.clock.advance(moment - passed)
        passed = moment
        trial.work(client, when=f"{hours} h {minutes} min after its tokens were issued")


@scenario(3)
def survives_death_in_flight(trial: Trial) -> None:
    """It does not depend on the last seconds of a token: it refreshes some time before, or on the 401.

    The token has 2 s left when work starts, and the call takes 3 s to arrive. Seen in airbyte#62467 and #26515
    (99 ms late), requests_oauth2client#18 and openfga/python-sdk#283.
    """
    client = trial.connect()
    trial.work(client)
    trial.clock.advance(trial.lifetime - timedelta(seconds=2))
    trial.sim.inject("clock_skew", seconds=3)
    trial.work(client, when="with a token that had 2 s left and died on its way")


@scenario(3)
def survives_the_very_second(trial: Trial) -> None:
    """It counts a token as expired at the very instant at which it expires, not only after it.

    Work at 1799.9 s, at 1800 s and at 1800.5 s after the tokens were issued, each on an account of its own. Seen in
    airbyte#60937: "expired 0 second(s) ago".
    """
    for milliseconds in (-100, 0, 500):
        client = trial.connect()
        trial.work(client)
        trial.clock.advance(trial.lifetime + timedelta(milliseconds=milliseconds))
        trial.work(client, when=f"{trial.lifetime.total_seconds() + milliseconds / 1000:g} s after its tokens")


@scenario(5, settings={"token_ttl": 300}, findings=("refresh-every-call",))
def margin_below_lifetime(trial: Trial) -> None:
    """Its safety margin is smaller than the lifetime of a token: a fresh token is used, not refreshed at once.

    Tokens live 300 s; five works in a row, with no more than one refresh. Seen in roundcube#8147 (a margin of 600 s),
    openai-node#2490 and litellm#35234.
    """
    client = trial.connect()
    mark = trial.mark()
    for _ in range(5):
        trial.work(client)
    trial.expect_refreshes(1, mark, "for five works in a row, with tokens that live 300 s")


@scenario(6, findings=("lifetime-read-as-milliseconds",))
def reads_expires_in_as_seconds(trial: Trial) -> None:
    """It reads `expires_in` as a duration in seconds: not as milliseconds, and not as an instant.

    Work at +0, +3, +6 and +9 s without a refresh, and at minute 31 with one. Seen in openfga/js-sdk#26, vercel#13888
    and intuit/oauth-jsclient#20.
    """
    client = trial.connect()
    mark = trial.mark()
    for second in (0, 3, 6, 9):
        trial.work(client, when=f"{second} s after its tokens were issued")
        trial.expect_refreshes(0, mark, f"within {second} s")
        trial.clock.advance(seconds=3)
    trial.outlive()
    trial.work(client, when="31 minutes after its tokens were issued")
    mark = trial.mark()
    for second in (3, 6):  # and its own answer is read no differently
        trial.clock.advance(seconds=3)
        trial.work(client, when=f"{second} s after a refresh")
    trial.expect_refreshes(0, mark, "within 6 s after a refresh")


@scenario(32, settings={"expires_in": "absent"}, findings=("refresh-every-call",))
def lives_without_expires_in(trial: Trial) -> None:
    """A token without `expires_in` is neither good for ever nor expired at once: it refreshes on the 401, or by 30
    minutes of its own.

    No answer has `expires_in`: three works with at most one refresh, then work at minute 31 and just after it. Seen in
    airbyte#74727, NangoHQ/nango#1005 and PostHog#34828.
    """
    client = trial.connect()
    mark = trial.mark()
    for _ in range(3):
        trial.work(client)
    trial.expect_refreshes(1, mark, "for three works in a row, without expires_in")
    trial.outlive()
    trial.work(client, when="31 minutes after its tokens were issued, without expires_in")
    mark = trial.mark()
    trial.work(client, when="just after a refresh that said nothing of expires_in")
    trial.expect_refreshes(0, mark, "just after a refresh")
