"""Several senders: nobody is accused of not using a token, or not knowing a refusal, that another one had."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from hubspot_simulator.lab.audit import audit

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Lab, Tape


FIRST, SECOND = {"process": 1}, {"process": 2}
UNKNOWN = {"process": None}
CONTACTS = "/crm/v3/objects/contacts"
# The sample of HubSpot's documentation, which no simulator has issued.
SAMPLE = "CJSP5qf1KhICAQEYs-gDIIGOBii1hQIyGQAf3xBKmlwHjX7OIpuIFEavB2-qYAGQsF4"


def refreshes_of_jobs(tape: Tape, who: Callable[..., Any]) -> None:
    """Three jobs, each of which refreshes and makes two calls within two seconds."""
    for job in range(3):
        at = job * 2.2
        token = tape.token(at)
        tape.refresh(token, at=at, **who(job))
        tape.call(token, at=at, **who(job))
        tape.call(token, at=at + 1, **who(job))


def storm(tape: Tape, who: Callable[..., Any]) -> None:
    """Two refreshes for one expiry, at once."""
    one, other = tape.token(1800), tape.token(1800)
    tape.call(tape.first, 401, at=1800, **who(0))
    tape.call(tape.first, 401, at=1800, **who(1))
    after = len(tape.exchanges)
    tape.refresh(one, at=1800, after=after, **who(0))
    tape.refresh(other, at=1800, after=after, **who(1))
    tape.call(one, at=1800, **who(0))
    tape.call(other, at=1800, **who(1))


def dead(tape: Tape, who: Callable[..., Any]) -> None:
    """A dead refresh token, tried three times."""
    for job in range(3):
        tape.refresh(status=400, refusal="BAD_REFRESH_TOKEN", at=job, **who(job))


def old_token(tape: Tape, who: Callable[..., Any]) -> None:
    """A new token for one, and the old one sent by the other, whose own refresh fails."""
    new = tape.token(1800)
    tape.call(tape.first, 401, at=1800, **who(0))
    tape.refresh(new, at=1800, **who(0))
    tape.call(new, at=1800, **who(0))
    tape.call(tape.first, 401, at=1801, **who(1))
    tape.refresh(status=500, at=1801, **who(1))


def again(tape: Tape, who: Callable[..., Any]) -> None:
    """A 401, and the same expired token by the next one, which refreshes then."""
    new = tape.token(1810)
    tape.call(tape.first, 401, at=1800, path=f"{CONTACTS}/1", **who(0))
    tape.call(tape.first, 401, at=1805, **who(1))
    tape.refresh(new, at=1810, **who(1))
    tape.call(new, at=1810, path=f"{CONTACTS}/2", **who(1))


def endless(tape: Tape, who: Callable[..., Any]) -> None:
    """One call, refused with four tokens, each newer than the one before."""
    tape.call(tape.first, 401, category="INVALID_AUTHENTICATION", **who(0))
    for job in range(1, 5):
        token = tape.token(job)
        tape.refresh(token, at=job, **who(job))
        tape.call(token, 401, at=job, category="INVALID_AUTHENTICATION", **who(job))


def twice(tape: Tape, who: Callable[..., Any]) -> None:
    """A POST whose answer was lost, and again."""
    for job, faults in enumerate((("answer_lost",), ())):
        tape.call(tape.first, method="POST", request_body=b"{}", status=201, faults=faults, at=job, **who(job))


def bodiless(tape: Tape, who: Callable[..., Any]) -> None:
    """A refused POST, and one without a body."""
    new = tape.token(1)
    tape.call(tape.first, 401, method="POST", request_body=b"{}", **who(0))
    tape.refresh(new, at=1, **who(1))
    tape.call(new, 400, method="POST", at=1, **who(1))


def after_403(tape: Tape, who: Callable[..., Any]) -> None:
    """A refresh after a 403."""
    tape.call(tape.first, 403, **who(0))
    new = tape.token(1)
    tape.refresh(new, at=1, **who(1))
    tape.call(new, at=1, **who(1))


def built_in(tape: Tape, who: Callable[..., Any]) -> None:
    """A token of ten minutes, and a refresh at minute 30."""
    short = tape.token(0, lifetime=600)
    answer = json.dumps({"access_token": short, "expires_in": 600}).encode()
    tape.refresh(response_body=answer, **who(0))
    tape.call(short, 401, at=601, **who(0))
    tape.refresh(tape.token(1800), at=1800, **who(1))


def stray(tape: Tape, who: Callable[..., Any]) -> None:
    """A record that one portal has shown, asked of another."""
    other = tape.token(hub_id=222)
    tape.call(tape.first, path=f"{CONTACTS}/51", response_body=b'{"id": "51"}', **who(0))
    tape.call(other, 404, path=f"{CONTACTS}/51", **who(1))


MISTAKES = {
    refreshes_of_jobs: "lifetime-read-as-milliseconds",
    storm: "refresh-storm",
    dead: "dead-refresh-token-retried",
    old_token: "old-token-after-refresh",
    again: "expired-token-sent-again",
    endless: "endless-retry",
    twice: "write-sent-twice",
    bodiless: "retry-without-body",
    after_403: "refresh-after-403",
    built_in: "hard-coded-lifetime",
    stray: "token-of-another-portal",
}
mistakes = pytest.mark.parametrize("happen", MISTAKES, ids=MISTAKES.values())


def ids(tape: Tape) -> list[str]:
    """Return what the audit says."""
    return [finding.id for finding in audit(tape.exchanges)]


@mistakes
def test_one_process_is_accused(tape: Tape, happen: Callable[..., None]) -> None:
    happen(tape, lambda _: {"process": 5})
    assert MISTAKES[happen] in ids(tape)


@mistakes
def test_several_processes_are_not(tape: Tape, happen: Callable[..., None]) -> None:
    happen(tape, lambda job: {"process": job + 1})
    assert MISTAKES[happen] not in ids(tape)


@mistakes
def test_nobody_is_where_the_sender_is_not_known(tape: Tape, happen: Callable[..., None]) -> None:
    happen(tape, lambda job: {"process": None, "connection": job + 1})
    assert MISTAKES[happen] not in ids(tape)


@pytest.mark.parametrize("happen", [happen for happen in MISTAKES if happen is not storm])
def test_one_connection_is_proof_too(tape: Tape, happen: Callable[..., None]) -> None:
    happen(tape, lambda _: {"process": None, "connection": 7})
    assert MISTAKES[happen] in ids(tape)


def test_a_process_that_was_handed_the_token_is_one_that_has_used_it(tape: Tape) -> None:
    tape.call(tape.first, **FIRST)
    tape.call(tape.first, at=60, **SECOND)
    new = tape.token(120)
    tape.refresh(new, at=120, **SECOND)
    tape.call(new, at=120, **SECOND)
    (finding,) = audit(tape.exchanges)
    assert finding.id == "refresh-too-early"
    assert [exchange.number for exchange in finding.exchanges] == [2, 3]


class TestForeignTokens:
    """A token that this simulator has not issued, such as the sample of HubSpot's documentation."""

    def test_one_that_a_refresh_replaces_is_no_mix_up_of_portals(self, lab: Lab) -> None:
        assert lab.call(SAMPLE).status_code == 401
        assert lab.call(lab.refresh()).status_code == 200
        assert lab.ids == []
        assert lab.sim.journal.exchanges[0].foreign
        assert "not issued by this simulator" in lab.sim.journal.exchanges[0].why

    def test_one_of_another_simulator(self, lab: Lab, build: Callable[..., Lab]) -> None:
        other = build(random_seed="another").first
        assert lab.call(other).status_code == 401
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_one_that_is_sent_on_is_still_never_refreshed(self, lab: Lab) -> None:
        lab.call(SAMPLE)
        lab.call(SAMPLE)
        lab.only("no-refresh-after-expiry")

    def test_a_right_token_is_not_foreign(self, lab: Lab) -> None:
        lab.call(lab.first)
        lab.expire()
        lab.call(lab.first)
        lab.call("garbage")
        assert [exchange.foreign for exchange in lab.sim.journal.exchanges] == [False] * 3
