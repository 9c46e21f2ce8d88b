"""The suite that a user's test class inherits from."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic

import pytest

from hubspot_simulator.core.printable import wrapped
from hubspot_simulator.lab.conformance.assess import assess
from hubspot_simulator.lab.conformance.bench import Bench
from hubspot_simulator.lab.conformance.probe import probe
from hubspot_simulator.lab.conformance.scenario import Result, Scenario
from hubspot_simulator.lab.conformance.scenarios import SCENARIOS

from ..marks import CLOCK_ARGUMENTS, mark_arguments, read_clock_argument
from ..options import SCENARIO

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # type checkers have it; the typing module's takes no default before 3.13

    from hubspot_simulator.lab.conformance.adapter_driver import AdapterDriver
    from hubspot_simulator.lab.conformance.connection import Connection
    from hubspot_simulator.lab.conformance.failures import AdapterError
    from hubspot_simulator.serving.server import SimulatorServer

    ClientT = TypeVar("ClientT", default=Any)
else:
    from typing import TypeVar

    ClientT = TypeVar("ClientT")


class _CollectedInSubclasses:
    """``__test__`` as pytest reads it: False for the suite itself, as good as absent for what inherits from it."""

    def __get__(self, instance: object, owner: type) -> bool:
        if owner is HubSpotRefreshSuite:
            return False
        raise AttributeError("__test__")


class HubSpotRefreshSuite(Generic[ClientT]):
    """Every known token-refresh bug as a test of your integration.

    Inherit from it and say how to ``connect`` a client and how it does a unit of ``work``::

        class TestMyIntegration(HubSpotRefreshSuite):
            def connect(self, connection):
                return MyClient(connection.tokens, base_url=connection.base_url)

            def work(self, client):
                client.sync_contacts()

    Every method may be ``async def``. Optional ones, without which some scenarios are not applicable:
    ``work_<name>(client)`` (further code paths), ``write(client)`` (creates one record with a POST),
    ``stored(client)`` (what a restart would find; it comes back as ``connection.stored``), ``prepare(client)`` (queues
    a unit of work and returns the callable that does it), ``is_connected(client)``, ``close(client)``,
    ``concurrency`` and ``several_apps``. docs/conformance.md has a whole one.
    """

    __test__ = _CollectedInSubclasses()

    concurrency: str | None = None
    """How ``work`` may be called at the same time on one client: ``"threads"``, ``"tasks"`` or None."""

    several_apps: bool = False
    """Whether the integration serves several HubSpot apps at once, each with a client id of its own."""

    if TYPE_CHECKING:

        def connect(self, connection: Connection, /) -> ClientT | Awaitable[ClientT]:
            """Build a client from what is known of a connected account."""

        def work(self, client: ClientT, /) -> object:
            """Do one unit of work that calls HubSpot at least once, and raise when it fails."""

        # What follows may be left out.

        def write(self, client: ClientT, /) -> object:
            """Create one record with a POST."""

        def stored(self, client: ClientT, /) -> object:
            """Return what a restart would find; it comes back as ``connection.stored``."""

        def prepare(self, client: ClientT, /) -> Callable[[], object] | Awaitable[Callable[[], object]]:
            """Queue a unit of work, and return the callable that does it."""

        def is_connected(self, client: ClientT, /) -> bool | Awaitable[bool]:
            """Return False once the user must connect again."""

        def close(self, client: ClientT, /) -> object:
            """Free what the client holds."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the scenario's settings to a test that a subclass overrides, to mark it xfail for instance."""
        super().__init_subclass__(**kwargs)
        for scenario in SCENARIOS.values():
            override = vars(cls).get(scenario.method)
            if isinstance(override, FunctionType) and scenario.settings:
                pytest.mark.hubspot(**scenario.settings)(override)


def _test(scenario: Scenario) -> Callable[[HubSpotRefreshSuite, pytest.FixtureRequest], None]:
    def test(self: HubSpotRefreshSuite, request: pytest.FixtureRequest) -> None:
        _run(self, request, scenario)

    test.__name__ = scenario.method
    test.__qualname__ = f"{HubSpotRefreshSuite.__qualname__}.{scenario.method}"
    test.__doc__ = f"{scenario.title}\n\n{scenario.doc}"
    return pytest.mark.hubspot(**scenario.settings)(test) if scenario.settings else test


def _run(adapter: HubSpotRefreshSuite, request: pytest.FixtureRequest, scenario: Scenario) -> None:
    """Run a scenario as the test that asks for it. Fails or skips that test."""
    from .bench import driver_of  # it loads the server and freezegun, which collecting a suite does not need

    driver = driver_of(adapter)
    server = request.getfixturevalue("hubspot_server")
    try:
        wrong = _probed(driver, request, server)
    except Exception as error:
        _note(request, Result(scenario, "failed", repr(error)))
        raise
    if wrong is not None:
        _note(request, Result(scenario, "failed", str(wrong), adapter_error=wrong.did))
        pytest.fail(wrapped(str(wrong)), pytrace=False)
    sim = request.getfixturevalue("hubspot_sim")
    clock = request.getfixturevalue("hubspot_clock")
    try:
        result = assess(scenario, driver, Bench(sim, server, clock))
    except Exception as error:
        _note(request, Result(scenario, "failed", repr(error)))
        raise
    _note(request, result)
    if result.outcome == "failed":
        pytest.fail(wrapped(result.reason), pytrace=False)
    if result.outcome == "not applicable":
        pytest.skip(f"not applicable: {result.reason}")


def _probed(driver: AdapterDriver, request: pytest.FixtureRequest, server: SimulatorServer) -> AdapterError | None:
    """Return what is wrong with the adapter. The settings are those of the class, not of the scenario."""
    from .bench import probe_bench  # as above

    given = mark_arguments(request.node.parent)
    clock = {name: read_clock_argument(name, given.pop(name)) for name in CLOCK_ARGUMENTS if name in given}
    settings = replace(request.getfixturevalue("hubspot_settings"), **given)
    name = f"{type(driver.adapter).__qualname__}/probe"
    return probe(driver, HubSpotRefreshSuite, _is_fixture, partial(probe_bench, server, settings, name, **clock))


def _is_fixture(value: object) -> bool:
    return type(value).__module__.startswith("_pytest.") or hasattr(value, "_pytestfixturefunction")


def _note(request: pytest.FixtureRequest, result: Result) -> None:
    """Leave the result with the test's report, which goes from worker to controller."""
    suite = request.node.nodeid.rpartition("::")[0]
    request.node.user_properties.append((SCENARIO, json.dumps({"suite": suite, **result.as_json()})))


for _scenario in SCENARIOS.values():
    setattr(HubSpotRefreshSuite, _scenario.method, _test(_scenario))
