"""docs/waiting.md says what is so: each row of its table is executed, by default and with simulated waiting."""

from __future__ import annotations

import asyncio
import queue
import re
import sched
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import datetime, timedelta, timezone
from pathlib import Path

import anyio
import pytest
import requests
import tenacity
import trio
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from pytest_hubspot_auth import HubspotClock

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "waiting.md").read_text("utf-8")
ROWS = {cells[0]: cells[1:] for cells in re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)[1:]}
SHORT = 0.02  # seconds of what is really waited
LONG = 1800.0
GUARD = 60.0
KEPT = [time.sleep]  # as a default argument keeps it

Row = Callable[[HubspotClock, bool], str]
EXECUTED: dict[str, Row] = {}


def row(start: str) -> Callable[[Row], Row]:
    """Register what executes the row whose first cell begins so."""
    (name,) = [name for name in ROWS if name.startswith(start)]

    def register(function: Row) -> Row:
        EXECUTED[name] = function
        return function

    return register


def waited(clock: HubspotClock, seconds: float, wait: Callable[[], object]) -> str:
    """Wait in this thread, and return what that did."""
    before = clock.now
    wait()
    moved = (clock.now - before).total_seconds()
    assert moved in (0, pytest.approx(seconds, abs=0.001))
    return "moves the clock" if moved else "real"


def passed(clock: HubspotClock, ended: threading.Event, simulated: bool) -> str:
    """Move the clock past a wait of half an hour in another thread, and return what that did."""
    clock.advance(minutes=31)
    return "by `advance`" if ended.wait(20 if simulated else 0.1) else "real"


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("waiting", ["real", "simulated"])
def test_a_row(hubspot_clock: HubspotClock, name: str, waiting: str) -> None:
    assert name in EXECUTED, "no function of this module executes this row"
    simulated = waiting == "simulated"
    if simulated:
        hubspot_clock.simulate_waiting()
    assert EXECUTED[name](hubspot_clock, simulated) == ROWS[name][simulated]


@row("`time.sleep` in the test's")
def _(clock: HubspotClock, simulated: bool) -> str:
    return waited(clock, SHORT, lambda: time.sleep(SHORT))


@row("`time.sleep` in another")
def _(clock: HubspotClock, simulated: bool) -> str:
    thread = threading.Thread(target=lambda: time.sleep(SHORT))
    thread.start()
    return waited(clock, SHORT, lambda: thread.join(GUARD))


@row("`time.sleep` that was stored")
def _(clock: HubspotClock, simulated: bool) -> str:
    return waited(clock, SHORT, lambda: KEPT[0](SHORT))


@row("a poll")
def _(clock: HubspotClock, simulated: bool) -> str:
    deadline = time.monotonic() + 3 * SHORT

    def poll() -> None:
        for _ in range(10):
            if time.monotonic() >= deadline:
                return
            time.sleep(SHORT)

    outcome = waited(clock, 3 * SHORT, poll)
    return outcome if time.monotonic() >= deadline else "never"


@row("`sched")
def _(clock: HubspotClock, simulated: bool) -> str:
    scheduler = sched.scheduler()
    scheduler.enter(SHORT, 1, lambda: None)
    return waited(clock, SHORT, scheduler.run)


@row("`asyncio.sleep`, `anyio")
def _(clock: HubspotClock, simulated: bool) -> str:
    outcome = waited(clock, SHORT, lambda: asyncio.run(asyncio.sleep(SHORT)))
    assert waited(clock, SHORT, lambda: asyncio.run(anyio.sleep(SHORT))) == outcome
    return outcome


async def give_up(awaitable: Awaitable[object]) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(awaitable, SHORT)


@row("`asyncio.wait_for` on something")
def _(clock: HubspotClock, simulated: bool) -> str:
    async def scenario() -> None:
        await give_up(asyncio.Event().wait())

    return waited(clock, SHORT, lambda: asyncio.run(scenario()))


