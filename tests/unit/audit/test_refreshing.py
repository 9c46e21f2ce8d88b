"""Refreshes that nobody needed, by their cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from hubspot_simulator.lab.audit import Finding

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Lab, Tape


DEALS = "/crm/v3/objects/deals"


class TestRefreshStorm:
    def test_two_at_once(self, tape: Tape, numbers: Callable[[Finding], list[int]]) -> None:
        a, b = tape.token(1801), tape.token(1801)
        tape.call(tape.first, 401, at=1801, query="limit=1")
        tape.call(tape.first, 401, at=1801, query="limit=2", after=0)
        tape.refresh(a, at=1801, after=1)
        tape.refresh(b, at=1801, after=2)
        tape.call(a, at=1801, query="limit=1")
        tape.call(b, at=1801, query="limit=2")
        finding = tape.only("refresh-storm")
        assert numbers(finding) == [1, 2, 3, 4]
        assert finding.problem.startswith("#3 and #4 both refreshed for one expiry")

    def test_one_after_the_other_for_401s_of_the_same_moment(self, tape: Tape) -> None:
        a, b = tape.token(1801), tape.token(1801)
        tape.call(tape.first, 401, at=1801, query="limit=1")
        tape.call(tape.first, 401, at=1801, query="limit=2", after=0)
        tape.refresh(a, at=1801)
        tape.call(a, at=1801, query="limit=1")
        tape.refresh(b, at=1801)
        tape.call(b, at=1801, query="limit=2")
        tape.only("refresh-storm")

    def test_a_401_that_was_dealt_with_after_the_second_refresh_only(self, tape: Tape) -> None:
        a, b = tape.token(1801), tape.token(1801)
        tape.call(tape.first, 401, at=1801, query="limit=1")
        tape.call(tape.first, 401, at=1801, query="limit=2")
        tape.refresh(a, at=1801)
        tape.call(a, at=1801, query="limit=1")
        tape.refresh(b, at=1801)
        tape.call(b, at=1801, query="limit=2")
        tape.only("refresh-storm")

    @pytest.mark.parametrize(("at", "ids"), [(1861, ["refresh-storm"]), (1861.001, ["refresh-too-early"])])
    def test_within_a_minute(self, tape: Tape, at: float, ids: list[str]) -> None:
        a, b = tape.token(1801), tape.token(at)
        tape.call(tape.first, 401, at=1801, query="limit=1")
        tape.call(tape.first, 401, at=1801, query="limit=2", after=0)
        tape.refresh(a, at=1801)
        tape.call(a, at=1801, query="limit=1")
        tape.call(a, at=1801, query="limit=2")
        tape.refresh(b, at=at)
        assert tape.ids == ids

    def test_threads_that_make_the_same_call_over_and_over(self, tape: Tape) -> None:
        a, b = tape.token(1801), tape.token(1801)
        tape.call(tape.first, 401, at=1801)
        tape.call(tape.first, 401, at=1801, after=0)
        tape.refresh(a, at=1801)
        for _ in range(3):
            tape.call(a, at=1801)
        tape.refresh(b, at=1801)
        tape.call(b, at=1801)
        tape.only("refresh-storm")

    def test_not_when_the_first_gave_the_token_that_was_there(self, tape: Tape) -> None:
        new = tape.token(1750)
        tape.call(tape.first, at=1700)
        tape.refresh(tape.first, at=1750)
        tape.refresh(new, at=1750)
        tape.call(new, at=1750)
        assert tape.ids == []

    def test_the_lock_is_not_looked_at_again(self, tape: Tape) -> None:
        new = [tape.token(1801) for _ in range(4)]
        for index in range(4):
            tape.call(tape.first, 401, at=1801, after=index // 2)
        for token in new:
            tape.refresh(token, at=1801)
        for token in new:
            tape.call(token, at=1801)
        assert "3 more than needed" in tape.only("refresh-storm").problem

    def test_another_answer_between_the_401s(self, tape: Tape) -> None:
        a, b = tape.token(1801), tape.token(1801)
        tape.call(tape.first, 401, at=1801, query="limit=1")
        tape.call(tape.first, 503, at=1801, query="limit=3")
        tape.call(tape.first, 401, at=1801, query="limit=2")
        tape.refresh(a, at=1801)
        tape.call(a, at=1801, query="limit=1")
        tape.refresh(b, at=1801)
        tape.call(b, at=1801, query="limit=2")
        tape.only("refresh-storm")

    def test_not_for_good_calls_at_once_before_the_first(self, tape: Tape) -> None:
        a, b = tape.token(1790), tape.token(1800)
        tape.call(tape.first, at=1790, query="limit=1")
        tape.call(tape.first, at=1790, query="limit=2", after=0)
        tape.refresh(a, at=1790)
        tape.call(a, at=1790)
        tape.call(a, at=1790)
        tape.refresh(b, at=1800)
        tape.only("refresh-too-early")

    def test_not_for_a_refresh_right_after_the_connection(self, tape: Tape) -> None:
        tape.refresh(tape.token(), form={"grant_type": "authorization_code"})
        tape.refresh(tape.token())
        assert tape.ids == []

    def test_two_in_a_row_without_a_call(self, lab: Lab) -> None:
        lab.tick(1790)
        lab.refresh()
        lab.call(lab.refresh())
        lab.only("refresh-storm")

    def test_not_when_the_first_answer_was_lost(self, lab: Lab) -> None:
        lab.expire()
        lab.call(lab.first)
        lab.sim.inject("answer_lost", path="/oauth/*/token")
        with pytest.raises(OSError, match="injected"):
            lab.ask()
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_not_when_the_answer_could_not_be_used(self, lab: Lab) -> None:
        lab.expire()
        lab.call(lab.first)
        lab.sim.inject("without_members", path="/oauth/*/token", members=["expires_in"])
        lab.refresh()
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_not_for_two_expiries(self, lab: Lab) -> None:
        for _ in range(2):
            lab.expire()
            lab.refresh()
        assert lab.ids == []

    def test_not_for_two_portals(self, lab: Lab) -> None:
        other = lab.sim.install(portal=lab.sim.add_portal())
        lab.expire()
        lab.call(lab.refresh())
        lab.call(lab.refresh(other))
        assert lab.ids == []

    def test_not_when_the_new_token_was_refused_too(self, tape: Tape) -> None:
        a, b = tape.token(1801), tape.token(1801)
        tape.call(tape.first, 401, at=1801)
        tape.refresh(a, at=1801)
        tape.call(a, 401, at=1801, category="INVALID_AUTHENTICATION")
        tape.refresh(b, at=1801)
        tape.call(b, at=1801)
        assert tape.ids == []


class TestStragglerRefresh:
    def test_a_late_401_of_the_old_token(self, tape: Tape, numbers: Callable[[Finding], list[int]]) -> None:
        a, b = tape.token(1801), tape.token(1801)
        tape.call(tape.first, 401, at=1801, query="limit=1")
        tape.refresh(a, at=1801)
        tape.call(a, at=1801, query="limit=1")
        tape.call(tape.first, 401, at=1801, query="limit=2", after=0)
        tape.refresh(b, at=1801)
        tape.call(b, at=1801, query="limit=2")
        finding = tape.only("straggler-refresh")
        assert numbers(finding) == [2, 4, 5]
        assert "then #4, sent with the old one, was answered 401" in finding.problem

    @pytest.mark.parametrize(("at", "ids"), [(1861, ["straggler-refresh"]), (1861.001, ["refresh-too-early"])])
    def test_within_a_minute(self, tape: Tape, at: float, ids: list[str]) -> None:
        a, b = tape.token(1801), tape.token(at)
        tape.call(tape.first, 401, at=1801, query="limit=1")
        tape.refresh(a, at=1801)
        tape.call(tape.first, 401, at=1801, query="limit=2", after=0)
        tape.call(a, at=1801, query="limit=1")
        tape.call(a, at=1801, query="limit=2")
        tape.refresh(b, at=at)
        assert tape.ids == ids

    def test_not_when_it_goes_on_with_the_new_token(self, tape: Tape) -> None:
        a = tape.token(1801)
        tape.call(tape.first, 401, at=1801, query="limit=1")
        tape.refresh(a, at=1801)
        tape.call(a, at=1801, query="limit=1")
        tape.call(tape.first, 401, at=1801, query="limit=2", after=0)
        tape.call(a, at=1801, query="limit=2")
        assert tape.ids == []

    def test_not_when_the_new_token_had_died(self, tape: Tape) -> None:
        a, b = tape.token(1801), tape.token(1801)
        tape.call(tape.first, 401, at=1801, query="limit=1")
        tape.refresh(a, at=1801)
        tape.call(tape.first, 401, at=1801, query="limit=2", after=0)
        tape.call(a, 401, at=1801, query="limit=1", category="INVALID_AUTHENTICATION")
        tape.refresh(b, at=1801)
        tape.call(b, at=1801, query="limit=1")
        tape.call(b, at=1801, query="limit=2")
        assert tape.ids == []


class TestAfterStatus:
    @pytest.mark.parametrize(
        ("fault", "id", "severity"),
        [
            ("MISSING_SCOPES", "refresh-after-403", "error"),
            ("TEN_SECONDLY_ROLLING", "refresh-after-429", "warning"),
            ("INTERNAL_ERROR", "refresh-after-5xx", "warning"),
            ("SERVICE_UNAVAILABLE", "refresh-after-5xx", "warning"),
        ],
    )
    def test_a_refresh_in_answer(
        self, lab: Lab, numbers: Callable[[Finding], list[int]], fault: str, id: str, severity: str
    ) -> None:
        lab.call(lab.first)
        lab.sim.inject(fault)
        lab.call(lab.first)
        lab.call(lab.refresh())
        finding = lab.only(id)
        assert finding.severity == severity
        assert numbers(finding) == [2, 3]

    def test_a_loop_is_one_finding(self, lab: Lab) -> None:
        lab.sim.inject("MISSING_SCOPES", times=None)
        token = lab.first
        for _ in range(10):
            lab.call(token)
            token = lab.refresh()
        lab.only("refresh-after-403")

    @pytest.mark.parametrize(("seconds", "ids"), [(120, ["refresh-after-403"]), (120.001, [])])
    def test_within_two_minutes(self, lab: Lab, seconds: float, ids: list[Any]) -> None:
        lab.sim.inject("MISSING_SCOPES")
        lab.call(lab.first)
        lab.tick(seconds)
        lab.call(lab.refresh())
        assert lab.ids == ids

    @pytest.mark.parametrize(("seconds", "ids"), [(1499, ["refresh-after-5xx"]), (1500, [])])
    def test_more_than_five_minutes_before_the_end(self, lab: Lab, seconds: int, ids: list[Any]) -> None:
        lab.tick(seconds)
        lab.sim.inject("INTERNAL_ERROR")
        lab.call(lab.first)
        lab.call(lab.refresh())
        assert lab.ids == ids

    def test_a_short_life_has_a_short_end(self, build: Callable[..., Lab]) -> None:
        lab = build(token_ttl=400)
        token = lab.refresh()
        lab.tick(150)
        lab.sim.inject("INTERNAL_ERROR")
        lab.call(token)
        lab.call(lab.refresh())
        lab.only("refresh-after-5xx")

    def test_not_with_an_answer_between(self, lab: Lab) -> None:
        lab.sim.inject("INTERNAL_ERROR")
        lab.call(lab.first)
        lab.call(lab.first)
        lab.tick(1600)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_not_when_the_refresh_was_due(self, lab: Lab) -> None:
        lab.tick(1500)
        lab.sim.inject("INTERNAL_ERROR")
        lab.call(lab.first)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_not_long_after(self, lab: Lab) -> None:
        lab.sim.inject("INTERNAL_ERROR")
        lab.call(lab.first)
        lab.tick(1400)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_not_after_a_401(self, lab: Lab) -> None:
        lab.sim.inject("INVALID_AUTHENTICATION")
        lab.call(lab.first)
        lab.sim.inject("INTERNAL_ERROR")
        lab.call(lab.first, path=DEALS)
        lab.call(lab.refresh())
        assert lab.ids == []


class TestRefreshEveryCall:
    def test_a_refresh_before_each_call(self, lab: Lab) -> None:
        for _ in range(4):
            lab.tick(10)
            lab.call(lab.refresh())
        finding = lab.only("refresh-every-call")
        assert "none was refused" in finding.problem

    def test_three_are_enough_when_the_first_token_came_from_elsewhere(self, lab: Lab) -> None:
        token = lab.first
        for _ in range(3):
            lab.call(token)
            token = lab.refresh()
        lab.only("refresh-every-call")

    def test_also_when_expires_in_is_missing(self, build: Callable[..., Lab]) -> None:
        lab = build(expires_in="absent")
        for _ in range(3):
            lab.call(lab.refresh())
        lab.only("refresh-every-call")

    def test_not_when_each_token_is_near_its_end(self, lab: Lab) -> None:
        for _ in range(4):
            lab.call(lab.refresh())
            lab.tick(1600)
        assert lab.ids == []

    def test_not_when_each_was_refused(self, lab: Lab) -> None:
        token = lab.refresh()
        for _ in range(4):
            lab.sim.inject("INVALID_AUTHENTICATION")
            lab.call(token)
            token = lab.refresh()
            lab.call(token)
        assert lab.ids == []


class TestRefreshTooEarly:
    def test_with_more_than_half_left(self, lab: Lab, numbers: Callable[[Finding], list[int]]) -> None:
        lab.call(lab.first)
        lab.call(lab.first)
        lab.tick(600)
        lab.call(lab.refresh())
        finding = lab.only("refresh-too-early")
        assert finding.severity == "warning"
        assert "had 20 min of its 30 min left" in finding.problem
        assert numbers(finding) == [1, 3]

    def test_also_when_the_token_before_still_worked(self, tape: Tape) -> None:
        tape.refresh(a := tape.token())
        tape.call(tape.first)
        tape.call(a)
        tape.call(a)
        tape.refresh(tape.token(10), at=10)
        tape.only("refresh-too-early")

    def test_not_with_less(self, lab: Lab) -> None:
        lab.call(lab.first)
        lab.tick(901)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_not_when_the_token_had_not_been_used(self, lab: Lab) -> None:
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_not_when_hubspot_said_a_shorter_lifetime(self, build: Callable[..., Lab]) -> None:
        lab = build(expires_in="300")
        token = lab.refresh()
        lab.call(token)
        lab.call(token)
        lab.tick(250)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_not_when_the_clocks_were_set_apart(self, lab: Lab) -> None:
        lab.call(lab.first)
        lab.call(lab.first)
        lab.sim.inject("clock_skew", minutes=-20)
        lab.call(lab.first)
        lab.tick(1740)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_not_when_time_went_back(self, lab: Lab) -> None:
        lab.call(lab.first)
        lab.tick(-600)
        lab.call(lab.first)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_not_when_the_token_was_refused(self, lab: Lab) -> None:
        lab.call(lab.first)
        lab.sim.inject("revoked")
        lab.call(lab.first)
        lab.call(lab.refresh())
        assert lab.ids == []


class TestLifetimeReadAsMilliseconds:
    def test_twice(self, lab: Lab) -> None:
        for _ in range(3):
            token = lab.refresh()
            lab.call(token)
            lab.call(token, path=DEALS)
            lab.tick(2)
        finding = lab.only("lifetime-read-as-milliseconds")
        assert finding.severity == "error"
        assert "refreshed a token that was 2 s old and lives 30 min" in finding.problem

    def test_once_is_a_warning(self, lab: Lab) -> None:
        token = lab.refresh()
        lab.call(token)
        lab.tick(5)
        lab.call(lab.refresh())
        assert lab.only("lifetime-read-as-milliseconds").severity == "warning"

    @pytest.mark.parametrize("seconds", [1.5, 9.5, 60])
    def test_another_age_is_only_too_early(self, lab: Lab, seconds: float) -> None:
        for _ in range(2):
            token = lab.refresh()
            lab.call(token)
            lab.call(token, path=DEALS)
            lab.tick(seconds)
        lab.call(lab.refresh())
        lab.only("refresh-too-early")

    def test_a_refresh_before_each_call_is_that(self, lab: Lab) -> None:
        for _ in range(4):
            lab.call(lab.refresh())
            lab.tick(2)
        lab.only("refresh-every-call")
