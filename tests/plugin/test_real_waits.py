"""The waits of the standard library and of workers stay real while frozen; code beneath them sees the frozen time."""

from __future__ import annotations

import multiprocessing.pool
import queue
import subprocess
import sys
import threading
import time
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubspot_simulator.core.clock import ManualClock, OffsetClock
from pytest_hubspot_auth import HubspotClock, HubspotSim

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def utcnow() -> datetime:
    return datetime.now(timezone.utc)


def every_time() -> tuple[float, ...]:
    return time.time(), time.monotonic(), time.perf_counter(), time.time_ns(), utcnow().timestamp()


class TestTimeoutsFire:
    def test_of_subprocess_run(self, hubspot_clock: HubspotClock) -> None:
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(SLEEPER, timeout=0.05, check=False)
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(SLEEPER, timeout=0.05, check=False, capture_output=True)

    def test_of_a_module_that_is_imported_while_frozen(self, pytester: pytest.Pytester) -> None:
        """As `import subprocess` in a test's own body would be, were it not loaded already."""
        pytester.makepyfile(
            """
            import sys

            def test_late(hubspot_clock):
                for name in ("subprocess", "multiprocessing.connection", "concurrent.futures._base"):
                    sys.modules.pop(name, None)
                import subprocess
                import pytest
                with pytest.raises(subprocess.TimeoutExpired):
                    subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.05)
                import concurrent.futures._base as base
                import multiprocessing.connection as connection
                import time
                assert time.monotonic() == time.monotonic()
                assert base.time.monotonic() < base.time.monotonic() + 1 < time.monotonic()
                assert connection.time.monotonic() < time.monotonic()
            """
        )
        pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)

    def test_of_queues(self, hubspot_clock: HubspotClock) -> None:
        with pytest.raises(queue.Empty):
            queue.Queue().get(timeout=0.01)
        full: queue.Queue[int] = queue.Queue(1)
        full.put(1)
        with pytest.raises(queue.Full):
            full.put(2, timeout=0.01)

    def test_of_futures(self, hubspot_clock: HubspotClock) -> None:
        release = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            try:
                job = pool.submit(release.wait)
                with pytest.raises(futures.TimeoutError):
                    job.result(timeout=0.01)
                with pytest.raises(futures.TimeoutError):
                    list(futures.as_completed([job], timeout=0.01))
                with pytest.raises(futures.TimeoutError):
                    list(pool.map(lambda _: release.wait(), [1], timeout=0.01))
                assert futures.wait([job], timeout=0.01).not_done == {job}
            finally:
                release.set()

    def test_of_locks(self, hubspot_clock: HubspotClock) -> None:
        condition = threading.Condition()
        with condition:
            assert condition.wait_for(lambda: False, timeout=0.01) is False
        assert threading.Semaphore(0).acquire(timeout=0.01) is False
        with pytest.raises(threading.BrokenBarrierError):
            threading.Barrier(2).wait(timeout=0.01)

    def test_of_processes(self, hubspot_clock: HubspotClock) -> None:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        with here, there:
            assert multiprocessing.connection.wait([here], timeout=0.01) == []
        waiting = context.Queue()
        with pytest.raises(queue.Empty):
            waiting.get(timeout=0.01)
        waiting.close()
        waiting.join_thread()


