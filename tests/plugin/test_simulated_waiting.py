"""Waiting that passes simulated time, by choice."""

from __future__ import annotations

import asyncio
import sched
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from queue import Empty, Queue
from time import sleep
from typing import Any

import aiohttp
import anyio
import httpx
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from hubspot_simulator.core.clock import ManualClock, OffsetClock
from pytest_hubspot_auth import ConnectedInstallation, HubspotClock, HubspotSim
from pytest_hubspot_auth.time.waiting import threads as threads_module

CONTACTS = "/crm/v3/objects/contacts"
GUARD = 60  # seconds after which a real wait of these tests gives up
simulated = pytest.mark.hubspot(waiting="simulated")


def utcnow() -> datetime:
    return datetime.now(timezone.utc)


def after(before: datetime) -> float:
    return (utcnow() - before).total_seconds()


class TestTheChoice:
    def test_by_default_a_sleep_is_real_and_moves_nothing(self, hubspot_clock: HubspotClock) -> None:
        real = time.sleep
        before = utcnow()
        time.sleep(0.01)
        asyncio.run(asyncio.sleep(0.01))
        assert utcnow() == before
        assert real is sleep

    @simulated
    def test_by_the_mark(self, hubspot_clock: HubspotClock) -> None:
        before = utcnow()
        time.sleep(11)
        assert after(before) == 11

    @pytest.mark.hubspot(waiting="real")
    def test_by_a_call(self, hubspot_clock: HubspotClock) -> None:
        before = utcnow()
        hubspot_clock.simulate_waiting()
        time.sleep(1800)
        assert after(before) == 1800

    def test_for_a_while(self, hubspot_clock: HubspotClock) -> None:
        real = time.sleep
        before = utcnow()
        with hubspot_clock.simulate_waiting():
            time.sleep(5)
            with hubspot_clock.simulate_waiting():
                time.sleep(5)
            time.sleep(5)
        assert time.sleep is real is sleep
        time.sleep(0.001)
        assert after(before) == 15

    def test_afterwards_all_is_as_before(self, hubspot_sim: HubspotSim) -> None:
        def names() -> list[object]:
            base = asyncio.BaseEventLoop
            return [time.sleep, sleep, threading.Event.wait, threading.Condition.wait, base._run_once, base.time]  # type: ignore[attr-defined]

        before, defaults = names(), sched.scheduler.__init__.__defaults__
        clock = HubspotClock(hubspot_sim.clock, waiting="simulated")
        clock.start()
        assert all(now is not was for now, was in zip(names(), before, strict=True))
        clock.stop()
        assert names() == before
        assert sched.scheduler.__init__.__defaults__ == defaults

    @pytest.mark.parametrize("value", ["fast", True, None])
    def test_what_is_no_choice(self, pytester: pytest.Pytester, value: object) -> None:
        pytester.makepyfile(
            f"import pytest\n@pytest.mark.hubspot(waiting={value!r})\ndef test_one(hubspot_clock): pass\n"
        )
        result = pytester.runpytest_inprocess()
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([f"*waiting={value!r}: expected 'real', the default, or 'simulated'*"])


