"""The call that is made again: with its body, with its result, and not when it was carried out already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..failures import brief
from ..scenario import scenario
from ..trial import Trial

if TYPE_CHECKING:
    from ....core.exchange import Exchange

_CALLS = 4
_REFRESHES = 3


@scenario(25, needs=("write",), findings=("retry-without-body",))
def repeats_the_body(trial: Trial) -> None:
    """When it repeats a call after a refresh, the body goes with it.

    The token dies at HubSpot before its time, as write() posts a record; the repeated POST must have the body of the
    first. Seen in emdash#2556, abs-cli#89 and base44/cli#250.
    """
    client = trial.connect()
    trial.work(client)
    fault = trial.sim.inject("server_only", method="POST")
    mark = trial.mark()
    error = trial.attempt(client, "write")
    if not fault.hits:
        trial.not_applicable("write() sent no POST")
    first = fault.hits[0]
    repeats = _repeats(trial.calls(mark), first)
    if not repeats:
        trial.not_applicable("write() does not repeat a POST after a 401")
    if repeats[0].request_body != first.request_body:
        size, sent = len(first.request_body), len(repeats[0].request_body)
        trial.fail(f"it repeated a POST with another body: {size} bytes at first, then {sent}.", [first, repeats[0]])
    if error is not None:
        trial.fail(f"write() raised {brief(error)} when its POST was repeated.", trial.since(mark), error)


@scenario(26)
def reports_the_retrys_success(trial: Trial) -> None:
    """When the repeated call succeeds, that is the result: not the 401 that came before.

    The token dies at HubSpot before its time; if the call was repeated and answered well, work must succeed. Seen in
    abs-cli#89.
    """
    client = trial.connect()
    trial.work(client)
    fault = trial.sim.inject("server_only")
    mark = trial.mark()
    error = trial.attempt(client)
    repeats = [again for hit in fault.hits for again in _repeats(trial.calls(mark), hit) if again.status < 300]
    if not repeats:
        trial.not_applicable("work() does not repeat a call after a 401")
    if error is not None:
        did = f"work() raised {brief(error)}, although the repeated call was answered {repeats[0].status}."
        trial.fail(did, [*fault.hits, *repeats], error)


@scenario(27, needs=("write",), findings=("write-sent-twice",))
def does_not_write_twice(trial: Trial) -> None:
    """It does not repeat a POST that may have been carried out: HubSpot would create a second record.

    HubSpot accepts what write() posts, and the answer is lost; on another account it is answered 500. Write may raise,
    but must not post the same again. Seen in Windup#207 and authproxy#159.
    """
    lost: tuple[tuple[str, dict[str, Any]], ...] = (
        ("answer_lost", {}),
        ("INTERNAL_ERROR", {"after_accepting": True}),
    )
    for name, options in lost:
        client = trial.connect()
        trial.work(client)
        fault = trial.sim.inject(name, method="POST", **options)
        mark = trial.mark()
        trial.attempt(client, "write")
        fault.remove()
        if not fault.hits:
            trial.not_applicable("write() sent no POST")
        first = fault.hits[0]
        again = [e for e in _repeats(trial.calls(mark), first) if e.request_body == first.request_body]
        if again:
            how = "its answer was lost" if name == "answer_lost" else "it was answered 500"
            trial.fail(f"it sent a POST again that HubSpot had carried out, when {how}.", [first, *again])


@scenario(28, findings=("endless-retry",))
def gives_up_on_rejected_fresh_token(trial: Trial) -> None:
    """When HubSpot rejects a fresh token too, it gives up and raises.

    Every call is answered 401 INVALID_AUTHENTICATION, however often the token is refreshed: work must raise, with no
    more than 4 calls and 3 token requests. Seen in authproxy#179 and bitwarden/sdk-internal#1098.
    """
    client = trial.connect()
    trial.work(client)
    trial.sim.inject("INVALID_AUTHENTICATION", times=None)
    _gives_up(trial, client, "when every call was answered 401")


@scenario(37, findings=("endless-retry", "not-an-access-token"))
def no_loop_on_1970(trial: Trial) -> None:
    """A 401 that says "expired 20000 day(s) ago" ends in an error, not in a loop of refreshes.

    HubSpot reads what is no access token of its own as one that expired in 1970; every call is answered so: work must
    raise, with no more than 4 calls and 3 token requests. Seen in hubspot-api-php#363.
    """
    client = trial.connect()
    trial.work(client)
    trial.sim.inject("EXPIRED_AUTHENTICATION", expire_time_ms=0, times=None)
    _gives_up(trial, client, "when every call was answered 401, expired in 1970")


def _gives_up(trial: Trial, client: object, when: str) -> None:
    mark = trial.mark()
    if trial.attempt(client) is None:
        trial.fail(f"work() came back as if all were well {when}.", trial.since(mark))
    calls = trial.calls(mark)
    if len(calls) > _CALLS:
        trial.fail(f"it made {len(calls)} calls {when}, where at most {_CALLS} should be.", calls)
    trial.expect_refreshes(_REFRESHES, mark, when)


def _repeats(calls: list[Exchange], first: Exchange) -> list[Exchange]:
    """Return the calls after one of the same method, path and query."""
    target = first.method, first.path, first.query
    return [e for e in calls if e.number > first.number and (e.method, e.path, e.query) == target]