@row("`asyncio.wait_for` on a silent")
def _(clock: HubspotClock, simulated: bool) -> str:
    async def scenario(listener: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        await give_up(reader.read())
        writer.close()
        await writer.wait_closed()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        outcome = waited(clock, SHORT, lambda: asyncio.run(scenario(listener)))
    return "real" if outcome == "real" else f"real, then {outcome}"


@row("`loop.call_later`")
def _(clock: HubspotClock, simulated: bool) -> str:
    started, ended = threading.Event(), threading.Event()
    loop = asyncio.new_event_loop()

    def serve() -> None:
        loop.call_later(LONG, ended.set)
        loop.call_soon(started.set)
        loop.run_forever()
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert started.wait(20)
    try:
        return passed(clock, ended, simulated)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(GUARD)


@row("`asyncio.sleep` with uvloop")
def _(clock: HubspotClock, simulated: bool) -> str:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not for Windows")
    loop = uvloop.new_event_loop()
    try:
        return waited(clock, SHORT, lambda: loop.run_until_complete(asyncio.sleep(SHORT)))
    finally:
        loop.close()


@row("`trio")
def _(clock: HubspotClock, simulated: bool) -> str:
    return waited(clock, SHORT, lambda: trio.run(trio.sleep, SHORT))


@row("`threading.Timer`")
def _(clock: HubspotClock, simulated: bool) -> str:
    ended = threading.Event()
    timer = threading.Timer(LONG, ended.set)
    timer.start()
    try:
        return passed(clock, ended, simulated)
    finally:
        timer.cancel()
        timer.join(GUARD)


@row("APScheduler's `Background")
def _(clock: HubspotClock, simulated: bool) -> str:
    ended = threading.Event()
    scheduler = BackgroundScheduler(timezone=timezone.utc)
    scheduler.add_job(ended.set, "interval", seconds=LONG if simulated else SHORT)
    scheduler.start()
    try:
        if not simulated:
            return "real" if ended.wait(10 * SHORT) else "never"
        return passed(clock, ended, simulated)
    finally:
        scheduler.shutdown()


@row("APScheduler's `AsyncIO")
def _(clock: HubspotClock, simulated: bool) -> str:
    ran: list[datetime] = []

    async def scenario() -> None:
        scheduler = AsyncIOScheduler(timezone=timezone.utc)
        scheduler.add_job(lambda: ran.append(clock.now), "interval", seconds=LONG if simulated else SHORT)
        scheduler.start()
        await asyncio.sleep(LONG + 1 if simulated else 10 * SHORT)
        scheduler.shutdown()

    before = clock.now
    asyncio.run(scenario())
    if not ran:
        return "never"
    return "moves the clock" if ran == [before + timedelta(seconds=LONG)] else "real"


@row("tenacity")
def _(clock: HubspotClock, simulated: bool) -> str:
    stop = tenacity.stop_after_delay(3 * SHORT) | tenacity.stop_after_attempt(20)
    retrying = tenacity.Retrying(stop=stop, wait=tenacity.wait_fixed(SHORT))

    def retry() -> None:
        with pytest.raises(tenacity.RetryError):
            retrying(lambda: 1 / 0)

    before = clock.now
    retry()
    if retrying.statistics["attempt_number"] == 20:
        return "never"
    return "moves the clock" if clock.now > before else "real"


@row("urllib3")
def _(clock: HubspotClock, simulated: bool) -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    before = clock.now
    with requests.Session() as session:
        session.mount(url, HTTPAdapter(max_retries=Retry(2, backoff_factor=SHORT)))
        with pytest.raises(requests.exceptions.ConnectionError):  # nobody listens there any more
            session.get(url, timeout=GUARD)
    return "moves the clock" if clock.now > before else "real"


@row("`subprocess")
def _(clock: HubspotClock, simulated: bool) -> str:
    def run() -> None:
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=SHORT, check=False)

    return waited(clock, SHORT, run)


@row("`queue")
def _(clock: HubspotClock, simulated: bool) -> str:
    def wait() -> None:
        with pytest.raises(queue.Empty):
            queue.Queue().get(timeout=SHORT)
        with pytest.raises(TimeoutError if sys.version_info >= (3, 11) else Exception):
            Future().result(timeout=SHORT)
        condition = threading.Condition()
        with condition:
            assert not condition.wait_for(lambda: False, timeout=SHORT)

    return waited(clock, SHORT, wait)


@row("`socket")
def _(clock: HubspotClock, simulated: bool) -> str:
    def read() -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            socket.create_connection(listener.getsockname(), timeout=SHORT) as connection,
            pytest.raises(TimeoutError),
        ):
            connection.recv(1)

    return waited(clock, SHORT, read)
