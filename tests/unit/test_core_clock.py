from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from hubspot_simulator.core.clock import (
    ManualClock,
    OffsetClock,
    SystemClock,
    from_datetime,
    iso_instant,
    to_datetime,
)


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
