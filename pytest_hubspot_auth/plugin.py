"""The pytest plugin: options, mark, fixtures and reports.

Every pytest run of everybody who has the package installed imports this module: it imports nothing but pytest,
and the rest of the product only when something of it is used.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hubspot_simulator.core.connected import ConnectedInstallation
    from hubspot_simulator.core.model import App, Portal
    from hubspot_simulator.core.simulator import Simulator
    from hubspot_simulator.server import SimulatorServer
    from hubspot_simulator.settings import Settings

    from .clock import HubspotClock
    from .guard import Guard
    from .handle import HubspotSim
    from .responses_bridge import HubspotResponses

# The names and help of hubspot_simulator.settings, which is not imported for them; a test compares the two.
OPTIONS = {
    "token_ttl": "lifetime of an access token in seconds",
    "expires_in": "what a token response says of the lifetime: the truth, nothing (absent), or a number of seconds",
    "token_length": "characters of an access token, up to 512; 0 is the natural length of about 186",
    "code_ttl": "lifetime of an authorization code in seconds",
    "refresh_rotation": "give a new refresh token at each refresh and end the old one",
    "wire": "form of the 401: as recorded from HubSpot, or the three members that guides print",
    "token_errors": "form of the token endpoint's errors: since 2026, or before",
    "bad_refresh_error": "RFC 6749 error of BAD_REFRESH_TOKEN for an unknown refresh token",
    "metadata_error": "status of the v1 token metadata for a token that is expired or unknown",
    "basic_auth": "accept HTTP Basic client authentication at the token endpoint",
    "bearer_case": "accept the scheme Bearer in any case, or exactly so written",
    "after_uninstall": "access tokens of an uninstalled app: alive until they expire, or dead",
    "v1_sunset": "end of OAuth v1: never, on 2027-02-16 by the simulator's clock, or now",
    "consent": "answer of /oauth/authorize: approve at once, or show the consent page",
    "rate_limits": "enforce the rate limits below, on the simulator's clock",
    "rate_limit": "calls per app and account in any ten seconds",
    "rate_limit_daily": "calls of a private app per day",
    "rate_limit_token": "calls of the token endpoint per app and second; 0 sets no limit",
    "random_seed": "where ids and tokens come from; any text",
    "strict": "fail a test that calls an endpoint the simulator does not serve",
    "guard": "fail a test that would reach the real HubSpot",
    "hosts": "further host names that are HubSpot's to your code, separated by spaces",
    "host": "address to bind",
    "port": "port to bind; 0 takes a free one",
}
MARK = "hubspot"
_NOT_BY_MARK = ("hosts", "host", "port")  # the server is the session's

_given: pytest.StashKey[dict[str, tuple[Any, str]]] = pytest.StashKey()
_simulator: pytest.StashKey[Simulator] = pytest.StashKey()
_guard: pytest.StashKey[Guard] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add an option and an ini setting for each setting."""
    group = parser.getgroup("hubspot", "HubSpot simulator")
    for name, text in OPTIONS.items():
        group.addoption(
            f"--hubspot-{name.replace('_', '-')}",
            dest=f"hubspot_{name}",
            default=None,
            metavar="VALUE",
            help=text,
        )
        parser.addini(f"hubspot_{name}", text, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark and read the settings that are given, so that a wrong one ends the run at once."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(*, {', '.join(n for n in OPTIONS if n not in _NOT_BY_MARK)}, now): settings of the HubSpot "
        "simulator for this test; now= pins the instant at which hubspot_clock starts.",
    )
    config.stash[_given] = _read_given(config)


def _read_given(config: pytest.Config) -> dict[str, tuple[Any, str]]:
    """Return the settings that are given, each with its source; the command line wins, the ini file loses."""
    texts: dict[str, tuple[str, str]] = {}
    for name in OPTIONS:
        variable = f"PYTEST_HUBSPOT_{name.upper()}"
        for text, source in (
            (config.getoption(f"hubspot_{name}"), f"command line --hubspot-{name.replace('_', '-')}"),
            (os.environ.get(variable), f"environment variable {variable}"),
            (config.getini(f"hubspot_{name}"), f"ini hubspot_{name}"),
        ):
            if text is not None:
                texts[name] = (text, source)
                break
    if not texts and not any(variable.startswith("PYTEST_HUBSPOT_") for variable in os.environ):
        return {}

    from hubspot_simulator import settings

    try:
        settings.from_environment(os.environ)
    except settings.SettingError as error:
        raise pytest.UsageError(str(error)) from None
    values = {}
    for name, (text, source) in texts.items():
        try:
            values[name] = (settings.read(name, text), source)
        except settings.SettingError as error:
            raise pytest.UsageError(f"{source}: {error}") from None
    return values


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which settings are not the default, and where they came from."""
    given = config.stash[_given]
    if not given:
        return None
    return "hubspot: " + ", ".join(f"{name}={value} ({source})" for name, (value, source) in given.items())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check the arguments of every mark before the first test runs."""
    for item in items:
        for mark in item.iter_markers(MARK):
            _check_mark(item, mark)


def _check_mark(item: pytest.Item, mark: pytest.Mark) -> None:
    from hubspot_simulator import settings

    where = f"{item.nodeid}: @pytest.mark.{MARK}"
    if mark.args:
        raise pytest.UsageError(f"{where} takes keywords only, such as token_ttl=60; got {mark.args!r}")
    for name, value in mark.kwargs.items():
        try:
            if name == "now":
                from .clock import parse_now

                parse_now(value)
            elif name in _NOT_BY_MARK:
                raise ValueError(f"{name!r} is a setting of the session's server: set it by ini or command line")
            else:
                settings.read(name, value)
        except ValueError as error:
            raise pytest.UsageError(f"{where}: {error}") from None


