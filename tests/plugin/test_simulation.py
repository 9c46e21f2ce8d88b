"""A simulator and its clock without fixtures: a context manager and a decorator."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import subprocess
import sys
import threading
import time
import unittest
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests

from pytest_hubspot_auth import HubspotSim, Settings, Simulation, hubspot_simulation
from pytest_hubspot_auth.routing import audit_hook

CONTACTS = "/crm/v3/objects/contacts"
REAL_DATETIME = datetime(2026, 1, 1)
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "unittest_case" / "test_unittest_case.py"


def status(sim: Simulation, base: str = "") -> int:
    headers = {"Authorization": f"Bearer {sim.installation.access_token}"}
    return requests.get((base or sim.url) + CONTACTS, headers=headers, timeout=60).status_code


def test_the_context_manager_has_the_clock_and_all_of_the_fixture() -> None:
    real = datetime
    with hubspot_simulation(now="2031-05-06T07:08:09Z", token_ttl=60) as sim:
        assert datetime.now(timezone.utc) == sim.clock.now == real(2031, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
        assert status(sim) == 200
        sim.clock.advance(seconds=61)
        assert status(sim) == 401
        sim.assert_called("GET", CONTACTS, times=2)
        assert [exchange.status for exchange in sim.journal.exchanges] == [200, 401]
        assert "no-refresh-after-expiry" in str(sim.audit()[0])
        sim.inject("SERVICE_UNAVAILABLE")
        assert sim.client_kwargs["host"] == sim.url
        with sim.intercept():
            assert status(sim, "https://api.hubapi.com") in (401, 503)
    assert abs(datetime.now(timezone.utc) - real.now(timezone.utc)) < timedelta(minutes=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(sim.url, timeout=60)


def test_the_settings_cannot_be_assigned_and_the_error_says_what_to_do() -> None:
    with (
        hubspot_simulation(token_ttl=60) as sim,
        pytest.raises(AttributeError, match=r"read-only.*; give them to hubspot_simulation\(token_ttl=60\)$"),
    ):
        sim.settings = Settings(token_ttl=90)  # type: ignore[misc]
    assert sim.settings.token_ttl == 60


def test_the_settings_of_the_fixture_cannot_be_assigned(hubspot_sim: HubspotSim) -> None:
    with pytest.raises(AttributeError, match=r"read-only.*; .*@pytest\.mark\.hubspot\(token_ttl=60\), or override"):
        hubspot_sim.settings = Settings(token_ttl=90)  # type: ignore[misc]


@pytest.mark.hubspot(guard=False)  # the proxy for the children of this repository's tests stays to their end
def test_nothing_is_left_running() -> None:
    before = set(threading.enumerate())
    with hubspot_simulation(intercept=True) as sim:
        assert status(sim, "https://api.hubapi.com") == 200
    assert set(threading.enumerate()) <= before  # some may end meanwhile


def test_hosts_are_answered_in_process() -> None:
    with hubspot_simulation(responses=True) as sim:
        assert status(sim, "https://api.hubapi.com") == 200


def test_waiting_can_be_simulated() -> None:
    with hubspot_simulation(waiting="simulated") as sim:
        assert status(sim) == 200
        time.sleep(1800)
        assert status(sim) == 401


def test_a_function_is_decorated() -> None:
    @hubspot_simulation(token_ttl=60)
    def scenario(number: int, *, sim: Simulation) -> tuple[int, int]:
        return number, sim.settings.token_ttl

    @hubspot_simulation
    def without(number: int) -> int:
        before = datetime.now(timezone.utc)
        assert datetime.now(timezone.utc) == before
        return number

    # The types keep `sim`, for a ParamSpec cannot lose a keyword.
    assert scenario(1) == scenario(1) == (1, 60)  # type: ignore[call-arg]
    assert without(2) == 2


def test_other_arguments_may_come_by_position() -> None:
    @hubspot_simulation()
    def first(sim: Simulation, number: int) -> tuple[int, int]:
        return status(sim), number

    class Job:
        @hubspot_simulation()
        def second(self, sim: Simulation, number: int, *more: int) -> tuple[int, int, tuple[int, ...]]:
            return status(sim), number, more

    @hubspot_simulation()
    def last(number: int, *, sim: Simulation) -> tuple[int, int]:
        return status(sim), number

    assert (first(7), last(7)) == ((200, 7), (200, 7))  # type: ignore[call-arg]
    assert Job().second(7, 8, 9) == (200, 7, (8, 9))


def test_a_coroutine_function_is_decorated() -> None:
    @hubspot_simulation(waiting="simulated")
    async def scenario(sim: Simulation) -> list[int]:
        headers = {"Authorization": f"Bearer {sim.installation.access_token}"}
        async with httpx.AsyncClient(base_url=sim.url, headers=headers, timeout=60) as client:
            first = (await client.get(CONTACTS)).status_code
            await asyncio.sleep(1800)
            return [first, (await client.get(CONTACTS)).status_code]

    assert asyncio.run(scenario()) == [200, 401]


@hubspot_simulation()
def test_pytest_takes_the_handle_for_no_fixture(sim: Simulation, tmp_path: Path) -> None:
    assert status(sim) == 200
    assert tmp_path.is_dir()


@hubspot_simulation()
class TestMethods:
    @staticmethod
    def test_a_static_one(sim: Simulation) -> None:
        assert status(sim) == 200

    @classmethod
    def test_of_the_class(cls, sim: Simulation) -> None:
        assert status(sim) == 200

    def test_one(self, sim: Simulation) -> None:
        assert status(sim) == 200

    @pytest.mark.parametrize("minutes", [29, 31])
    def test_another(self, sim: Simulation, minutes: int) -> None:
        token = sim.installation.access_token
        sim.clock.advance(minutes=minutes)
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.get(sim.url + CONTACTS, headers=headers, timeout=60)
        assert answer.status_code == (200 if minutes < 30 else 401)


@hubspot_simulation()
def two_calls(sim: Simulation) -> Iterator[int]:
    yield status(sim)
    sim.clock.advance(minutes=31)
    yield requests.get(sim.url + CONTACTS, timeout=60).status_code


def test_a_generator_is_decorated_until_it_ends() -> None:
    assert inspect.isgeneratorfunction(two_calls)
    calls = two_calls()
    assert next(calls) == 200
    assert type(datetime.now()) is not type(REAL_DATETIME)
    assert list(calls) == [401]
    assert type(datetime.now()) is type(REAL_DATETIME)
    next(begun := two_calls())
    begun.close()
    assert type(datetime.now()) is type(REAL_DATETIME)


def test_an_asynchronous_generator_is_decorated_until_it_ends() -> None:
    @hubspot_simulation()
    async def moments(sim: Simulation) -> AsyncIterator[datetime]:
        yield sim.clock.now
        sim.clock.advance(minutes=31)
        yield sim.clock.now

    async def all_of_them() -> list[datetime]:
        return [moment async for moment in moments()]

    first, last = asyncio.run(all_of_them())
    assert last - first == timedelta(minutes=31)
    assert type(datetime.now()) is type(REAL_DATETIME)


@pytest.fixture
@hubspot_simulation()
def connected(sim: Simulation) -> Iterator[Simulation]:
    yield sim
    assert sim.clock.now  # it is still on


def test_a_fixture_is_decorated(connected: Simulation) -> None:
    assert status(connected) == 200
    connected.clock.advance(minutes=31)


def run(case: type[unittest.TestCase]) -> unittest.TestResult:
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


def test_a_test_case_has_a_fresh_one_for_each_test() -> None:
    urls = []

    @hubspot_simulation(strict=False)
    class Case(unittest.TestCase):
        sim: Simulation

        def setUp(self) -> None:
            self.status = status(self.sim)

        def test_one(self) -> None:
            urls.append(self.sim.installation.access_token)
            self.sim.clock.advance(minutes=31)
            assert len(self.sim.journal.exchanges) == 1

        test_two = test_one

    result = run(Case)
    assert (result.testsRun, result.errors, result.failures) == (2, [], [])
    assert len(set(urls)) == 2


def test_an_asynchronous_test_case() -> None:
    @hubspot_simulation(waiting="simulated")
    class Case(unittest.IsolatedAsyncioTestCase):
        sim: Simulation

        async def test_one(self) -> None:
            before = self.sim.clock.now
            await asyncio.sleep(1800)
            assert self.sim.clock.now - before == timedelta(seconds=1800)

    result = run(Case)
    assert (result.testsRun, result.errors, result.failures) == (1, [], [])


def test_what_is_not_served_fails_by_itself() -> None:
    def call(sim: Simulation) -> None:
        requests.get(sim.url + "/no/such/path", timeout=60)

    with pytest.raises(AssertionError, match=r"does not serve[\s\S]*/no/such/path[\s\S]*hubspot_simulation\(strict=F"):
        hubspot_simulation(call)()
    hubspot_simulation(strict=False)(call)()

    @hubspot_simulation()
    class Case(unittest.TestCase):
        def test_one(self) -> None:
            call(self.sim)  # type: ignore[attr-defined]

    assert len(run(Case).failures) == 1


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes of exceptions are there from Python 3.11 on")
def test_a_failure_shows_the_journal() -> None:
    @hubspot_simulation
    def failing(sim: Simulation) -> None:
        status(sim)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as raised:
        failing()
    assert "GET /crm/v3/objects/contacts 200" in "\n".join(raised.value.__notes__)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (
            {"tokenttl": 60},
            TypeError,
            r"got 'tokenttl' \(did you mean 'token_ttl'\?\): expected any of intercept, responses, now, utc_offset",
        ),
        ({"token_ttl": "soon"}, ValueError, "token_ttl='soon': expected an integer"),
        ({"now": "soon"}, ValueError, "now='soon': expected an ISO 8601 instant"),
    ],
)
def test_what_it_does_not_take(wrong: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hubspot_simulation(**wrong)


class TestA3TheGuard:
    """A simulation is guarded as a test with fixtures is, and loopback takes no proxy (A4)."""

    def test_the_real_hubspot_is_out_of_reach_though_the_code_swallows_the_failure(self) -> None:
        def look_up() -> None:
            with suppress(BaseException):
                socket.getaddrinfo("api.hubapi.com", 443)

        with pytest.raises(
            AssertionError,
            match=r"(?s)about to call api\.hubapi\.com.*hubspot_simulation\(intercept=True\).*"
            r"hubspot_simulation\(responses=True\).*sim\.url.*hubspot_simulation\(guard=False",
        ):
            hubspot_simulation(look_up)()

        @hubspot_simulation()
        class Case(unittest.TestCase):
            def test_one(self) -> None:
                look_up()

        assert len(run(Case).failures) == 1

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="errors have no notes before Python 3.11")
    def test_another_error_that_follows_has_it_as_a_note(self) -> None:
        @hubspot_simulation()
        def scenario() -> None:
            with suppress(BaseException):
                socket.getaddrinfo("api.hubapi.com", 443)
            raise ValueError("there is no answer")

        with pytest.raises(ValueError, match="there is no answer") as caught:
            scenario()
        notes = "".join(getattr(caught.value, "__notes__", ()))
        assert "about to call api.hubapi.com" in notes
        assert "hubspot_simulation(guard=False)" in notes

    def test_it_can_be_switched_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked_up: list[object] = []

        def answer(host: object, *_: object) -> list[object]:
            looked_up.append(host)
            return []

        with hubspot_simulation(guard=False):
            monkeypatch.setattr(socket, "getaddrinfo", answer)
            socket.getaddrinfo("api.hubapi.com", 443)
        assert looked_up == ["api.hubapi.com"]

    def test_afterwards_nothing_is_watched_and_the_environment_is_as_before(self) -> None:
        before, watchers = dict(os.environ), list(audit_hook._watchers)
        with hubspot_simulation():
            assert "127.0.0.1" in os.environ["NO_PROXY"]
            assert len(audit_hook._watchers) == len(watchers) + 1
        assert (dict(os.environ), audit_hook._watchers) == (before, watchers)

    def test_a_proxy_in_the_environment_does_not_get_its_calls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with hubspot_simulation() as sim:
            assert status(sim) == 200


def test_the_example_runs_without_pytest(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLE)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Ran 2 tests" in done.stderr


class TestMistakes:
    """What is wrong is told at once, with what was meant."""

    def test_a_misspelt_argument(self) -> None:
        with pytest.raises(TypeError, match=r"got 'intercep' \(did you mean 'intercept'\?\): expected any of"):
            hubspot_simulation(intercep=True)

    def test_a_positional_argument(self) -> None:
        with pytest.raises(TypeError, match=r"takes only keyword arguments, such as token_ttl=60; got 60"):
            hubspot_simulation(60)  # type: ignore[call-overload]

    @pytest.mark.parametrize("name", ["intercept", "responses"])
    def test_a_choice_that_is_none(self, name: str) -> None:
        with pytest.raises(ValueError, match=f"{name}='yes': expected True or False"):
            hubspot_simulation(**{name: "yes"})  # type: ignore[call-overload]

    def test_no_with(self) -> None:
        with pytest.raises(AttributeError, match=r"with hubspot_simulation\(\) as sim: sim\.install"):
            hubspot_simulation().install()  # type: ignore[attr-defined]

    def test_the_clock_after_the_end(self) -> None:
        with hubspot_simulation() as sim:
            pass
        with pytest.raises(RuntimeError, match=r"outside its test, or its `with hubspot_simulation\(\)`"):
            sim.clock.advance(minutes=31)
