"""The scenarios drive whatever a ClientDriver drives: here a program of its own, without pytest's side or freezegun."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from hubspot_simulator import Simulator, SimulatorServer
from hubspot_simulator.core.clock import OffsetClock
from hubspot_simulator.core.exchange import Exchange
from hubspot_simulator.lab.conformance.assess import assess
from hubspot_simulator.lab.conformance.bench import Bench
from hubspot_simulator.lab.conformance.connection import Connection
from hubspot_simulator.lab.conformance.scenario import Result
from hubspot_simulator.lab.conformance.scenarios import SCENARIOS
from hubspot_simulator.settings import Settings

NOW_MS = 1_795_428_000_000  # 2026-11-23T10:00:00Z

# It reads what it knows and what time it is from its input, and writes what it knows now.
PROGRAM = """
import json, sys, urllib.parse, urllib.request

def send(url, form=None, **headers):
    body = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as response:
        return json.load(response)

known = json.load(sys.stdin)
if known["refreshes"] and known["now_ms"] >= known["expires_at_ms"] - 60_000:
    form = {"grant_type": "refresh_token", **{name: known[name] for name in ("client_id", "client_secret")}}
    form["refresh_token"] = known["tokens"]["refresh_token"]
    known["tokens"] = send(known["base_url"] + "/oauth/2026-09/token", form)
    known["expires_at_ms"] = known["now_ms"] + 1000 * known["tokens"]["expires_in"]
token = known["tokens"]["access_token"]
send(known["base_url"] + "/crm/v3/objects/contacts", Authorization="Bearer " + token)
json.dump(known, sys.stdout)
"""


class ProgramFailed(Exception):
    """The program ended with an error; the message is the last line that it wrote about it."""


class BothClocks:
    """A clock that is told to the program, and that of the simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._server = simulator.clock
        self.client = OffsetClock(_Still())

    def advance(self, delta: timedelta | None = None, /, **parts: float) -> None:
        self._server.advance(delta, **parts)
        self.client.advance(delta, **parts)


class _Still:
    def now_ms(self) -> int:
        return NOW_MS


class ProgramDriver:
    """Drives a program: a client is what it knows, as a dictionary."""

    name = "Program"
    errors = (ProgramFailed,)
    concurrency: str | None = None

    def __init__(self, clock: BothClocks, *, refreshes: bool) -> None:
        self._clock = clock
        self._refreshes = refreshes
        self.units = ["work"]
        self.seen = 0

    def check(self) -> None:
        pass

    def offers(self, part: str) -> bool:
        return part in ("connect", "work")

    def part(self, name: str) -> Callable[[Any], Any]:
        return self._connect if name == "connect" else self._work

    def run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return call(*arguments)

    def run_concurrently(self, calls: Sequence[Callable[[], Any]]) -> list[BaseException | None]:
        raise NotImplementedError

    @contextmanager
    def attached(self, cut: Callable[[], object]) -> Iterator[None]:
        yield

    def saw(self, exchange: Exchange) -> None:
        self.seen += 1

    def close(self) -> None:
        pass

    def _connect(self, connection: Connection) -> dict[str, Any]:
        return {
            "base_url": connection.base_url,
            "client_id": connection.client_id,
            "client_secret": connection.client_secret,
            "tokens": dict(connection.tokens),
            "expires_at_ms": self._clock.client.now_ms() + 1000 * connection.tokens["expires_in"],
            "refreshes": self._refreshes,
        }

    def _work(self, client: dict[str, Any]) -> None:
        told = json.dumps({**client, "now_ms": self._clock.client.now_ms()})
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(command, input=told, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise ProgramFailed(done.stderr.strip().splitlines()[-1])
        client.update(json.loads(done.stdout))


@pytest.fixture
def bench() -> Iterator[Bench]:
    simulator = Simulator(Settings(), clock=OffsetClock(_Still()))
    with SimulatorServer(simulator) as server:
        yield Bench(simulator, server, BothClocks(simulator))


def drive(bench: Bench, scenario: str, *, refreshes: bool) -> tuple[Result, ProgramDriver]:
    assert isinstance(bench.clock, BothClocks)
    driver = ProgramDriver(bench.clock, refreshes=refreshes)
    return assess(SCENARIOS[scenario], driver, bench), driver


def test_a_program_that_refreshes_passes(bench: Bench) -> None:
    result, driver = drive(bench, "survives-minute-31", refreshes=True)
    assert (result.outcome, result.reason) == ("passed", "")
    assert driver.seen == 3


def test_a_program_that_does_not_refresh_fails_with_its_own_words(bench: Bench) -> None:
    result, _ = drive(bench, "survives-minute-31", refreshes=False)
    assert result.outcome == "failed"
    assert result.reason.startswith(
        "survives-minute-31: work() raised ProgramFailed: urllib.error.HTTPError: HTTP Error 401: "
    )
    assert result.findings == ("no-refresh-after-expiry",)


def test_the_clock_of_a_program_alone_is_moved(bench: Bench) -> None:
    result, _ = drive(bench, "survives-a-slow-clock", refreshes=True)
    assert result.outcome == "passed"
    result, _ = drive(bench, "tolerates-a-fast-clock", refreshes=False)
    assert result.outcome == "failed"


def test_what_a_program_does_not_offer_is_not_applicable(bench: Bench) -> None:
    result, driver = drive(bench, "one-refresh-for-many", refreshes=True)
    assert result.outcome == "not applicable"
    assert driver.seen == 0
