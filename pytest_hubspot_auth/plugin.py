"""The pytest plugin: its options, mark, hooks and reports, and the fixtures of ``fixtures``.

Every pytest run imports this module where the package is installed. It imports pytest and the table of the settings,
and the rest of the product inside of the hook that needs it.
"""

from __future__ import annotations

from collections.abc import Generator
from types import FunctionType

import pytest

from .fixtures import (
    JUDGED,
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
from .marks import SWEEP_FIXTURE, SWEEP_MARK, wrong_mark
from .options import GIVEN, SCENARIO, add_options, check_options, header_line, read_given, register_marks
from .routing import item_protection

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
    add_options(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: list[str]) -> Generator[None, None, None]:
    """Name the option that was meant by one that nobody knows; pytest itself only says that it does not know it."""
    yield
    check_options(parser, args)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks and read the settings that are given, so that a wrong one ends the run at once."""
    register_marks(config)
    config.stash[GIVEN] = read_given(config)
    config.pluginmanager.register(_SectionStyling(config), "hubspot-dressing")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the protection of tests has started."""
    item_protection.stop(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which settings are not the default, and where they came from."""
    return header_line(config.stash[GIVEN])


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Protect a test that is guarded or uses our fixtures, from the set-up of its fixtures to their teardown."""
    with item_protection.protected(item, ours=not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test whose marks are wrong, before its fixtures read them; no other test."""
    item_protection.caught(item)  # in an earlier run of the same test, by pytest-rerunfailures: forget it
    problem = wrong_mark(item)
    swept = item.get_closest_marker(SWEEP_MARK)
    if not problem and swept is not None:
        from . import sweep

        problem = sweep.wrong_mark(item, swept)
    if problem:
        pytest.fail(problem, pytrace=False)
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test whose teardown called the real HubSpot or what the simulator does not serve, or added findings."""
    yield
    for message in item_protection.caught(item)[:1]:
        pytest.fail(message, pytrace=False)
    if JUDGED in item.stash:  # the test has not failed yet
        _judge(item, after=item.stash[JUDGED])


def _judge(item: pytest.Item, *, after: int) -> None:
    """Fail a test that called what is not served, or has findings (``fail_on``).

    ``after`` is the number of the last exchange that was judged before.
    """
    simulator = item.stash.get(SIMULATOR, None)
    if simulator is None:
        return
    judged = simulator.store.exchange_count
    if judged > after and (simulator.settings.strict or simulator.settings.fail_on != "off"):
        from .report import audit_failure, unserved

        message = (unserved(simulator, after) if simulator.settings.strict else "") or audit_failure(simulator)
        if message:
            pytest.fail(message, pytrace=False)
    item.stash[JUDGED] = judged


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
    for message in item_protection.caught(item)[:1]:
        pytest.fail(message, pytrace=False)
    _judge(item, after=0)
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
        from . import sections
        from .report import audit_section, journal_section

        found = journal_section(simulator), audit_section(simulator) if call.when == "call" else None
        sections.add(report, filter(None, found))
    if report.failed:
        untold = [message for message in item_protection.caught(item) if message not in report.longreprtext]
        if untold:
            from . import sections

            sections.add(report, [("HubSpot guard", untold[0])])
    swept = item.stash.get(SWEPT, None)
    if swept is not None and call.when == "call":
        swept.note(report)
    if call.when == "teardown":
        # the session keeps the item, and that would keep the simulator
        if SIMULATOR in item.stash:
            del item.stash[SIMULATOR]
        if SWEPT in item.stash:
            del item.stash[SWEPT]
        if JUDGED in item.stash:
            del item.stash[JUDGED]
    return report


class _SectionStyling:
    """Wraps and colours our sections in the terminal, once there is a failure that has any."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Have them written in their own way where the terminal shows them."""
        if report.failed and getattr(report.longrepr, "sections", None):
            from . import sections

            sections.dress(report, self._config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how the refresh suites did, which points of the sweeps failed, and which calls were left out."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    names = [name for report in reports for name, _ in getattr(report, "user_properties", ())]
    if SCENARIO in names:
        from .terminal_summary import write_score_cards

        write_score_cards(terminalreporter, reports, config.option.hubspot_score_card)
    if SWEEP_MARK in names:
        from .sweep import summary
        from .terminal_summary import write_sweeps

        write_sweeps(terminalreporter, summary(reports))
