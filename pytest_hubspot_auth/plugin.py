"""The pytest plugin: its options, mark, hooks and reports, and the fixtures of ``fixtures``.

Every pytest run of everybody who has the package installed imports this module: it imports nothing but pytest,
and the rest of the product only when something of it is used.
"""

from __future__ import annotations

from collections.abc import Generator
from types import FunctionType

import pytest

from . import around
from .fixtures import (
    SIMULATOR,
    SWEPT,
    _hubspot_sweep_point,
    hubspot_app,
    hubspot_clock,
    hubspot_installation,
    hubspot_intercept,
    hubspot_portal,
    hubspot_responses,
    hubspot_server,
    hubspot_settings,
    hubspot_sim,
)
from .given import (
    GIVEN,
    MARK,
    NOT_BY_MARK,
    OPTIONS,
    SCENARIO,
    SWEEP_FIXTURE,
    SWEEP_MARK,
    check_mark,
    read_given,
)

__all__ = [
    "_hubspot_sweep_point",
    "hubspot_app",
    "hubspot_clock",
    "hubspot_installation",
    "hubspot_intercept",
    "hubspot_portal",
    "hubspot_responses",
    "hubspot_server",
    "hubspot_settings",
    "hubspot_sim",
]

_FIXTURES = frozenset(__all__)


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
    group.addoption(
        "--hubspot-score-card",
        default=None,
        metavar="FILE",
        help="write the score cards of HubSpotRefreshSuite into a file, as JSON",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark and read the settings that are given, so that a wrong one ends the run at once."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(*, {', '.join(n for n in OPTIONS if n not in NOT_BY_MARK)}, now, utc_offset): settings of the HubSpot "
        "simulator for this test; now= pins the instant at which hubspot_clock starts, utc_offset= the local "
        "time of the code under test.",
    )
    config.addinivalue_line(
        "markers",
        f"{SWEEP_MARK}(*, calls, kinds=['expiry'], stride=1): run this test again for each of its calls of HubSpot's "
        "API, with the access token dead when that call arrives.",
    )
    config.stash[GIVEN] = read_given(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the protection of tests has started."""
    around.stop(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which settings are not the default, and where they came from."""
    given = config.stash[GIVEN]
    if not given:
        return None
    return "hubspot: " + ", ".join(f"{name}={value} ({source})" for name, (value, source) in given.items())


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> None:
    """Have tests with the mark ``hubspot_sweep`` use its fixture, before pytest reads which ones they use."""
    if isinstance(obj, FunctionType):
        swept = any(mark.name == SWEEP_MARK for mark in getattr(obj, "pytestmark", ()))
        if swept or collector.get_closest_marker(SWEEP_MARK):
            use = pytest.mark.usefixtures(SWEEP_FIXTURE)
            if not swept:
                collector.add_marker(use)  # not the function, which another class may inherit
            elif use.mark not in obj.pytestmark:  # type: ignore[attr-defined]
                use(obj)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test with the mark ``hubspot_sweep`` into its plain self and one for each point."""
    mark = metafunc.definition.get_closest_marker(SWEEP_MARK)
    if mark is not None and SWEEP_FIXTURE in metafunc.fixturenames:
        from .sweep import parametrize

        parametrize(metafunc, mark)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check the arguments of every mark before the first test runs."""
    for item in items:
        for mark in item.iter_markers(MARK):
            check_mark(item, mark)
        if item.get_closest_marker(SWEEP_MARK) and SWEEP_FIXTURE not in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(
                f"{item.nodeid}: @pytest.mark.{SWEEP_MARK} works on test functions and on methods of plain classes; "
                "a unittest.TestCase cannot be parametrized by pytest"
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Protect a test that is guarded or uses our fixtures, from the set-up of its fixtures to their teardown."""
    with around.protected(item, ours=not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Forget what the guard caught in an earlier run of the same test (pytest-rerunfailures)."""
    around.caught(item)
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test whose teardown called the real HubSpot."""
    yield
    for message in around.caught(item)[:1]:
        pytest.fail(message, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that called the real HubSpot or what the simulator does not serve, or has findings (``fail_on``).

    The first may have been swallowed by the code under test, or have happened in a thread; the second means that the
    test has not tested what it seems to. A sweep begins here and is judged last.
    """
    swept = item.stash.get(SWEPT, None)
    if swept is not None:
        swept.begin()
    yield
    for message in around.caught(item)[:1]:
        pytest.fail(message, pytrace=False)
    simulator = item.stash.get(SIMULATOR, None)
    if simulator is not None and (simulator.settings.strict or simulator.settings.fail_on != "off"):
        from .report import audit_failure, unserved

        message = (unserved(simulator) if simulator.settings.strict else "") or audit_failure(simulator)
        if message:
            pytest.fail(message, pytrace=False)
    if swept is not None:
        swept.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the journal to the report of a failed test."""
    report = yield
    simulator = item.stash.get(SIMULATOR, None)
    if simulator is not None and report.failed:
        from .report import audit_section, journal_section

        sections = journal_section(simulator), audit_section(simulator) if call.when == "call" else None
        report.sections += filter(None, sections)
    if report.failed:
        untold = [message for message in around.caught(item) if message not in report.longreprtext]
        report.sections += [("HubSpot guard", message) for message in untold[:1]]
    swept = item.stash.get(SWEPT, None)
    if swept is not None and call.when == "call":
        swept.note(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how the refresh suites did, which points of the sweeps failed, and which calls were left out."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    if any(_has(report, SCENARIO) for report in reports):
        from .kit.score import score_lines, write_json

        terminalreporter.section("HubSpot refresh score card")
        for line in score_lines(reports):
            terminalreporter.line(line)
        path = config.option.hubspot_score_card
        if path:
            try:
                write_json(reports, path)
            except OSError as error:
                terminalreporter.line(f"the score card could not be written: {error}", red=True)
    if any(_has(report, SWEEP_MARK) for report in reports):
        from .sweep import summary

        lines = summary(reports)
        if lines:
            terminalreporter.section("HubSpot expiry sweep")
            for line in lines:
                terminalreporter.line(line)


def _has(report: object, name: str) -> bool:
    return any(found == name for found, _ in getattr(report, "user_properties", ()))
