"""The pytest plugin: its options, mark, hooks and reports, and the fixtures of ``fixtures``.

Every pytest run of everybody who has the package installed imports this module: it imports nothing but pytest,
and the rest of the product only when something of it is used.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
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
from .options import (
    GIVEN,
    GROUPS,
    MARK,
    NOT_BY_MARK,
    OPTIONS,
    SCENARIO,
    SECRET,
    SWEEP_FIXTURE,
    SWEEP_MARK,
    check_options,
    read_given,
    wrong_mark,
)
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
    for title, names in GROUPS.items():
        group = parser.getgroup(f"hubspot {title}", f"HubSpot simulator: {title.lower()}")
        for name in names:
            group.addoption(
                f"--hubspot-{name.replace('_', '-')}",
                dest=f"hubspot_{name}",
                default=None,
                metavar="VALUE",
                help=OPTIONS[name],
            )
            parser.addini(f"hubspot_{name}", OPTIONS[name], default=None)
    parser.getgroup("hubspot", "HubSpot simulator").addoption(
        "--hubspot-score-card",
        default=None,
        metavar="FILE",
        help="write the score cards of HubSpotRefreshSuite into a file, as JSON",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: list[str]) -> Generator[None, None, None]:
    """Name the option that was meant by one that nobody knows; pytest itself only says that it does not know it."""
    yield
    check_options(parser, args)


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark and read the settings that are given, so that a wrong one ends the run at once."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(*, {', '.join(n for n in OPTIONS if n not in NOT_BY_MARK)}, now, utc_offset, waiting): settings of "
        "the HubSpot simulator for this test; now= pins the instant at which hubspot_clock starts, utc_offset= the "
        "local time of the code under test; waiting='simulated' has sleeps pass simulated time.",
    )
    config.addinivalue_line(
        "markers",
        f"{SWEEP_MARK}(*, calls, kinds=['expiry'], stride=1): run this test again for each of its calls of HubSpot's "
        "API, with the access token dead when that call arrives.",
    )
    config.stash[GIVEN] = read_given(config)
    config.pluginmanager.register(_SectionStyling(config), "hubspot-dressing")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the protection of tests has started."""
    item_protection.stop(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which settings are not the default, and where they came from."""
    given = config.stash[GIVEN]
    if not given:
        return None
    shown = {name: "…" if name in SECRET else value for name, (value, _) in given.items()}
    return "hubspot: " + ", ".join(f"{name}={shown[name]} ({source})" for name, (_, source) in given.items())


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
    if any(_has(report, SCENARIO) for report in reports):
        from .conformance.score_card import score_lines, write_json

        terminalreporter.section("HubSpot refresh score card")
        _write(terminalreporter, score_lines(reports), failed=re.compile(r"  \S+ +[\d, ]+  FAILED"))
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
            _write(terminalreporter, lines, failed=re.compile(".*: fails "))


def _write(terminalreporter: pytest.TerminalReporter, lines: Iterable[str], failed: re.Pattern[str]) -> None:
    """Write lines in 80 columns, those of failures in red."""
    from hubspot_simulator.core.printable import wrapped

    for line in lines:
        markup = {"red": True} if failed.match(line) else {}
        for part in wrapped(line).split("\n"):
            terminalreporter.line(part, **markup)


def _has(report: object, name: str) -> bool:
    return any(found == name for found, _ in getattr(report, "user_properties", ()))
