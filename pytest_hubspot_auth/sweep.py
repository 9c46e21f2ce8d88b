"""The mark ``hubspot_sweep``: a passing test again for each of its calls, with that call's token dead."""

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

from .options import SWEEP_FIXTURE, SWEEP_MARK

_PLAIN = "plain"
# Before which calls a test fetches a token, by the test and its other parameters.
_USUAL: pytest.StashKey[dict[tuple[str, str], frozenset[int]]] = pytest.StashKey()
_MOST_POINTS = 10_000  # more would take pytest seconds to collect


@dataclass(frozen=True)
class SweepMark:
    """The arguments of the mark."""

    calls: int = 0
    kinds: tuple[str, ...] = ("expiry",)
    stride: int = 1


def read_mark(mark: pytest.Mark) -> SweepMark:
    """Return what a mark asks for. Raises ValueError for a wrong argument."""
    unknown = [name for name in mark.kwargs if name not in SweepMark.__dataclass_fields__]
    if mark.args or unknown:
        given = ", ".join([*map(repr, mark.args), *unknown])
        raise ValueError(f"it takes the keywords calls, kinds and stride, as in calls=7; got {given}")
    asked = SweepMark(**mark.kwargs)
    for name, least in (("calls", 0), ("stride", 1)):
        value = getattr(asked, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name}={value!r}: expected a whole number from {least}")
    try:
        kinds = read_kinds(asked.kinds)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if asked.calls // asked.stride > _MOST_POINTS:
        stride = -(-asked.calls // _MOST_POINTS)
        raise ValueError(
            f"calls={asked.calls} would make {asked.calls // asked.stride} tests a kind, and the most is "
            f"{_MOST_POINTS}: give it stride={stride} or more"
        )
    return SweepMark(asked.calls, tuple(kinds), asked.stride)


def parametrize(metafunc: pytest.Metafunc, mark: pytest.Mark) -> None:
    """Make the plain item and one for each point; of a wrong mark the plain one only, which says what is wrong."""
    try:
        asked = read_mark(mark)
    except ValueError:  # the item's set-up tells it: a failed collection would end the session
        asked = SweepMark()
    found = points(asked.calls, asked.kinds, asked.stride)
    metafunc.parametrize(SWEEP_FIXTURE, [None, *found], indirect=True, ids=[_PLAIN, *(point.name for point in found)])


class SweptItem:
    """A swept test while it runs."""

    def __init__(self, item: pytest.Item, simulator: Simulator, point: Point | None) -> None:
        mark = item.get_closest_marker(SWEEP_MARK)
        assert mark is not None
        self._asked = read_mark(mark)
        self._test = item.nodeid.rpartition("[")[0]
        # what the plain run has shown; nothing if another worker of xdist has it
        self._usual = item.config.stash.setdefault(_USUAL, {})
        self._key = self._test, _other_parameters(item)
        self.sweep = Sweep(simulator, point, self._usual.get(self._key, ()))

    def begin(self) -> None:
        """Arm the fault of the point: the test's body comes next."""
        self.sweep.begin()

    def end(self) -> None:
        """Fail a plain test that makes another number of calls; skip a point that has shown nothing."""
        made = self.sweep.calls
        advice = f"write calls={made}" if made else "a sweep needs calls of HubSpot's API"
        if self.sweep.point is None:
            if made != self._asked.calls or not made:
                calls = plural(made, "authenticated call")
                pytest.fail(f"made {calls}: {advice} (@pytest.mark.{SWEEP_MARK})", pytrace=False)
            self._usual[self._key] = self.sweep.fetches()
            return
        if self.sweep.hit is None:
            pytest.fail(f"{self.sweep.void()}: {advice} (@pytest.mark.{SWEEP_MARK})", pytrace=False)
        void = self.sweep.void()
        if void:
            pytest.skip(void)

    def note(self, report: pytest.TestReport) -> None:
        """Put the call that was hit before all else in the report of a failure, and leave word for the end."""
        point, hit, asked = self.sweep.point, self.sweep.hit, self._asked
        refused = self.sweep.refused_later()
        if point and hit and report.failed:
            _put_first(report, self.sweep.headline())
        word = {
            "test": self._test,
            "point": point.name if point else _PLAIN,
            "call": target(hit) if hit else "",
            "refused": target(refused) if refused else "",
            "failed": report.failed,
            "calls": asked.calls,
            "stride": asked.stride,
        }
        report.user_properties.append((SWEEP_MARK, json.dumps(word)))


def _other_parameters(item: pytest.Item) -> str:
    """Return what tells an item from others of the same test, apart from the point."""
    callspec = getattr(item, "callspec", None)
    indices = getattr(callspec, "indices", {})
    return repr(sorted((name, index) for name, index in indices.items() if name != SWEEP_FIXTURE))


def _put_first(report: pytest.TestReport, headline: str) -> None:
    """Put a line before everything else that a failure's report says, its line in the summary included."""
    longrepr: Any = report.longrepr
    lines = wrapped(headline)
    if isinstance(longrepr, str):
        report.longrepr = f"{lines}\n\n{longrepr}"
        return
    chain = getattr(longrepr, "chain", None)
    traceback = chain[0][0] if chain else getattr(longrepr, "reprtraceback", None)
    entries: list[Any] = getattr(traceback, "reprentries", [])
    if entries and hasattr(entries[0], "reprfuncargs"):  # an entry of its own, or the arguments would come first
        bare = {
            "lines": lines.split("\n"),
            "style": "value",
            "reprfuncargs": None,
            "reprlocals": None,
            "reprfileloc": None,
        }
        entries.insert(0, replace(entries[0], **bare))
    elif entries:
        entries[0].lines.insert(0, f"{lines}\n")
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = f"{headline}. {crash.message}"


def summary(reports: Iterable[Any]) -> list[str]:
    """Return what is to be said of all sweeps at the end of a run: points that failed, and those left out."""
    words = [
        json.loads(value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == SWEEP_MARK and report.outcome != "rerun"  # what came of trying again is another report
    ]
    plain = {word["test"] for word in words if word["point"] == _PLAIN and word["failed"]}
    lines = [f"{test}: fails without any fault, or with another number of calls: see [plain]" for test in sorted(plain)]
    lines += [
        f"{word['test']}: fails when {word['call']} is hit ({word['point']})"
        + (f": {word['refused']} is answered 401" if word["refused"] else "")
        for word in words
        if word["failed"] and word["call"] and word["test"] not in plain
    ]
    for word in words:
        if word["point"] == _PLAIN and word["stride"] > 1 and word["calls"]:
            tried = len(points(word["calls"], stride=word["stride"]))
            left = word["calls"] - tried
            lines.append(
                f"{word['test']}: stride={word['stride']} tried {tried} of {plural(word['calls'], 'call')}; "
                f"{left} not tried"
            )
    return lines