def _mark_arguments(item: Any) -> dict[str, Any]:
    """Return the arguments of the marks on an item, the closest winning."""
    arguments: dict[str, Any] = {}
    for mark in item.iter_markers(MARK):
        arguments = {**mark.kwargs, **arguments}
    return arguments


@pytest.fixture(scope="session")
def hubspot_settings(pytestconfig: pytest.Config) -> Settings:
    """The simulator's settings; override it to change them. A mark on a test wins over it."""
    from hubspot_simulator.settings import Settings

    return Settings(**{name: value for name, (value, _) in pytestconfig.stash[_given].items()})


@pytest.fixture(scope="session")
def hubspot_server(hubspot_settings: Settings) -> Iterator[SimulatorServer]:
    """The running server, one for the session; ``hubspot_sim`` gives it a fresh simulator for each test."""
    from hubspot_simulator.core.simulator import Simulator
    from hubspot_simulator.server import SimulatorServer
    from hubspot_simulator.settings import Settings

    if not isinstance(hubspot_settings, Settings):
        pytest.fail(
            f"the fixture hubspot_settings gave {hubspot_settings!r}: override it with one that returns "
            "pytest_hubspot_auth.Settings(...)",
            pytrace=False,
        )
    server = SimulatorServer(Simulator(hubspot_settings))
    problem = ""
    try:
        server.start()
    except OSError as error:
        problem = str(error)
    if problem:  # outside of the except clause, or the report would show both
        if os.environ.get("PYTEST_XDIST_WORKER"):
            problem += " Under xdist each worker has a server of its own: leave the port at 0."
        pytest.fail(f"the HubSpot simulator cannot start: {problem}", pytrace=False)
    yield server
    server.stop()


@pytest.fixture
def hubspot_sim(
    request: pytest.FixtureRequest, hubspot_settings: Settings, hubspot_server: SimulatorServer
) -> HubspotSim:
    """A fresh HubSpot for this test: ``hubspot_sim.url`` is what to call instead of https://api.hubapi.com."""
    from dataclasses import replace

    from .clock import FollowingClock
    from .handle import HubspotSim

    by_mark = {name: value for name, value in _mark_arguments(request.node).items() if name != "now"}
    settings = replace(hubspot_settings, **by_mark) if by_mark else hubspot_settings
    simulator = HubspotSim(hubspot_server, settings, FollowingClock(), request.node.nodeid)
    request.node.stash[_simulator] = simulator
    return simulator


@pytest.fixture
def hubspot_app(hubspot_sim: HubspotSim) -> App:
    """The app under test, as registered with HubSpot: ``client_id``, ``client_secret``, ``redirect_uri``."""
    return hubspot_sim.app


@pytest.fixture
def hubspot_portal(hubspot_sim: HubspotSim) -> Portal:
    """The HubSpot account."""
    return hubspot_sim.portal


@pytest.fixture
def hubspot_installation(hubspot_sim: HubspotSim) -> ConnectedInstallation:
    """The app, connected to the account: ``access_token``, ``refresh_token``, ``token_response`` and so on.

    The access token is issued when it is first read.
    """
    return hubspot_sim.installation


@pytest.fixture
def hubspot_clock(request: pytest.FixtureRequest, hubspot_sim: HubspotSim) -> Iterator[HubspotClock]:
    """One clock for the code under test and the simulator, frozen: ``hubspot_clock.advance(minutes=31)``."""
    from .clock import HubspotClock, parse_now

    now = _mark_arguments(request.node).get("now")
    clock = HubspotClock(hubspot_sim.clock, None if now is None else parse_now(now))
    clock.start()
    try:
        yield clock
    finally:
        clock.stop()


@pytest.fixture
def hubspot_responses(hubspot_sim: HubspotSim, hubspot_server: SimulatorServer) -> Iterator[HubspotResponses]:
    """Calls of `requests` to https://api.hubapi.com and HubSpot's other hosts, answered in process."""
    from .responses_bridge import HubspotResponses

    bridge = HubspotResponses(hubspot_server.app, hubspot_server.url)
    bridge.start()
    try:
        yield bridge
    finally:
        bridge.stop()


@pytest.fixture
def hubspot_intercept(hubspot_sim: HubspotSim) -> Iterator[None]:
    """Every Python HTTP client reaches the simulator at https://api.hubapi.com, over TLS, at the socket."""
    with hubspot_sim.intercept():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Watch over a guarded test from the set-up of its fixtures to their teardown."""
    session_wide = item.config.stash[_given].get("guard", (False, ""))[0]
    if not _mark_arguments(item).get("guard", session_wide):
        return (yield)
    from hubspot_simulator.hosts import matcher

    from .guard import Guard

    guard = item.stash[_guard] = Guard(matcher(item.config.stash[_given].get("hosts", ("", ""))[0]))
    with guard.watching():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that called the real HubSpot, or what the simulator does not serve.

    The first may have been swallowed by the code under test, or have happened in a thread; the second means that the
    test has not tested what it seems to.
    """
    yield
    guard = item.stash.get(_guard, None)
    if guard is not None and guard.caught:
        pytest.fail(guard.caught[0], pytrace=False)
    simulator = item.stash.get(_simulator, None)
    if simulator is not None and simulator.settings.strict:
        from .report import unserved

        message = unserved(simulator)
        if message:
            pytest.fail(message, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the journal to the report of a failed test."""
    report = yield
    simulator = item.stash.get(_simulator, None)
    if simulator is not None and report.failed:
        from .report import journal_section

        report.sections.append(journal_section(simulator))
    return report