@simulated
class TestSleeps:
    def test_both_clocks_move(
        self, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation
    ) -> None:
        headers = {"Authorization": f"Bearer {hubspot_installation.access_token}"}
        assert requests.get(hubspot_sim.url + CONTACTS, headers=headers, timeout=GUARD).status_code == 200
        sleep(1800)
        assert requests.get(hubspot_sim.url + CONTACTS, headers=headers, timeout=GUARD).status_code == 401
        assert hubspot_clock.server.now == hubspot_clock.now

    @pytest.mark.hubspot(rate_limits=True, rate_limit=2)
    def test_a_client_that_waits_gets_through_the_rate_limit(
        self, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation
    ) -> None:
        headers = {"Authorization": f"Bearer {hubspot_installation.access_token}"}

        def call() -> int:
            return requests.get(hubspot_sim.url + CONTACTS, headers=headers, timeout=GUARD).status_code

        assert [call() for _ in range(3)] == [200, 200, 429]
        time.sleep(11)
        assert call() == 200

    def test_whole_numbers_that_are_no_int_move_both_clocks(self, hubspot_clock: HubspotClock) -> None:
        class Whole:  # as NumPy's are
            def __index__(self) -> int:
                return 1800

        before = utcnow()
        time.sleep(Whole())
        assert utcnow() - before == timedelta(seconds=1800)

    def test_a_poll_with_a_deadline_ends(self, hubspot_clock: HubspotClock) -> None:
        deadline = time.monotonic() + 3
        count = 0
        while time.monotonic() < deadline:
            time.sleep(0.5)
            count += 1
        assert count == 6

    def test_sleeps_of_other_threads_stay_real(self, hubspot_clock: HubspotClock) -> None:
        before = utcnow()
        thread = threading.Thread(target=time.sleep, args=(0.01,))
        thread.start()
        thread.join(GUARD)
        assert not thread.is_alive()
        assert utcnow() == before

    @pytest.mark.parametrize(("wrong", "error"), [(-1, ValueError), ("1", TypeError), (None, TypeError)])
    def test_what_is_no_duration(self, hubspot_clock: HubspotClock, wrong: Any, error: type[Exception]) -> None:
        before = utcnow()
        with pytest.raises(error):
            time.sleep(wrong)
        assert utcnow() == before

    def test_the_scheduler_of_the_standard_library(self, hubspot_clock: HubspotClock) -> None:
        before = utcnow()
        seen: list[float] = []
        scheduler = sched.scheduler()
        scheduler.enter(60, 1, lambda: seen.append(after(before)))
        scheduler.enter(30, 1, lambda: seen.append(after(before)))
        scheduler.run()
        assert seen == [30, 60]

    def test_tenacity_gives_up_after_its_delay(self, hubspot_clock: HubspotClock) -> None:
        tenacity = pytest.importorskip("tenacity")
        before = utcnow()
        retrying = tenacity.Retrying(stop=tenacity.stop_after_delay(60), wait=tenacity.wait_fixed(7))
        with pytest.raises(tenacity.RetryError):
            retrying(lambda: 1 / 0)
        assert after(before) == 63

    def test_retry_after_of_urllib3(
        self, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_installation: ConnectedInstallation
    ) -> None:
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry

        before = utcnow()
        hubspot_sim.inject("SERVICE_UNAVAILABLE", path=CONTACTS)
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=Retry(4, backoff_factor=8, status_forcelist=[503])))
            headers = {"Authorization": f"Bearer {hubspot_installation.access_token}"}
            assert session.get(hubspot_sim.url + CONTACTS, headers=headers, timeout=GUARD).status_code == 200
        assert after(before) in (0, 8, 16)  # urllib3 1 and 2 begin differently


