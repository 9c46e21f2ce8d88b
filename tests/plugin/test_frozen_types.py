"""A11. What was imported while time was frozen goes on working when it runs again; what is built then can be used."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta, timezone

import pydantic
import pytest
from freezegun import api

from pytest_hubspot_auth import HubspotClock, hubspot_simulation

NEAR = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def after_a_freeze() -> None:
    with hubspot_simulation():
        pass


class TestAKeptStandIn:
    def test_tells_the_time_when_it_runs_again(self) -> None:
        kept: type[datetime] = api.FakeDatetime
        assert not api.freeze_factories
        assert abs(kept.now() - datetime.now()) < NEAR
        assert abs(kept.today() - datetime.now()) < NEAR
        assert abs(kept.now(timezone.utc) - datetime.now(timezone.utc)) < NEAR
        assert abs(kept.now(timezone(timedelta(hours=9))) - datetime.now(timezone.utc)) < NEAR
        assert kept.now().tzinfo is None
        assert abs(api.FakeDate.today() - date.today()) <= timedelta(days=1)

    def test_utcnow_is_naive(self) -> None:
        now = api.FakeDatetime.utcnow()
        assert now.tzinfo is None
        assert abs(now - datetime.now(timezone.utc).replace(tzinfo=None)) < NEAR

    def test_timestamps_are_those_of_the_real_type(self) -> None:
        moment = datetime(2026, 1, 2, 3, 4, 5)
        assert api.FakeDatetime(2026, 1, 2, 3, 4, 5).timestamp() == moment.timestamp()
        assert api.FakeDatetime.fromtimestamp(1_700_000_000) == datetime.fromtimestamp(1_700_000_000)
        assert api.FakeDatetime.fromtimestamp(0, timezone.utc) == datetime.fromtimestamp(0, timezone.utc)

    def test_a_class_that_was_derived_from_it_keeps_its_kind(self) -> None:
        class Moment(api.FakeDatetime):
            pass

        assert type(Moment.now()) is Moment


class TestWhileFrozen:
    def test_it_tells_the_frozen_time(self, hubspot_clock: HubspotClock) -> None:
        hubspot_clock.advance_to(datetime(2031, 5, 6, 7, 8, 9))
        assert datetime.utcnow() == datetime.now() == datetime.today() == datetime(2031, 5, 6, 7, 8, 9)
        assert date.today() == date(2031, 5, 6)
        assert datetime(2031, 5, 6).timestamp() == datetime(2031, 5, 6, tzinfo=timezone.utc).timestamp()

    def test_pydantic_knows_what_is_past(self, hubspot_clock: HubspotClock) -> None:
        class Model(pydantic.BaseModel):
            moment: pydantic.PastDatetime
            day: pydantic.PastDate

        assert Model(moment=datetime(2001, 1, 1), day=date(2001, 1, 1)).day == date(2001, 1, 1)

    @pytest.mark.hubspot(utc_offset=9)
    def test_local_time_says_where_it_is(self, hubspot_clock: HubspotClock) -> None:
        local = time.localtime()
        assert local.tm_gmtoff == (9 * 3600 if hasattr(time, "tzset") else -time.timezone)
        assert local[:6] == time.localtime(time.time())[:6]
        assert local.tm_zone == time.localtime(time.time()).tm_zone
