from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core.clock import ManualClock, OffsetClock, SystemClock
from hubspot_simulator.core.instants import ClockOutOfRange, from_datetime, iso_instant, to_datetime
from hubspot_simulator.http.app import Application
from hubspot_simulator.settings import SettingError, from_environment


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_677_535_817_518, "2023-02-27T22:10:17.518Z"),
        (1_677_535_817_500, "2023-02-27T22:10:17.500Z"),
        (1_798_675_200_000, "2026-12-31T00:00:00Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_instants_are_written_as_java_does(ms: int, text: str) -> None:
    assert iso_instant(ms) == text


@given(st.integers(-10_000_000_000, 253_402_300_799_999))
def test_milliseconds_and_datetimes_convert(ms: int) -> None:
    assert from_datetime(to_datetime(ms)) == ms


def test_a_naive_datetime_is_utc() -> None:
    assert from_datetime(datetime(1970, 1, 1, 0, 0, 1)) == 1000


def test_the_system_clock_ignores_freezegun() -> None:
    before = SystemClock().now_ms()
    with freeze_time("2001-01-01"):
        assert SystemClock().now_ms() >= before


def test_the_system_clock_is_real_even_when_imported_while_frozen() -> None:
    code = (
        "from freezegun import freeze_time\n"
        "with freeze_time('2001-01-01'):\n"
        "    from hubspot_simulator.core.clock import SystemClock\n"
        "    print(SystemClock().now_ms() > 1_700_000_000_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_manual_clock_stands() -> None:
    assert ManualClock(5).now_ms() == 5
    clock = ManualClock()
    assert clock.now_ms() == clock.now_ms()


def test_an_offset_clock_moves_and_goes_back() -> None:
    clock = OffsetClock(ManualClock(1000))
    clock.advance(minutes=31)
    clock.advance(timedelta(milliseconds=-500))
    assert clock.now_ms() == 1000 + 31 * 60_000 - 500
    assert clock.now == to_datetime(clock.now_ms())
    clock.advance_to(datetime(2026, 1, 1, tzinfo=timezone.utc))
    assert clock.now == datetime(2026, 1, 1, tzinfo=timezone.utc)
    clock.reset()
    assert (clock.now_ms(), clock.offset_ms) == (1000, 0)


def test_a_held_clock_stays_while_the_one_below_moves() -> None:
    base = OffsetClock(ManualClock(0))
    clock = OffsetClock(base)
    clock.advance(seconds=1)
    clock.hold(lambda: base.advance(hours=1))
    assert clock.now_ms() == 1000


LATEST_MS = 253_402_300_799_999


class TestB7TheClockStaysWhereTokensCanBeIssued:
    """At the end of the year 9999 tokens have no expiry that is a date."""

    @pytest.mark.parametrize("ttl", [1, 1800, 86_400, 3_153_600_000])
    def test_a_token_can_be_issued_at_the_last_instant_and_not_behind_it(self, ttl: int) -> None:
        simulator = Simulator(Settings(token_ttl=ttl, code_ttl=1), clock=ManualClock(0))
        latest = to_datetime(LATEST_MS - ttl * 1000)
        simulator.clock.advance_to(latest)
        assert simulator.install().expires_at == to_datetime(LATEST_MS)
        for move in (lambda: simulator.clock.advance(milliseconds=1), lambda: simulator.clock.advance(days=400_000)):
            with pytest.raises(ClockOutOfRange, match=r"cannot move HubSpot's clock by .*: it runs from 1970 to "):
                move()
        with pytest.raises(ClockOutOfRange, match="what is issued later would outlive the year 9999"):
            simulator.clock.advance_to(to_datetime(LATEST_MS))
        assert simulator.clock.now == latest

    def test_nor_by_millions_of_years(self) -> None:
        with pytest.raises(ClockOutOfRange, match="HubSpot's clock runs from 1970 to 9999"):
            Simulator(clock=ManualClock(0)).clock.advance(weeks=10**12)

    def test_nor_before_1970(self) -> None:
        simulator = Simulator(clock=ManualClock(1000))
        with pytest.raises(ClockOutOfRange, match=r"by -1 day, 23:59:58 from 1970-01-01T00:00:01Z: it runs from 1970"):
            simulator.clock.advance(seconds=-2)
        with pytest.raises(ClockOutOfRange, match="to 1969-12-31"):
            simulator.clock.advance_to(datetime(1969, 12, 31, tzinfo=timezone.utc))
        assert simulator.clock.now_ms() == 1000

    def test_nor_by_a_fault(self) -> None:
        simulator = Simulator(clock=ManualClock(LATEST_MS - 1_800_000))
        token = simulator.installation.access_token
        client = Client(Application(simulator))
        for name, options in (("clock_skew", {"minutes": 1}), ("expiry", {}), ("in_flight", {})):
            simulator.inject(name, **options)
            answer = client.get("/crm/v3/objects/contacts", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200
            assert "no clock moved: cannot move HubSpot's clock" in simulator.journal.exchanges[-1].why

    @pytest.mark.parametrize("name", ["token_ttl", "code_ttl"])
    def test_no_life_is_longer_than_a_century(self, name: str) -> None:
        with pytest.raises(SettingError, match=f"{name}=.*expected an integer from 1 to 3153600000"):
            from_environment({f"PYTEST_HUBSPOT_{name.upper()}": "3153600001"})

    @given(
        st.lists(
            st.timedeltas() | st.datetimes(timezones=st.just(timezone.utc)) | st.floats(-1e12, 1e12),
            min_size=1,
            max_size=5,
        )
    )
    def test_wherever_it_was_moved_tokens_are_issued(self, moves: list[object]) -> None:
        simulator = Simulator(clock=ManualClock(1_677_534_017_518))
        for move in moves:
            before = simulator.clock.now_ms()
            try:
                if isinstance(move, datetime):
                    simulator.clock.advance_to(move)
                elif isinstance(move, timedelta):
                    simulator.clock.advance(move)
                else:
                    simulator.clock.advance(seconds=move)  # type: ignore[arg-type]
            except ClockOutOfRange:
                assert simulator.clock.now_ms() == before
            assert simulator.install().expires_at == simulator.clock.now + timedelta(seconds=1800)