@simulated
class TestAsyncio:
    def test_a_sleep_moves_both_clocks_by_what_it_says(self, hubspot_clock: HubspotClock) -> None:
        async def scenario() -> list[float]:
            before = utcnow()
            await asyncio.sleep(1800)
            first = after(before)
            await asyncio.gather(asyncio.sleep(0.3), asyncio.sleep(11), asyncio.sleep(7))
            return [first, after(before)]

        assert asyncio.run(scenario()) == [1800, 1811]

    def test_timers_fire_as_the_clock_passes_them(self, hubspot_clock: HubspotClock) -> None:
        async def scenario() -> list[str]:
            fired: list[str] = []
            loop = asyncio.get_running_loop()
            loop.call_later(60, fired.append, "call_later")
            loop.call_at(loop.time() + 120, fired.append, "call_at")
            sleeper = asyncio.create_task(asyncio.sleep(1800), name="sleep")
            sleeper.add_done_callback(lambda task: fired.append(task.get_name()))
            await asyncio.sleep(0)
            hubspot_clock.advance(minutes=29)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert fired == ["call_later", "call_at"]
            hubspot_clock.advance(minutes=2)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return fired

        before = utcnow()
        assert asyncio.run(scenario()) == ["call_later", "call_at", "sleep"]
        assert after(before) == 31 * 60

    def test_wait_for_gives_up(self, hubspot_clock: HubspotClock) -> None:
        async def scenario() -> None:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.sleep(100), 5)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 1000)

        before = utcnow()
        asyncio.run(scenario())
        assert after(before) == 1005

    def test_tasks_that_wait_for_each_other(self, hubspot_clock: HubspotClock) -> None:
        async def scenario() -> int:
            queue: asyncio.Queue[int] = asyncio.Queue()

            async def produce() -> None:
                for number in range(3):
                    await asyncio.sleep(60)
                    queue.put_nowait(number)

            async def consume() -> int:
                return sum([await queue.get() for _ in range(3)])

            consumer = asyncio.create_task(consume())
            await asyncio.wait([asyncio.create_task(produce()), consumer])
            return consumer.result()

        before = utcnow()
        assert asyncio.run(scenario()) == 3
        assert after(before) == 180

    @pytest.mark.parametrize("client", ["httpx", "aiohttp"])
    @pytest.mark.hubspot(rate_limits=True, rate_limit=2)
    def test_a_client_with_open_connections_waits_for_the_rate_limit(
        self,
        hubspot_sim: HubspotSim,
        hubspot_clock: HubspotClock,
        hubspot_installation: ConnectedInstallation,
        client: str,
    ) -> None:
        headers = {"Authorization": f"Bearer {hubspot_installation.access_token}"}

        async def calls(get: Callable[[], Awaitable[int]]) -> list[int]:
            statuses = await asyncio.gather(*(get() for _ in range(3)))
            await wait_in_a_tree(11)
            return [*sorted(statuses), await get()]

        async def scenario() -> list[int]:
            if client == "httpx":
                async with httpx.AsyncClient(base_url=hubspot_sim.url, headers=headers, timeout=GUARD) as session:

                    async def get() -> int:
                        return (await session.get(CONTACTS)).status_code

                    return await calls(get)
            async with aiohttp.ClientSession(hubspot_sim.url, headers=headers) as aio_session:

                async def get() -> int:
                    async with aio_session.get(CONTACTS) as answer:
                        await answer.read()
                        return answer.status

                return await calls(get)

        before = utcnow()
        assert asyncio.run(scenario()) == [200, 200, 429, 200]
        assert after(before) == 11

    @pytest.mark.parametrize("how", ["wait_for", "gather", "wait", "to_thread"])
    def test_time_does_not_jump_over_a_job_in_a_thread(self, hubspot_clock: HubspotClock, how: str) -> None:
        """A jump would be a timeout that never happened."""
        go = threading.Event()

        async def scenario() -> bool:
            loop = asyncio.get_running_loop()
            threading.Timer(0.05, go.set).start()
            sleeper: asyncio.Task[Any] = asyncio.create_task(asyncio.sleep(1800))
            job: asyncio.Future[Any] = loop.run_in_executor(None, go.wait, GUARD)
            if how == "wait_for":
                await asyncio.wait_for(job, 1800)
            elif how == "gather":
                await asyncio.wait([asyncio.gather(job, asyncio.sleep(0)), sleeper], return_when="FIRST_COMPLETED")
            elif how == "wait":
                await asyncio.wait([job, sleeper], return_when="FIRST_COMPLETED")
            elif how == "to_thread":
                await asyncio.wait_for(asyncio.shield(asyncio.to_thread(go.wait, GUARD)), 1800)
            return sleeper.cancel() and await job  # it sleeps still

        before = utcnow()
        assert asyncio.run(scenario()) is True
        assert utcnow() == before

    def test_a_timeout_that_runs_out_on_a_silent_peer_is_real(self, hubspot_clock: HubspotClock) -> None:
        async def scenario() -> None:
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(reader.read(), 0.05)
            writer.close()
            await writer.wait_closed()

        before = utcnow()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            asyncio.run(scenario())
        assert after(before) == 0.05

    def test_a_loop_in_another_thread_is_passed_by_advance(self, hubspot_clock: HubspotClock) -> None:
        started, done = threading.Event(), threading.Event()

        async def scenario() -> None:
            asyncio.get_running_loop().call_later(1800, done.set)
            started.set()
            while not done.is_set():
                await asyncio.sleep(0.01)

        thread = threading.Thread(target=lambda: asyncio.run(scenario()))
        thread.start()
        assert started.wait(20)
        hubspot_clock.advance(minutes=31)
        assert done.wait(20)
        thread.join(GUARD)

    @settings(max_examples=20)
    @given(st.lists(st.floats(0.0, 1e6, allow_subnormal=False), min_size=1, max_size=5))
    def test_gathered_sleeps_last_as_long_as_the_longest(self, seconds: list[float]) -> None:
        clock = HubspotClock(OffsetClock(ManualClock(1_700_000_000_000)), waiting="simulated")

        async def scenario() -> None:
            await asyncio.gather(*map(asyncio.sleep, seconds))

        clock.start()
        try:
            before = clock.now
            asyncio.run(scenario())
            assert -0.001 <= (clock.now - before).total_seconds() - max(seconds) < 0.001
        finally:
            clock.stop()


