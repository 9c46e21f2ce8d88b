"""``hubspot-simulator sweep``: a program again for each of its calls, with that call's token dead."""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ..core.redaction import shown_lines
from ..core.words import plural
from ..lab.audit import Finding
from ..lab.sweep import KINDS, Point, Sweep, points, target
from ..runner.child_process import TIMED_OUT, CannotStart
from ..runner.report import report
from ..runner.session import Session
from ..runner.shared_clock import NoFakeClock
from ..runner.tail import Tail
from ..serving.authority import AuthorityUnavailable
from ..settings import Settings
from . import document
from .output import say
from .run import NOT_STARTED, allow_options, clock_option, written

_LEAST_TIMEOUT = 60.0
_SLOWER = 10  # a program may take so many times as long as without a fault
_LINES = 20  # of a failed run's output


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that are not settings."""
    command.add_argument(
        "--kind",
        action="append",
        choices=KINDS,
        metavar="KIND",
        help=f"what happens to the call, may be repeated: {', '.join(KINDS)} (default: expiry)",
    )
    command.add_argument(
        "--stride", type=_at_least_one, default=1, metavar="N", help="hit every Nth call only (default: 1, each call)"
    )
    command.add_argument(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        help=f"end a run after that long (default: {_SLOWER} times as long as without a fault, "
        f"at least {_LEAST_TIMEOUT:.0f})",
    )
    clock_option(command)
    allow_options(command)
    document.json_option(command)


@dataclass
class _Run:
    """One run of the program."""

    sweep: Sweep
    status: int
    output: str
    findings: Sequence[Finding]
    grave: bool  # enough for fail_on

    @property
    def point(self) -> Point:
        assert self.sweep.point is not None
        return self.sweep.point

    @property
    def failed(self) -> bool:
        return self.status != 0 or not self.sweep.hit or self.grave

    @property
    def outcome(self) -> str:
        if self.failed:
            return "failed"
        return "not applicable" if self.sweep.void() else "passed"

    @property
    def result(self) -> str:
        void = self.sweep.void()
        if self.status == 0 and void:
            return f"FAILED: {void}" if self.failed else f"not applicable: {void}"
        found = list(dict.fromkeys(finding.id for finding in self.findings))
        if not self.failed:
            return "; ".join(["passed", *found])
        why = {0: "", TIMED_OUT: "it did not end in time"}.get(self.status, f"exit status {self.status}")
        return "FAILED: " + "; ".join(filter(None, [why, *found]))


class _Interrupted(Exception):
    """Somebody wants the sweep to end."""


def sweep(settings: Settings, options: argparse.Namespace) -> int:
    """Run the program, then again for each point, and print a table. Returns 1 when it failed at any.

    127 is returned when the program cannot be started, 128 and the signal's number when a signal came.
    """
    signals: list[int] = []
    try:
        with Session(settings, options.allow, options.child_clock) as session:
            return _sweep(session, options, signals)
    except CannotStart as error:
        say(f"hubspot-simulator: {error}")
        return NOT_STARTED
    except (AuthorityUnavailable, NoFakeClock) as error:
        say(f"hubspot-simulator: {error}")
        return 1
    except _Interrupted:
        say(f"sweep: stopped by signal {signal.Signals(signals[0]).name}")
        return 128 + signals[0]


def _sweep(session: Session, options: argparse.Namespace, signals: list[int]) -> int:
    began = time.monotonic()
    simulator = session.server.simulator
    plain = Sweep(simulator)
    plain.begin()
    status = session.run(options.command, timeout=options.timeout, alone=True, on_signal=signals.append)
    if signals:
        raise _Interrupted
    if status or not plain.calls:
        found = session.connections.fruitless(simulator.store.exchange_count)
        say(report(simulator, {}, session.refused, found, options.command).rstrip())
        what = f"failed without any fault (exit status {status})" if status else "made no authenticated calls"
        what = f"did not end within {options.timeout:g} s, without any fault" if status == TIMED_OUT else what
        say(f"sweep: the program {what}: there is nothing to sweep")
        return 1
    timeout = options.timeout or max(_LEAST_TIMEOUT, _SLOWER * (time.monotonic() - began))
    tried = points(plain.calls, options.kind or ["expiry"], options.stride)
    say(f"sweep: {plural(plain.calls, 'authenticated call')} without a fault; {plural(len(tried), 'point')} to try")
    usual = plain.fetches()
    runs = []
    for number, point in enumerate(tried, 1):
        done = _run(session, options, Sweep(session.fresh(), point, usual), timeout, signals)
        say(f"sweep: {number} of {len(tried)}: {point.name}: {done.result}")
        runs.append(done)
    say("\n".join(_table(plain.calls, runs, options.stride)))
    status = int(any(done.failed for done in runs))
    return status if options.json is None else written(options.json, _document(options, plain.calls, runs), status)


def _run(session: Session, options: argparse.Namespace, swept: Sweep, timeout: float, signals: list[int]) -> _Run:
    simulator = session.server.simulator
    swept.begin()
    with closing(Tail()) as tail:
        how = {"output": tail.child_end, "timeout": timeout, "alone": True, "on_signal": signals.append}
        status = session.run(options.command, **how)
        output = shown_lines(tail.text())
    if signals:
        raise _Interrupted
    return _Run(swept, status, output, simulator.audit(), bool(simulator.audit_failures()))


def _table(calls: int, runs: Sequence[_Run], stride: int) -> list[str]:
    rows = [
        ("point", "call", "result"),
        ("plain", "", f"passed, {plural(calls, 'authenticated call')}"),
        *((done.point.name, target(done.sweep.hit) if done.sweep.hit else "", done.result) for done in runs),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = ["", *(f"{name:{widths[0]}}  {call:{widths[1]}}  {result}".rstrip() for name, call, result in rows)]
    failed = [done for done in runs if done.failed]
    for done in failed:
        lines += ["", f"{done.point.name}: {done.sweep.headline()}."]
        lines += [f"  {line}" for finding in done.findings for line in str(finding).splitlines()]
        lines += [f"  | {line}" for line in done.output.splitlines()[-_LINES:]]
    passed = sum(done.outcome == "passed" for done in runs)
    summary = [f"{passed} of {plural(len(runs), 'point')} passed"]
    if passed + len(failed) < len(runs):
        summary.append(f"not applicable: {len(runs) - passed - len(failed)}")
    if failed:
        summary.append(f"failed: {', '.join(done.point.name for done in failed)}")
    lines += ["", "; ".join(summary)]
    if stride > 1:
        lines.append(
            f"--stride {stride}: {calls - len(points(calls, stride=stride))} of {plural(calls, 'call')} not tried"
        )
    return lines


def _document(options: argparse.Namespace, calls: int, runs: Sequence[_Run]) -> dict[str, Any]:
    outcomes = [done.outcome for done in runs]
    names = ("passed", "failed", "not applicable")
    return {
        **document.head("sweep", options.command, "failed" not in outcomes),
        "totals": {name.replace(" ", "_"): outcomes.count(name) for name in names},
        "calls": calls,
        "points": [
            {
                "point": done.point.name,
                "kind": done.point.kind,
                "call": done.point.call,
                "target": target(done.sweep.hit) if done.sweep.hit else None,
                "outcome": done.outcome,
                "reason": done.sweep.headline(),
                "exit_status": done.status,
                "findings": [document.finding_members(finding) for finding in done.findings],
                "output": done.output if done.failed else "",
            }
            for done in runs
        ],
    }


def _at_least_one(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of seconds above 0")
    return seconds