class TestCodeBeneathSeesTheFrozenTime:
    """Whole modules kept real would give it the real time."""

    def test_a_callback_of_a_finished_future(self, hubspot_clock: HubspotClock) -> None:
        hubspot_clock.advance(minutes=31)
        seen = []
        done: futures.Future[None] = futures.Future()
        done.set_result(None)
        done.add_done_callback(lambda _: seen.append(every_time()))
        pending: futures.Future[None] = futures.Future()
        pending.add_done_callback(lambda _: seen.append(every_time()))
        pending.set_result(None)
        assert seen == [every_time()] * 2

    def test_a_job_of_an_executor(self, hubspot_clock: HubspotClock) -> None:
        hubspot_clock.advance(minutes=31)
        with ThreadPoolExecutor(1, initializer=lambda: first.append(every_time())) as pool:
            first: list[tuple[float, ...]] = []
            assert pool.submit(every_time).result() == every_time()
            assert list(pool.map(lambda _: every_time(), [1])) == first == [every_time()]

    def test_a_job_of_a_pool_of_multiprocessing(self, hubspot_clock: HubspotClock) -> None:
        hubspot_clock.advance(minutes=31)
        with multiprocessing.pool.ThreadPool(1) as pool:
            assert pool.apply(every_time) == every_time()
            assert pool.map(lambda _: every_time(), [1, 2]) == [every_time()] * 2
            pool.close()
            pool.join()

    def test_what_a_condition_waits_for(self, hubspot_clock: HubspotClock) -> None:
        seen = []
        condition = threading.Condition()
        with condition:
            condition.wait_for(lambda: seen.append(every_time()), timeout=0.01)
        assert set(seen) == {every_time()}

    def test_an_entry_of_a_priority_queue(self, hubspot_clock: HubspotClock) -> None:
        seen = []

        class Entry:
            def __lt__(self, other: object) -> bool:
                seen.append(every_time())
                return True

        ordered: queue.PriorityQueue[Entry] = queue.PriorityQueue()
        ordered.put(Entry())
        ordered.put(Entry())
        assert seen == [every_time()]

    @pytest.mark.parametrize("name", ["github_sync", "queue_worker", "threading_tools", "selenium_like"])
    def test_a_module_whose_name_begins_like_one_of_them(self, pytester: pytest.Pytester, name: str) -> None:
        pytester.makepyfile(
            **{
                name: "import time\nfrom datetime import datetime, timezone\nfrom time import time as now\n"
                "def moments(): return time.time(), now(), datetime.now(timezone.utc).timestamp()\n"
            }
        )
        pytester.makepyfile(
            f"import time\nimport {name}\n"
            "def test_frozen(hubspot_clock):\n"
            "    hubspot_clock.advance(minutes=31)\n"
            f"    assert {name}.moments() == (time.time(),) * 3\n"
        )
        pytester.syspathinsert()
        pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


class TestWorkers:
    def test_the_body_of_a_celery_task_and_a_worker_that_stops(self, hubspot_clock: HubspotClock) -> None:
        celery = pytest.importorskip("celery")
        from celery.contrib.testing.worker import start_worker

        app = celery.Celery("here", broker="memory://", backend="cache+memory://", set_as_current=False)
        app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)
        task = app.task(every_time, name="every_time")
        hubspot_clock.advance(minutes=31)
        with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=60):
            assert tuple(task.delay().get(timeout=60)) == every_time()

    def test_sleeps_of_trio(self, hubspot_clock: HubspotClock) -> None:
        trio = pytest.importorskip("trio")

        async def scenario() -> tuple[float, ...]:
            await trio.sleep(0.01)
            with trio.move_on_after(0.01):
                await trio.sleep_forever()
            return every_time()

        assert trio.run(scenario) == every_time()


def test_an_example_of_hypothesis_whose_clock_is_moved_misses_no_deadline() -> None:
    clock = HubspotClock(OffsetClock(ManualClock(0)))
    examples = []

    @settings(deadline=timedelta(seconds=60), max_examples=5, database=None)
    @given(st.integers(1, 40))
    def example(minutes: int) -> None:
        before = utcnow()
        clock.advance(minutes=minutes)
        assert utcnow() - before == timedelta(minutes=minutes)
        examples.append(minutes)

    clock.start()
    try:
        example()
    finally:
        clock.stop()
    assert examples


def test_afterwards_all_is_as_before(hubspot_sim: HubspotSim) -> None:
    def names() -> dict[str, object]:
        return {
            f"{name}.{key}": value
            for name, module in list(sys.modules.items())
            for key, value in list(getattr(module, "__dict__", {}).items())
            if name.partition(".")[0] in ("subprocess", "concurrent", "multiprocessing", "hypothesis", "queue")
            and (key in ("time", "_time") or "monotonic" in key or "perf_counter" in key)
        }

    before = names()
    clock = HubspotClock(hubspot_sim.clock)
    clock.start()
    during = names()
    clock.stop()
    after = names()
    assert {name for name in after if after[name] is not before.get(name, after[name])} == set()
    assert {name for name in during if during[name] is not before.get(name)} >= {"concurrent.futures._base.time"}