@simulated
class TestThreads:
    def test_a_timer_fires_as_the_clock_passes_it(self, hubspot_clock: HubspotClock) -> None:
        before = utcnow()
        seen: list[float] = []
        timer = threading.Timer(60, lambda: seen.append(after(before)))
        timer.start()
        hubspot_clock.advance(seconds=59)
        assert seen == []
        hubspot_clock.advance(minutes=30)
        timer.join(GUARD)
        assert seen == [60]

    def test_a_timer_that_sets_itself_again(self, hubspot_clock: HubspotClock) -> None:
        before = utcnow()
        seen: list[float] = []
        timers: list[threading.Timer] = []

        def again() -> None:
            if timers:
                seen.append(after(before))
            timers.append(threading.Timer(600, again))
            timers[-1].start()

        again()
        hubspot_clock.advance(minutes=31)
        timers[-1].cancel()
        for timer in timers:
            timer.join(GUARD)
        assert seen == [600, 1200, 1800]

    def test_a_timer_that_repeats_itself(self, hubspot_clock: HubspotClock) -> None:
        class Repeating(threading.Timer):
            def run(self) -> None:
                while not self.finished.wait(self.interval):
                    self.function()

        before = utcnow()
        seen: list[float] = []
        timer = Repeating(600, lambda: seen.append(after(before)))
        timer.start()
        hubspot_clock.advance(minutes=31)
        timer.cancel()
        timer.join(GUARD)
        assert seen == [600, 1200, 1800]

    def test_a_short_timer_is_real_too_and_can_be_cancelled(self, hubspot_clock: HubspotClock) -> None:
        seen: list[str] = []
        short, cancelled = threading.Timer(0.01, seen.append, ["short"]), threading.Timer(600, seen.append, ["no"])
        short.start()
        cancelled.start()
        short.join(GUARD)
        cancelled.cancel()
        cancelled.join(GUARD)
        hubspot_clock.advance(hours=1)
        assert seen == ["short"]

    def test_other_waits_of_other_threads_stay_real(self, hubspot_clock: HubspotClock) -> None:
        event, seen = threading.Event(), []
        thread = threading.Thread(target=lambda: seen.append(event.wait(GUARD)))
        thread.start()
        hubspot_clock.advance(hours=1)
        event.set()
        thread.join(GUARD)
        assert seen == [True]

    @pytest.mark.parametrize("kind", ["event", "queue", "condition"])
    def test_a_long_wait_of_the_tests_own_thread_is_named(
        self, hubspot_clock: HubspotClock, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        monkeypatch.setattr(threads_module, "_PATIENCE_SECONDS", 0.01)
        waits = {
            "event": lambda: threading.Event().wait(1800),
            "queue": lambda: Queue().get(timeout=1800),
            "condition": lambda: wait_on(threading.Condition()),
        }
        with pytest.raises(
            pytest.fail.Exception, match=rf"waited 0\.01 real seconds of 1800 s in .*{__file__}:\d+, in "
        ):
            waits[kind]()

    def test_a_wait_that_is_ended_in_time_is_not(
        self, hubspot_clock: HubspotClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = threading.Event()
        threading.Timer(0.01, event.set).start()
        assert event.wait(1800)
        with pytest.raises(Empty):
            Queue().get(timeout=0.01)

    def test_a_job_of_apscheduler_runs_at_its_time(self, hubspot_clock: HubspotClock) -> None:
        background = pytest.importorskip("apscheduler.schedulers.background")
        before = utcnow()
        seen: list[float] = []
        scheduler = background.BackgroundScheduler(timezone=timezone.utc)
        scheduler.add_job(lambda: seen.append(after(before)), "interval", seconds=600)
        scheduler.start()
        try:
            hubspot_clock.advance(minutes=31)
        finally:
            scheduler.shutdown()
        assert seen == [600, 1200, 1800]

    def test_a_job_of_apscheduler_in_asyncio(self, hubspot_clock: HubspotClock) -> None:
        module = pytest.importorskip("apscheduler.schedulers.asyncio")
        before = utcnow()
        seen: list[float] = []

        async def scenario() -> None:
            async def job() -> None:
                seen.append(after(before))

            scheduler = module.AsyncIOScheduler(timezone=timezone.utc)
            scheduler.add_job(job, "interval", seconds=600)
            scheduler.start()
            await asyncio.sleep(1801)
            scheduler.shutdown()

        asyncio.run(scenario())
        assert seen == [600, 1200, 1800]


class TestAnyiosPlugin:
    """It runs a test in one task while another waits for the outcome."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @simulated
    @pytest.mark.anyio
    @pytest.mark.timeout(GUARD)
    async def test_a_sleep_beside_an_idle_connection_moves_the_clock(
        self, hubspot_clock: HubspotClock, hubspot_intercept: HubspotSim
    ) -> None:
        async with httpx.AsyncClient(timeout=GUARD) as client:
            before = utcnow()
            for _ in range(3):
                assert (await client.get(f"https://api.hubapi.com{CONTACTS}")).status_code == 401
                await asyncio.gather(asyncio.sleep(1800), anyio.sleep(600))
        assert after(before) == 5400


async def wait_in_a_tree(seconds: float) -> None:
    """Sleep somewhere beneath tasks that wait for each other."""

    async def grouped() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, seconds)
            group.start_soon(anyio.sleep, 1)

    sleeps = asyncio.gather(asyncio.sleep(1), grouped())
    await asyncio.wait([asyncio.ensure_future(asyncio.shield(asyncio.wait_for(sleeps, seconds + 1)))])


def wait_on(condition: threading.Condition) -> None:
    with condition:
        condition.wait(1800)


def test_moving_back_passes_nothing(hubspot_clock: HubspotClock) -> None:
    async def scenario() -> float:
        before = asyncio.get_running_loop().time()
        hubspot_clock.advance(timedelta(minutes=-5))
        return asyncio.get_running_loop().time() - before

    with hubspot_clock.simulate_waiting():
        assert asyncio.run(scenario()) == 0
