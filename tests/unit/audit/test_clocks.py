"""Clocks that stand apart: what counts is what the caller could know."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hubspot_simulator.runner.clock_schedule import Schedule

DEALS = "/crm/v3/objects/deals"


class TestTheCallersClockIsMoved:
    """As by ``hubspot_clock.client.advance``."""

    def test_a_refresh_by_that_clock_is_not_too_early(self, lab) -> None:
        token = lab.refresh()
        for _ in range(3):
            lab.call(token)
            lab.call(token, path=DEALS)
            lab.tick_caller(1750)
            token = lab.refresh()
        assert lab.sim.journal.exchanges[-1].skew_ms == -5_250_000
        assert lab.ids == []

    def test_nor_is_that_of_a_token_from_before_the_journal(self, lab) -> None:
        lab.call(lab.first)
        lab.tick_caller(1750)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_nor_is_that_after_a_server_error_long_ago(self, lab) -> None:
        lab.sim.inject("INTERNAL_ERROR")
        lab.call(lab.first)
        lab.tick_caller(1400)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_nor_is_that_after_a_straggler_long_ago(self, tape) -> None:
        a, b = tape.token(1801), tape.token(1801)
        tape.call(tape.first, 401, at=1801)
        tape.refresh(a, at=1801)
        tape.call(tape.first, 401, at=1801, query="limit=2", after=0)
        tape.call(a, at=1801, query="limit=2")
        tape.call(a, at=1801)
        tape.refresh(b, at=1801, skew_ms=-1_750_000)
        assert tape.ids == []

    def test_a_refresh_that_is_too_early_by_both_is(self, lab) -> None:
        lab.call(lab.first)
        lab.tick_caller(600)
        lab.call(lab.first)
        lab.call(lab.refresh())
        assert "had 20 min of its 30 min left" in lab.only("refresh-too-early").problem

    def test_a_refresh_before_each_call_is_found(self, lab) -> None:
        lab.tick_caller(600)
        for _ in range(4):
            lab.tick_caller(5)
            lab.call(lab.refresh())
        lab.only("refresh-every-call")

    def test_seconds_taken_for_milliseconds_are_found(self, lab) -> None:
        for _ in range(3):
            token = lab.refresh()
            lab.call(token)
            lab.call(token, path=DEALS)
            lab.tick_caller(2)
        assert "that was 2 s old" in lab.only("lifetime-read-as-milliseconds").problem

    def test_calls_made_later_by_that_clock_do_not_count_as_young(self, lab) -> None:
        for _ in range(2):
            token = lab.refresh()
            lab.tick_caller(2)
            lab.call(token)
            lab.call(token, path=DEALS)
            lab.tick_caller(2)
        lab.call(lab.refresh())
        lab.only("refresh-too-early")

    def test_a_lifetime_that_is_built_in_counts_on_it(self, lab) -> None:
        lab.expire()
        lab.call(lab.first)
        lab.call(lab.first)
        lab.tick_caller(1799)
        lab.call(lab.refresh(), path=DEALS)
        assert "at an age of 60 min" in lab.only("hard-coded-lifetime").problem

    def test_one_that_is_put_back_accuses_nobody(self, lab) -> None:
        lab.call(lab.first)
        lab.call(lab.first)
        lab.tick_caller(-600)
        lab.call(lab.refresh())
        assert lab.ids == []


class TestHubSpotsClockIsMoved:
    """As by ``hubspot_clock.server.advance`` and by every move on the command line."""

    def test_a_refresh_after_the_401_is_right(self, lab) -> None:
        token = lab.first
        for _ in range(3):
            lab.call(token)
            lab.tick_hubspot(1860)
            lab.call(token)
            token = lab.refresh()
            lab.call(token)
        assert lab.ids == []

    @pytest.mark.parametrize("minutes", [-20, -2, 10])
    def test_a_refresh_by_the_callers_clock_is_right(self, lab, minutes) -> None:
        lab.call(lab.first)
        lab.call(lab.first)
        lab.tick_hubspot(60 * minutes)
        lab.call(lab.first)
        lab.tick(1740)
        lab.call(lab.refresh())
        assert lab.ids == []

    @pytest.mark.parametrize("minutes", [-20, 20])
    def test_a_refresh_by_the_callers_clock_is_right_for_a_token_from_the_journal(self, lab, minutes) -> None:
        lab.tick_hubspot(60 * minutes)
        token = lab.refresh()
        lab.call(token)
        lab.call(token)
        lab.tick_hubspot(-60 * minutes)
        lab.tick(1740)
        lab.call(lab.refresh())
        assert lab.ids == []

    def test_a_token_from_before_the_journal_may_have_been_issued_on_a_moved_clock(self, lab) -> None:
        lab.tick_hubspot(1200)
        first = lab.sim.install(portal=lab.sim.add_portal())
        lab.call(first.access_token)
        lab.call(first.access_token)
        lab.tick_hubspot(-1200)
        lab.tick(1740)
        lab.refresh(first)
        assert lab.ids == []

    def test_a_token_from_before_the_journal_was_issued_ahead_of_the_callers_clock(self, tape) -> None:
        tape.call(tape.first, at=0, skew_ms=1_200_000)  # its issue was 20 minutes earlier on the caller's clock
        tape.call(tape.first, at=0, skew_ms=1_200_000)
        tape.refresh(tape.token(-1000), at=-1000, skew_ms=-1_060_000)
        tape.call(tape.first, at=-1000, skew_ms=-1_060_000)
        assert tape.ids == []

    def test_a_refresh_before_each_call_is_found(self, lab) -> None:
        for _ in range(4):
            lab.call(lab.refresh())
            lab.tick_hubspot(10)
        lab.only("refresh-every-call")

    def test_an_expiry_by_that_clock_is_no_built_in_lifetime(self, lab) -> None:
        lab.call(lab.first)
        lab.tick_hubspot(3600)
        lab.call(lab.first)
        lab.call(lab.first)
        lab.tick(70)
        lab.call(lab.refresh(), path=DEALS)
        lab.only("expired-token-sent-again")

    def test_a_token_that_came_after_it_was_put_back_is_newer_all_the_same(self, lab) -> None:
        lab.call(lab.first)
        lab.tick_hubspot(-1200)
        for path in ("/crm/v3/objects/contacts", DEALS):
            lab.sim.inject("EXPIRED_AUTHENTICATION")
            lab.call(lab.first, path=path)
        new = lab.refresh()
        for path in ("/crm/v3/objects/contacts", DEALS):
            lab.call(new, path=path)
        assert lab.ids == []
        lab.sim.inject("INVALID_AUTHENTICATION")
        lab.call(lab.first)
        lab.only("old-token-after-refresh")


class TestOnTheCommandLine:
    """The simulator moves its clock by itself, and the program's goes on as before."""

    @pytest.mark.parametrize(
        "moves", [[(2, 31)], [(2, 20)], [(1, 31), (4, 31)], [(3, -20)], [(2, 10), (3, 10), (5, 45)], [(0, 12)]]
    )
    def test_a_right_program_has_no_finding(self, build, moves) -> None:
        lab = build(alone=True)
        schedule = Schedule(lab.sim, [], [(calls, timedelta(minutes=minutes)) for calls, minutes in moves])
        lab.application.subscribe(schedule)
        token = lab.first
        for _ in range(10):
            lab.tick(0.2)
            if lab.call(token).status_code == 401:
                token = lab.refresh()
                lab.call(token)
        assert schedule.notes
        assert lab.ids == []

    @pytest.mark.parametrize("kind", ["expiry", "in_flight"])
    def test_a_right_program_has_none_in_a_sweep(self, build, kind) -> None:
        for nth in range(1, 6):
            lab = build(alone=True)
            lab.sim.inject(kind, nth=nth)
            token = lab.first
            for _ in range(6):
                lab.tick(0.2)
                if lab.call(token).status_code == 401:
                    token = lab.refresh()
                    lab.call(token)
            assert len(lab.sim.journal.find("POST", "/oauth/v1/token")) == 1
            assert lab.ids == []

    @pytest.mark.parametrize("nth", [2, 4])
    def test_a_program_that_refreshes_before_each_call_is_found_in_a_sweep(self, build, nth) -> None:
        lab = build(alone=True)
        lab.sim.inject("expiry", nth=nth)
        for _ in range(7):
            lab.tick(0.2)
            lab.call(lab.refresh())
        lab.only("refresh-every-call")

    def test_a_program_that_never_refreshes_is_found(self, build) -> None:
        lab = build(alone=True)
        lab.sim.inject("expiry", nth=2)
        for _ in range(4):
            lab.call(lab.first)
        lab.only("no-refresh-after-expiry")
