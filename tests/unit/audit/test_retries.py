"""Calls that are made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from hubspot_simulator.lab.audit import Finding

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Lab, Tape


CONTACTS = "/crm/v3/objects/contacts"
BODY = b'{"properties": {"email": "a@example.com"}}'


class TestEndlessRetry:
    def test_each_fresh_token_is_refused_too(self, lab: Lab, numbers: Callable[[Finding], list[int]]) -> None:
        lab.sim.inject("INVALID_AUTHENTICATION", times=None)
        token = lab.first
        for _ in range(6):
            lab.call(token)
            token = lab.refresh()
        finding = lab.only("endless-retry")
        assert numbers(finding) == [1, 3, 5, 7, 9, 11]
        assert finding.problem == (
            f"GET {CONTACTS} was answered 401 6 times in a row, from #1 on, with 6 tokens, each newer than the one "
            "before."
        )

    def test_no_token_can_be_had(self, lab: Lab) -> None:
        lab.sim.uninstall()
        lab.expire()
        lab.call(lab.first)
        lab.ask()
        for _ in range(4):
            lab.call(lab.first)
        assert "could not be renewed" in lab.only("endless-retry").problem

    def test_not_three_times(self, lab: Lab) -> None:
        lab.sim.inject("INVALID_AUTHENTICATION", times=3)
        token = lab.first
        for _ in range(4):
            lab.call(token)
            token = lab.refresh()
        assert "endless-retry" not in lab.ids

    @pytest.mark.parametrize(("seconds", "ids"), [(900, ["endless-retry"]), (900.001, [])])
    def test_a_quarter_of_an_hour_is_a_pause(self, lab: Lab, seconds: float, ids: list[Any]) -> None:
        lab.sim.uninstall()
        lab.expire()
        lab.call(lab.first)
        lab.ask()
        for _ in range(4):
            lab.call(lab.first)
            lab.tick(seconds)
        assert lab.ids == ids

    def test_not_with_an_old_token_and_a_new_one_in_turn(self, tape: Tape) -> None:
        old, new = tape.token(1), tape.token(2)
        for token in (old, new):
            tape.refresh(token)
        for _ in range(3):
            tape.call(new, 401, category="INVALID_AUTHENTICATION")
            tape.call(old, 401, category="INVALID_AUTHENTICATION")
        assert "endless-retry" not in tape.ids

    def test_not_for_calls_that_were_made_at_once(self, tape: Tape) -> None:
        tokens = [tape.token(n) for n in range(4)]
        for token in tokens:
            tape.refresh(token)
        for token in tokens:
            tape.call(token, 401, after=4, category="INVALID_AUTHENTICATION")
        assert "endless-retry" not in tape.ids

    def test_not_with_one_repetition_a_call(self, lab: Lab) -> None:
        lab.sim.inject("INVALID_AUTHENTICATION", times=None)
        token = lab.first
        for _ in range(5):  # five units of work; each refreshes once and gives up
            lab.call(token)
            token = lab.refresh()
            lab.call(token)
        assert lab.ids == []

    def test_not_for_four_expiries(self, lab: Lab) -> None:
        token = lab.first
        for _ in range(5):
            lab.expire()
            lab.call(token)
            token = lab.refresh()
            lab.call(token)
        assert lab.ids == []

    def test_not_for_units_of_work_half_an_hour_apart(self, lab: Lab) -> None:
        lab.sim.inject("INVALID_AUTHENTICATION", times=None)
        token = lab.first
        for _ in range(4):
            lab.call(token)
            lab.call(lab.refresh())
            lab.tick(1500)
            token = lab.refresh()  # a minute or so before it expires
        assert lab.ids == []

    def test_not_when_each_token_dies_on_its_way(self, lab: Lab) -> None:
        lab.sim.inject("in_flight", times=None)
        token = lab.first
        for _ in range(4):
            lab.call(token)
            lab.call(lab.refresh())
            token = lab.refresh()  # its clock says so
        assert lab.ids == []

    def test_not_when_the_401_of_another_call_came_between(self, lab: Lab) -> None:
        lab.sim.inject("INVALID_AUTHENTICATION", times=None)
        token = lab.first
        for _ in range(4):
            lab.call(token)
            token = lab.refresh()
            lab.call(token)
            lab.call(token, path="/crm/v3/objects/deals")
            token = lab.refresh()
            lab.call(token, path="/crm/v3/objects/deals")
        assert lab.ids == []

    def test_not_when_the_user_connected_again_between(self, tape: Tape) -> None:
        tokens = [tape.first, *(tape.token(1) for _ in range(3))]
        for index, token in enumerate(tokens):
            if index:
                tape.refresh(token, form={"grant_type": "authorization_code" if index == 2 else "refresh_token"})
            tape.call(token, 401, category="INVALID_AUTHENTICATION")
        assert tape.ids == []

    def test_not_for_calls_of_a_dead_connection_every_hour(self, lab: Lab) -> None:
        lab.sim.uninstall()
        lab.expire()
        lab.call(lab.first)
        lab.ask()
        for _ in range(6):
            lab.tick(3600)
            lab.call(lab.first)
        assert lab.ids == []

    def test_not_for_threads_that_share_a_token(self, tape: Tape) -> None:
        new = tape.token(1801)
        for _ in range(8):
            tape.call(tape.first, 401, after=0, at=1801)
        tape.refresh(new, at=1801)
        for _ in range(8):
            tape.call(new, after=9, at=1801)
        assert tape.ids == []


class TestRetryWithoutBody:
    @pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
    def test_the_second_request_is_empty(
        self, tape: Tape, numbers: Callable[[Finding], list[int]], method: str
    ) -> None:
        new = tape.token(1801)
        tape.call(tape.first, 401, at=1801, method=method, request_body=BODY)
        tape.refresh(new, at=1801)
        tape.call(new, 400, at=1801, method=method)
        finding = tape.only("retry-without-body")
        assert numbers(finding) == [1, 3]
        assert f"without its {len(BODY)} bytes of body" in finding.problem

    def test_not_with_the_body(self, lab: Lab) -> None:
        lab.expire()
        lab.create(lab.first, "a@example.com")
        lab.create(lab.refresh(), "a@example.com")
        assert lab.ids == []

    def test_not_for_another_path(self, tape: Tape) -> None:
        new = tape.token(1801)
        tape.call(tape.first, 401, at=1801, method="POST", request_body=BODY)
        tape.refresh(new, at=1801)
        tape.call(new, at=1801, method="POST", path="/crm/v3/objects/deals")
        assert tape.ids == []

    def test_not_with_another_body(self, tape: Tape) -> None:
        new = tape.token(1801)
        tape.call(tape.first, 401, at=1801, method="POST", request_body=BODY)
        tape.refresh(new, at=1801)
        tape.call(new, at=1801, method="POST", request_body=BODY + b" ")
        assert tape.ids == []

    def test_not_for_an_empty_post_that_was_under_way(self, tape: Tape) -> None:
        new = tape.token(1801)
        tape.call(tape.first, 401, at=1801, method="POST", request_body=BODY)
        tape.refresh(new, at=1801)
        tape.call(new, at=1801, method="POST", after=0)
        assert tape.ids == []

    def test_not_for_an_empty_post_beside_it(self, tape: Tape) -> None:
        new = tape.token(1801)
        tape.call(tape.first, 401, at=1801, method="POST", request_body=BODY)
        tape.refresh(new, at=1801)
        tape.call(new, at=1801, method="POST")
        tape.call(new, at=1801, method="POST", request_body=BODY)
        assert tape.ids == []


class TestWriteSentTwice:
    def test_the_answer_was_lost(self, lab: Lab, numbers: Callable[[Finding], list[int]]) -> None:
        lab.sim.inject("answer_lost", method="POST")
        with pytest.raises(OSError, match="injected"):
            lab.create(lab.first, "a@example.com")
        assert lab.create(lab.first, "a@example.com").status_code == 409
        finding = lab.only("write-sent-twice")
        assert numbers(finding) == [1, 2]
        assert "its answer was lost" in finding.problem
        assert "refused as a duplicate" in finding.problem

    def test_answered_with_an_error_after_it_was_carried_out(self, lab: Lab) -> None:
        lab.sim.inject("BAD_GATEWAY", method="POST", after_accepting=True)
        body = {"properties": {"firstname": "Ada"}}
        assert lab.call(lab.first, "POST", json=body).status_code == 502
        assert lab.call(lab.first, "POST", json=body).status_code == 201
        problem = lab.only("write-sent-twice").problem
        assert "though it was answered 502" in problem
        assert "carried out again" in problem

    def test_with_the_token_of_a_private_app(self, tape: Tape) -> None:
        fields = {"method": "POST", "request_body": BODY}
        tape.call("pat-na1-x", 201, faults=("answer_lost",), **fields)
        tape.call("pat-na1-y", 201, **fields)
        assert tape.ids == []
        tape.call("pat-na1-x", 201, **fields)
        tape.only("write-sent-twice")

    def test_not_without_a_body(self, tape: Tape) -> None:
        tape.call(tape.first, 200, method="POST", faults=("answer_lost",))
        tape.call(tape.first, 200, method="POST")
        assert tape.ids == []

    def test_not_when_it_had_not_been_carried_out(self, lab: Lab) -> None:
        lab.sim.inject("BAD_GATEWAY", method="POST")
        lab.create(lab.first, "a@example.com")
        lab.create(lab.first, "a@example.com")
        assert lab.ids == []

    def test_not_without_a_fault(self, lab: Lab) -> None:
        for _ in range(2):
            lab.call(lab.first, "POST", json={"properties": {"firstname": "Ada"}})
        assert lab.ids == []

    def test_not_after_a_401(self, lab: Lab) -> None:
        lab.sim.inject("EXPIRED_AUTHENTICATION", method="POST", after_accepting=True)
        body = {"properties": {"firstname": "Ada"}}
        lab.call(lab.first, "POST", json=body)
        lab.call(lab.refresh(), "POST", json=body)
        assert lab.ids == []

    def test_not_for_another_body(self, lab: Lab) -> None:
        lab.sim.inject("BAD_GATEWAY", method="POST", after_accepting=True)
        lab.create(lab.first, "a@example.com")
        lab.create(lab.first, "b@example.com")
        assert lab.ids == []

    def test_not_for_a_search(self, tape: Tape) -> None:
        fields = {"method": "POST", "path": f"{CONTACTS}/search", "request_body": b"{}"}
        tape.call(tape.first, 502, faults=("BAD_GATEWAY:after_accepting",), **fields)
        tape.call(tape.first, **fields)
        assert tape.ids == []

    def test_not_when_both_were_sent_at_once(self, tape: Tape) -> None:
        fields = {"method": "POST", "request_body": BODY}
        tape.call(tape.first, 201, faults=("answer_lost",), **fields)
        tape.call(tape.first, 201, after=0, **fields)
        assert tape.ids == []
