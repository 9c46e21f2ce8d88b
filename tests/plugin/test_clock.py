"""One clock for the code under test and the simulator (the fixtures themselves are under test here)."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from http.client import HTTPConnection
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import time_machine
from freezegun import api, freeze_time

from hubspot_simulator.core.clock import OffsetClock
from pytest_hubspot_auth import ConnectedInstallation, FollowingClock, HubspotClock, HubspotSim
from pytest_hubspot_auth.time.freezegun_types import patch_fake_types

CONTACTS = "/crm/v3/objects/contacts"


def call(sim: HubspotSim, token: str) -> requests.Response:
    return requests.get(sim.url + CONTACTS, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def utcnow() -> datetime:
    return datetime.now(timezone.utc)


def test_advance_moves_both_sides(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation
) -> None:
    token = hubspot_installation.access_token
    before = utcnow()
    assert call(hubspot_sim, token).status_code == 200
    hubspot_clock.advance(minutes=31)
    assert utcnow() - before == timedelta(minutes=31)
    assert time.time() - before.timestamp() == 31 * 60
    answer = call(hubspot_sim, token)
    assert answer.json()["message"] == "The OAuth token used to make this call expired 60 second(s) ago."
    assert answer.headers["Date"] == hubspot_clock.now.strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_time_stands_still_at_a_whole_millisecond(hubspot_clock: HubspotClock) -> None:
    first = utcnow()
    assert first.microsecond % 1000 == 0
    assert utcnow() == first == hubspot_clock.now == hubspot_clock.server.now


def test_it_starts_at_the_real_now(hubspot_sim: HubspotSim, request: pytest.FixtureRequest) -> None:
    before = utcnow()
    clock: HubspotClock = request.getfixturevalue("hubspot_clock")
    assert abs(clock.now - before) < timedelta(minutes=1)


@pytest.mark.hubspot(now="2031-05-06T07:08:09.123Z")
def test_the_mark_pins_now(hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation) -> None:
    assert utcnow() == datetime(2031, 5, 6, 7, 8, 9, 123000, timezone.utc)
    assert date.today() == date(2031, 5, 6)
    assert hubspot_installation.issued_at == hubspot_clock.now


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (lambda clock: clock.advance(timedelta(seconds=5)), 5),
        (lambda clock: clock.advance(minutes=1, seconds=1), 61),
        (lambda clock: clock.advance(hours=-1), -3600),
        (lambda clock: clock.advance_to(clock.now + timedelta(days=1)), 86400),
    ],
)
def test_ways_to_move(hubspot_clock: HubspotClock, move: Callable[[HubspotClock], object], expected: int) -> None:
    before = utcnow(), hubspot_clock.server.now
    move(hubspot_clock)
    assert (utcnow() - before[0]).total_seconds() == expected
    assert (hubspot_clock.server.now - before[1]).total_seconds() == expected


@pytest.mark.parametrize(
    "wrong", [lambda c: c.advance(), lambda c: c.advance(31), lambda c: c.advance(minute=31), lambda c: c.advance("31")]
)
def test_a_wrong_duration_names_the_accepted_forms(hubspot_clock: HubspotClock, wrong: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r"expected a timedelta or its keywords, as in advance\(minutes=31\)"):
        wrong(hubspot_clock)


def test_the_boundary_is_exact(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation
) -> None:
    token = hubspot_installation.access_token
    hubspot_clock.advance(seconds=1800, milliseconds=-1)
    assert call(hubspot_sim, token).status_code == 200
    hubspot_clock.advance(milliseconds=1)
    assert call(hubspot_sim, token).status_code == 401
    hubspot_clock.advance(milliseconds=99)
    assert "expired 0 second(s) ago" in call(hubspot_sim, token).text


def test_skew_of_the_server(hubspot_clock: HubspotClock) -> None:
    before = utcnow()
    hubspot_clock.server.advance(seconds=60)
    assert utcnow() == before
    assert hubspot_clock.server.now - before == timedelta(seconds=60)
    hubspot_clock.advance(seconds=1)
    assert hubspot_clock.server.now - utcnow() == timedelta(seconds=60)


def test_skew_of_the_client(hubspot_clock: HubspotClock) -> None:
    before = utcnow()
    hubspot_clock.client.advance(seconds=-60)
    assert utcnow() - before == timedelta(seconds=-60)
    assert hubspot_clock.client.now == utcnow()
    assert hubspot_clock.server.now == before


def test_expire_is_one_second_past_the_expiry(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation
) -> None:
    token = hubspot_installation.access_token
    hubspot_clock.expire(hubspot_installation)
    assert utcnow() == hubspot_clock.server.now == hubspot_installation.expires_at + timedelta(seconds=1)
    assert "expired 1 second(s) ago" in call(hubspot_sim, token).text
    moment = utcnow()
    hubspot_clock.expire(token)
    assert utcnow() == moment


@pytest.mark.parametrize("wrong", ["", "no token", "access-token"])
def test_expire_of_something_else_says_what_it_takes(hubspot_clock: HubspotClock, wrong: str) -> None:
    with pytest.raises(ValueError, match="not an access token with an expiry: pass hubspot_installation"):
        hubspot_clock.expire(wrong)


def test_code_in_threads_sees_the_frozen_time(hubspot_clock: HubspotClock) -> None:
    hubspot_clock.advance(minutes=31)
    seen: list[datetime] = []
    thread = threading.Thread(target=lambda: seen.append(utcnow()))
    thread.start()
    thread.join()
    with ThreadPoolExecutor(1) as pool:
        seen.append(pool.submit(utcnow).result())
    seen.append(asyncio.run(asyncio.to_thread(utcnow)))
    assert seen == [hubspot_clock.now] * 3


def test_a_wait_with_a_timeout_ends(hubspot_clock: HubspotClock) -> None:
    condition = threading.Condition()
    with condition:
        assert condition.wait_for(lambda: False, timeout=0.01) is False
    assert threading.Event().wait(0.01) is False


def test_asyncio_sleeps_and_sees_the_frozen_time(hubspot_clock: HubspotClock) -> None:
    async def scenario() -> datetime:
        await asyncio.sleep(0.01)
        hubspot_clock.advance(minutes=31)
        await asyncio.wait_for(asyncio.sleep(0.01), timeout=5)
        return utcnow()

    assert asyncio.run(scenario()) == hubspot_clock.now


def test_httpx(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation
) -> None:
    headers = {"Authorization": f"Bearer {hubspot_installation.access_token}"}

    async def statuses() -> list[int]:
        async with httpx.AsyncClient(base_url=hubspot_sim.url, headers=headers) as client:
            first = await client.get(CONTACTS)
            hubspot_clock.advance(minutes=31)
            return [first.status_code, (await client.get(CONTACTS)).status_code]

    assert asyncio.run(statuses()) == [200, 401]
    with httpx.Client(base_url=hubspot_sim.url, headers=headers) as client:
        assert client.get(CONTACTS).status_code == 401


def test_aiohttp(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation
) -> None:
    headers = {"Authorization": f"Bearer {hubspot_installation.access_token}"}

    async def statuses() -> list[int]:
        async with aiohttp.ClientSession(hubspot_sim.url, headers=headers) as session:
            async with session.get(CONTACTS) as first:
                await first.read()
            hubspot_clock.advance(minutes=31)
            async with session.get(CONTACTS) as second:
                await second.read()
            return [first.status, second.status]

    assert asyncio.run(statuses()) == [200, 401]


def test_a_kept_alive_connection_survives_an_advance(
    hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation
) -> None:
    connection = HTTPConnection(hubspot_sim.url.removeprefix("http://"), timeout=10)
    headers = {"Authorization": f"Bearer {hubspot_installation.access_token}"}
    ports, statuses = set(), []
    for _ in range(3):
        connection.request("GET", CONTACTS, headers=headers)
        statuses.append(connection.getresponse())
        statuses[-1].read()
        ports.add(connection.sock.getsockname()[1])
        hubspot_clock.advance(hours=24)
    connection.close()
    assert [answer.status for answer in statuses] == [200, 401, 401]
    assert len(ports) == 1


def test_moving_below_a_second_freeze_is_refused(hubspot_clock: HubspotClock) -> None:
    with freeze_time("2030-01-01"), pytest.raises(RuntimeError, match="time was frozen a second time"):
        hubspot_clock.advance(minutes=31)


def test_after_the_test_it_cannot_be_used(hubspot_sim: HubspotSim) -> None:
    clock = HubspotClock(hubspot_sim.clock)
    clock.start()
    clock.stop()
    with pytest.raises(RuntimeError, match="outside its test"):
        clock.advance(minutes=31)


# Time that is frozen by other means, without hubspot_clock: the simulator follows.


@freeze_time("2030-01-01")
def test_a_freeze_time_decorator_is_followed(
    hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation
) -> None:
    token = hubspot_installation.access_token
    assert hubspot_installation.issued_at == datetime(2030, 1, 1, tzinfo=timezone.utc)
    assert call(hubspot_sim, token).status_code == 200
    with freeze_time("2030-01-01 00:31"):
        assert "expired 60 second(s) ago" in call(hubspot_sim, token).text
    assert call(hubspot_sim, token).status_code == 200


def test_a_ticking_freeze_is_followed(hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation) -> None:
    with freeze_time("2030-01-01", tick=True) as frozen:
        token = hubspot_installation.access_token
        assert call(hubspot_sim, token).status_code == 200
        frozen.tick(timedelta(minutes=31))
        assert call(hubspot_sim, token).status_code == 401


def test_reading_the_clock_does_not_step_a_stepping_freeze() -> None:
    clock = FollowingClock()
    with freeze_time("2030-01-01", auto_tick_seconds=15):
        assert clock.now_ms() == clock.now_ms()


def test_pytest_freezer_is_followed(
    freezer: Any, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation
) -> None:
    token = hubspot_installation.access_token
    assert call(hubspot_sim, token).status_code == 200
    freezer.tick(timedelta(minutes=31))
    assert call(hubspot_sim, token).status_code == 401


def test_time_machine_is_followed(hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation) -> None:
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=timezone.utc), tick=False) as traveller:
        token = hubspot_installation.access_token
        assert hubspot_installation.issued_at == datetime(2030, 1, 1, tzinfo=timezone.utc)
        assert call(hubspot_sim, token).status_code == 200
        traveller.shift(timedelta(minutes=31))
        assert call(hubspot_sim, token).status_code == 401


def test_the_clock_is_read_from_threads_while_freezes_come_and_go() -> None:
    clock = OffsetClock(FollowingClock())
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                clock.now_ms()
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for _ in range(40):
        with freeze_time("2030-01-01"):
            pass
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []


class TestLocalTime:
    @pytest.mark.parametrize(
        ("hours", "local"),
        [
            pytest.param(9, "2026-06-01T21:00:00", marks=pytest.mark.hubspot(now="2026-06-01T12:00:00Z", utc_offset=9)),
            pytest.param(
                -3.5, "2026-06-01T08:30:00", marks=pytest.mark.hubspot(now="2026-06-01T12:00:00Z", utc_offset=-3.5)
            ),
            pytest.param(0, "2026-06-01T12:00:00", marks=pytest.mark.hubspot(now="2026-06-01T12:00:00Z", utc_offset=0)),
        ],
    )
    def test_every_way_to_read_it(
        self, hubspot_clock: HubspotClock, hubspot_sim: HubspotSim, hours: float, local: str
    ) -> None:
        instant = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
        assert hubspot_clock.now == instant
        assert hubspot_sim.clock.now == instant
        assert datetime.now().isoformat() == local
        assert datetime.today().isoformat() == local
        assert date.today().isoformat() == local[:10]
        assert time.time() == instant.timestamp()
        assert datetime.now().timestamp() == instant.timestamp()
        assert datetime.fromtimestamp(time.time()).isoformat() == local
        assert datetime.now(timezone.utc) == instant
        tokyo = timezone(timedelta(hours=9))
        assert datetime.now(tokyo) == instant
        assert datetime.now(tokyo).isoformat() == "2026-06-01T21:00:00+09:00"
        if hours and hasattr(time, "tzset"):
            assert time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime()) == local
            assert datetime.now(timezone.utc).astimezone().replace(tzinfo=None).isoformat() == local
            assert datetime.now().astimezone() == instant

    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process can be set on POSIX only")
    @pytest.mark.parametrize("zone", [None, "Europe/Paris"])
    def test_afterwards_it_is_as_before(
        self, hubspot_sim: HubspotSim, monkeypatch: pytest.MonkeyPatch, zone: str | None
    ) -> None:
        if zone is None:
            monkeypatch.delenv("TZ", raising=False)
        else:
            monkeypatch.setenv("TZ", zone)
        time.tzset()
        patch_fake_types()  # the first clock of a process does so, for good
        now, names = vars(api.FakeDatetime)["now"], time.tzname
        clock = HubspotClock(hubspot_sim.clock, utc_offset=5.5)
        clock.start()
        assert time.tzname == ("+0530", "+0530")
        clock.stop()
        assert (os.environ.get("TZ"), time.tzname, vars(api.FakeDatetime)["now"]) == (zone, names, now)
        monkeypatch.undo()
        time.tzset()

    @pytest.mark.parametrize("value", ["9", True, 24, -24, None])
    def test_what_is_no_offset(self, pytester: pytest.Pytester, value: object) -> None:
        pytester.makepyfile(
            f"import pytest\n@pytest.mark.hubspot(utc_offset={value!r})\ndef test_one(hubspot_clock): pass\n"
        )
        result = pytester.runpytest_inprocess()
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(
            [f"*utc_offset={value!r}: expected hours ahead of UTC, such as 9 (Tokyo) or -5 (New York)"]
        )


def test_advance_to_takes_a_datetime(hubspot_clock: HubspotClock) -> None:
    with pytest.raises(TypeError, match="'2026-13-01' is no datetime: expected one such as"):
        hubspot_clock.advance_to("2026-13-01")


def test_b7_no_way_leads_to_where_no_token_can_be_issued(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from datetime import datetime, timedelta

        import pytest


        @pytest.mark.parametrize(
            "move",
            [
                lambda clock, sim: clock.advance(days=400 * 365 * 20),
                lambda clock, sim: clock.advance_to(datetime(9999, 12, 31, 23, 59)),
                lambda clock, sim: clock.advance_to(datetime(1969, 12, 31)),
                lambda clock, sim: clock.server.advance_to(datetime(9999, 12, 31, 23, 59)),
                lambda clock, sim: sim.move_time(timedelta(days=400 * 365 * 20)),
                lambda clock, sim: clock.advance(weeks=10**12),
            ],
        )
        def test_move(hubspot_clock, hubspot_sim, hubspot_installation, move):
            before = hubspot_clock.now
            with pytest.raises(ValueError, match="HubSpot's clock"):
                move(hubspot_clock, hubspot_sim)
            assert hubspot_clock.now == hubspot_clock.server.now == before
            assert hubspot_installation.access_token


        @pytest.mark.hubspot(now="9999-12-31T23:59:59Z")
        def test_start(hubspot_clock):
            pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=6, errors=1)
    result.stdout.fnmatch_lines(["E*ClockOutOfRange: cannot set HubSpot's clock to 9999-12-31T23:59:59+00:00: *"])
