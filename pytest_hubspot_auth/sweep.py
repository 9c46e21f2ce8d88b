"""The mark ``hubspot_sweep``: repeats a passing test once per call, with that call's token expired."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from hubspot_simulator.core.printable import wrapped
from hubspot_simulator.core.words import plural
from hubspot_simulator.lab.sweep import Point, Sweep, points, read_kinds, target
from hubspot_simulator.simulator import Simulator

from .marks import SWEEP_FIXTURE, SWEEP_MARK, mark_place

_PLAIN = "plain"
# The calls before which a test fetches a token, by test and its other parameters.
_FETCHES: pytest.StashKey[dict[tuple[str, str], frozenset[int]]] = pytest.StashKey()
_MAX_POINTS = 10_000  # pytest would take seconds to collect more


@dataclass(frozen=True)
class SweepMark:
    """The arguments of the mark."""

    calls: int = 0
    kinds: tuple[str, ...] = ("expiry",)
    stride: int = 1


def read_mark(mark: pytest.Mark) -> SweepMark:
    """Return a mark's arguments. Raises ValueError for a wrong one."""
    unknown = [name for name in mark.kwargs if name not in SweepMark.__dataclass_fields__]
    if mark.args or unknown:
        rejected = ", ".join([*map(repr, mark.args), *unknown])
        raise ValueError(f"expected the keyword arguments calls, kinds and stride, such as calls=7; got {rejected}")
    arguments = SweepMark(**mark.kwargs)
    for name, minimum in (("calls", 0), ("stride", 1)):
        value = getattr(arguments, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise ValueError(f"{name}={value!r}: expected a whole number from {minimum}")
    try:
        kinds = read_kinds(arguments.kinds)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if arguments.calls // arguments.stride > _MAX_POINTS:
        stride = -(-arguments.calls // _MAX_POINTS)
        raise ValueError(
            f"calls={arguments.calls} would create {arguments.calls // arguments.stride} tests per kind, and the "
            f"maximum is {_MAX_POINTS}: set stride={stride} or more"
        )
    return SweepMark(arguments.calls, tuple(kinds), arguments.stride)


def wrong_mark(item: pytest.Item, mark: pytest.Mark) -> str:
    """Return what is wrong with the mark ``hubspot_sweep`` on an item, with its file and line; empty if nothing."""
    place = f"{mark_place(item)}.{SWEEP_MARK}"
    if SWEEP_FIXTURE not in getattr(item, "fixturenames", ()):
        return (
            f"{place} works on test functions and on methods of plain classes; a unittest.TestCase cannot be "
            "parametrized by pytest"
        )
    try:
        read_mark(mark)
    except ValueError as error:
        return f"{place}: {error}"
    return ""


def parametrize(metafunc: pytest.Metafunc, mark: pytest.Mark) -> None:
    """Create the plain item and one item per point; for a wrong mark, only the plain item, which reports the error."""
    try:
        arguments = read_mark(mark)
    except ValueError:  # reported when the item is set up: a failed collection would end the session
        arguments = SweepMark()
    sweep_points = points(arguments.calls, arguments.kinds, arguments.stride)
    ids = [_PLAIN, *(point.name for point in sweep_points)]
    metafunc.parametrize(SWEEP_FIXTURE, [None, *sweep_points], indirect=True, ids=ids)


class SweptItem:
    """A swept test while it runs."""

    def __init__(self, item: pytest.Item, simulator: Simulator, point: Point | None) -> None:
        mark = item.get_closest_marker(SWEEP_MARK)
        assert mark is not None
        self._arguments = read_mark(mark)
        self._test = item.nodeid.rpartition("[")[0]
        # recorded by the plain run; empty if another xdist worker ran it
        self._fetches = item.config.stash.setdefault(_FETCHES, {})
        self._key = self._test, _other_parameters(item)
        self.sweep = Sweep(simulator, point, self._fetches.get(self._key, ()))

    def begin(self) -> None:
        """Inject the point's fault, just before the body of the test runs."""
        self.sweep.begin()

    def end(self) -> None:
        """Fail a plain test with a wrong number of calls. Skip a point that shows nothing."""
        calls = self.sweep.calls
        advice = f"set calls={calls}" if calls else "a sweep needs calls to HubSpot's API"
        if self.sweep.point is None:
            if calls != self._arguments.calls or not calls:
                counted = plural(calls, "authenticated call")
                pytest.fail(f"this test made {counted}: {advice} (@pytest.mark.{SWEEP_MARK})", pytrace=False)
            self._fetches[self._key] = self.sweep.fetches()
            return
        if self.sweep.hit is None:
            pytest.fail(f"{self.sweep.void()}: {advice} (@pytest.mark.{SWEEP_MARK})", pytrace=False)
        void = self.sweep.void()
        if void:
            pytest.skip(void)

    def note(self, report: pytest.TestReport) -> None:
        """Put the call that was hit first in a failure's report, and record the result for the summary."""
        point, hit = self.sweep.point, self.sweep.hit
        refused = self.sweep.refused_later()
        if point and hit and report.failed:
            _put_first(report, self.sweep.headline())
        result = {
            "test": self._test,
            "point": point.name if point else _PLAIN,
            "call": target(hit) if hit else "",
            "refused": target(refused) if refused else "",
            "failed": report.failed,
            "calls": self._arguments.calls,
            "stride": self._arguments.stride,
        }
        report.user_properties.append((SWEEP_MARK, json.dumps(result)))


def _other_parameters(item: pytest.Item) -> str:
    """Return what distinguishes an item from others of the same test, apart from the point."""
    callspec = getattr(item, "callspec", None)
    indices = getattr(callspec, "indices", {})
    return repr(sorted((name, index) for name, index in indices.items() if name != SWEEP_FIXTURE))


def _put_first(report: pytest.TestReport, headline: str) -> None:
    """Put a line first in a failure's report, and in its line in pytest's short summary."""
    longrepr: Any = report.longrepr
    lines = wrapped(headline)
    if isinstance(longrepr, str):
        report.longrepr = f"{lines}\n\n{longrepr}"
        return
    chain = getattr(longrepr, "chain", None)
    traceback = chain[0][0] if chain else getattr(longrepr, "reprtraceback", None)
    entries: list[Any] = getattr(traceback, "reprentries", [])
    if entries and hasattr(entries[0], "reprfuncargs"):  # a separate entry, or the arguments would come first
        fields = {
            "lines": lines.split("\n"),
            "style": "value",
            "reprfuncargs": None,
            "reprlocals": None,
            "reprfileloc": None,
        }
        entries.insert(0, replace(entries[0], **fields))
    elif entries:
        entries[0].lines.insert(0, f"{lines}\n")
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = f"{headline}. {crash.message}"


def summary(reports: Iterable[Any]) -> list[str]:
    """Return the summary of all sweeps of a run: the points that failed, and the calls that were left out."""
    results = [
        json.loads(value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == SWEEP_MARK and report.outcome != "rerun"  # the rerun has a report of its own
    ]
    plain = {result["test"] for result in results if result["point"] == _PLAIN and result["failed"]}
    lines = [
        f"{test}: fails without a fault, or made a different number of calls: see [plain]" for test in sorted(plain)
    ]
    lines += [
        f"{result['test']}: fails when {result['call']} is hit ({result['point']})"
        + (f": then {result['refused']} gets 401" if result["refused"] else "")
        for result in results
        if result["failed"] and result["call"] and result["test"] not in plain
    ]
    for result in results:
        if result["point"] == _PLAIN and result["stride"] > 1 and result["calls"]:
            tried = len(points(result["calls"], stride=result["stride"]))
            left = result["calls"] - tried
            lines.append(
                f"{result['test']}: stride={result['stride']} tried {tried} of {plural(result['calls'], 'call')}; "
                f"{left} not tried"
            )
    return lines
