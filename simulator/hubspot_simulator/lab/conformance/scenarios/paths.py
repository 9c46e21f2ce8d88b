"""Every path through the code: the middle of a job, the endpoint that somebody forgot, the job that waited."""

from __future__ import annotations

from ..failures import brief
from ..scenario import scenario
from ..traffic import stale
from ..trial import Trial

_POINTS = 8


@scenario(9)
def survives_expiry_between_pages(trial: Trial) -> None:
    """It looks at its token before every call, not once at the start of a job.

    For each unit of work that makes two calls or more, the token expires just before the second, the third and so on,
    each on an account of its own. Seen in PostHog#24185, airbyte#62467 and tap-zendesk#191.
    """
    tried = False
    for unit in trial.units:
        client = trial.connect()
        mark = trial.mark()
        trial.work(client, unit)
        count = len(trial.calls(mark))
        step = max(1, -(-(count - 1) // _POINTS))
        for call in range(2, count + 1, step):
            tried = True
            client = trial.connect()
            fault = trial.sim.inject("expiry", nth=call - 1)
            trial.work(client, unit, when=f"when its token expired just before call {call} of {count}")
            fault.remove()
    if not tried:
        trial.not_applicable("no unit of work makes more than one call")


@scenario(10)
def every_path_refreshes(trial: Trial) -> None:
    """Every path through its code refreshes: search, associations, batches and uploads as the list does.

    For each unit of work (work, work_*, write), on an account of its own: work, 31 minutes, that unit. Seen in
    airbyte#60937 ("missed a small decorator") and #28705.
    """
    if len(trial.units) == 1:
        trial.not_applicable("the adapter has no other unit of work: add work_<name>(client) or write(client)")
    for unit in trial.units:
        client = trial.connect()
        trial.work(client)
        trial.outlive()
        trial.work(client, unit, when="31 minutes after its tokens were issued, as the first thing it did")


@scenario(36, needs=("prepare",), findings=("old-token-after-refresh",))
def queued_work_takes_the_new_token(trial: Trial) -> None:
    """Work that waited in a queue takes the token of the moment at which it runs.

    Work is queued, 31 minutes pass, and it runs; on another account other work refreshes the token before. Seen in
    tap-zendesk#191 (headers made once per generator), lobu#1280 and twinfield#174.
    """
    for refreshed_before in (False, True):
        client = trial.connect()
        trial.work(client)
        mark = trial.mark()
        job = trial.prepare(client)
        trial.outlive()
        if refreshed_before:
            trial.work(client, when="at minute 31")
        error = trial.tried(job)
        when = ", after other work had refreshed the token" if refreshed_before else ""
        if error is not None:
            did = f"work that was queued 31 minutes before raised {brief(error)}{when}."
            trial.fail(did, trial.since(mark), error)
        old = stale(trial.since(mark), trial.installed(client).portal.hub_id)
        if old:
            trial.fail(f"queued work came with the token of the moment at which it was queued{when}.", old)


@scenario(12, findings=("old-token-after-refresh",))
def new_token_on_held_client(trial: Trial) -> None:
    """A client that is held for hours sends the new token everywhere once it has one.

    One client object over two expiries, with every unit of work after each; no call may come with an older token than
    was answered before it. Seen in hubspot-api-nodejs#341, twinfield#174 and, with hubspot-api-client 12.0.0, in a
    held `basic_api`.
    """
    client = trial.connect()
    trial.work(client)
    mark = trial.mark()
    units = [unit for unit in trial.units if unit != "write"]
    for expiry in ("first", "second"):
        trial.outlive()
        for unit in units * 2:
            trial.work(client, unit, when=f"after the {expiry} expiry")
    old = stale(trial.since(mark), trial.installed(client).portal.hub_id)
    if old:
        trial.fail("it went on sending the old token after a refresh had given it a new one.", old)


@scenario(13)
def second_expiry(trial: Trial) -> None:
    """It refreshes at the second expiry as at the first: what it remembers of a refresh ends with the token.

    Two expiries, with work after each and from two threads or tasks where the adapter allows it, and one refresh for
    each. Seen in cyrus#719 and NangoHQ/nango#1005 (a promise that was kept for ever).
    """
    client = trial.connect()
    trial.work(client)
    for expiry in ("first", "second"):
        trial.outlive()
        mark = trial.mark()
        trial.work(client, when=f"after the {expiry} expiry")
        if trial.concurrency:
            trial.concurrently([client] * 2, when=f"after the {expiry} expiry")
        trial.expect_refreshes(1, mark, f"after the {expiry} expiry", least=1)


@scenario(14)
def steady_use_across_lifetimes(trial: Trial) -> None:
    """Using a token does not make it live longer: neither does a cache that counts from the last use.

    Work every 20 minutes for two hours. Seen in tuist#9314 and moltin/js-sdk#136.
    """
    client = trial.connect()
    trial.work(client)
    mark = trial.mark()
    for minute in range(20, 121, 20):
        trial.clock.advance(minutes=20)
        trial.work(client, when=f"at minute {minute} of steady use")
    trial.expect_refreshes(6, mark, "in two hours of work every 20 minutes", least=1)
