"""``hubspot-simulator sweep``: run a program once for each of its calls, with a fault at that call."""

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
from ..runner.output_tail import OutputTail
from ..runner.report import report
from ..runner.session import Session
from ..runner.shared_clock import NoFakeClock
from ..serving.authority import AuthorityUnavailable
from ..settings import Settings
from . import document
from .output import say
from .run import NOT_STARTED, allow_options, clock_option, write_document

_MIN_TIMEOUT = 60.0
_TIMEOUT_FACTOR = 10  # times the duration of the run without a fault
_OUTPUT_LINES = 20  # how much of a failed run's output the report shows


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that are not settings."""
    command.add_argument(
        "--kind",
        action="append",
        choices=KINDS,
        metavar="KIND",
        help=f"what happens to the call: {', '.join(KINDS)} (default: expiry); can be repeated",
    )
    command.add_argument(
        "--stride", type=_at_least_one, default=1, metavar="N", help="try only every Nth call (default: 1, each call)"
    )
    command.add_argument(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        help=f"kill a run after this time (default: {_TIMEOUT_FACTOR} times the duration without a fault, "
        f"at least {_MIN_TIMEOUT:.0f})",
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
    fails_audit: bool  # by the setting fail_on

    @property
    def point(self) -> Point:
        assert self.sweep.point is not None
        return self.sweep.point

    @property
    def failed(self) -> bool:
        return self.status != 0 or not self.sweep.hit or self.fails_audit

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
        ids = list(dict.fromkeys(finding.id for finding in self.findings))
        if not self.failed:
            return "; ".join(["passed", *ids])
        reason = {0: "", TIMED_OUT: "timed out"}.get(self.status, f"exit status {self.status}")
        return "FAILED: " + "; ".join(filter(None, [reason, *ids]))


class _Interrupted(Exception):
    """A signal has stopped the sweep."""


def sweep(settings: Settings, options: argparse.Namespace) -> int:
    """Run the program without a fault, then once for each point, and print a table.

    Return 0 if it passed at every point, otherwise 1; 127 if the program cannot be started, 128 plus the signal's
    number if a signal stopped the sweep.
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
    started = time.monotonic()
    simulator = session.server.simulator
    plain = Sweep(simulator)
    plain.begin()
    status = session.run(options.command, timeout=options.timeout, kill_leftovers=True, on_signal=signals.append)
    if signals:
        raise _Interrupted
    if status or not plain.calls:
        without_request = session.connections.without_request(simulator.store.exchange_count)
        say(report(simulator, {}, session.blocked, without_request, options.command).rstrip())
        problem = f"failed without a fault (exit status {status})" if status else "made no authenticated calls"
        problem = f"timed out after {options.timeout:g} s without a fault" if status == TIMED_OUT else problem
        say(f"sweep: the program {problem}: nothing to sweep")
        return 1
    timeout = options.timeout or max(_MIN_TIMEOUT, _TIMEOUT_FACTOR * (time.monotonic() - started))
    planned = points(plain.calls, options.kind or ["expiry"], options.stride)
    say(f"sweep: {plural(plain.calls, 'authenticated call')} without a fault; {plural(len(planned), 'point')} to try")
    usual = plain.fetches()
    runs = []
    for number, point in enumerate(planned, 1):
        run = _run(session, options, Sweep(session.fresh(), point, usual), timeout, signals)
        say(f"sweep: {number} of {len(planned)}: {point.name}: {run.result}")
        runs.append(run)
    say("\n".join(_table(plain.calls, runs, options.stride)))
    status = int(any(run.failed for run in runs))
    return (
        status if options.json is None else write_document(options.json, _document(options, plain.calls, runs), status)
    )


def _run(session: Session, options: argparse.Namespace, point_sweep: Sweep, timeout: float, signals: list[int]) -> _Run:
    simulator = session.server.simulator
    point_sweep.begin()
    with closing(OutputTail()) as tail:
        status = session.run(
            options.command, output=tail.child_end, timeout=timeout, kill_leftovers=True, on_signal=signals.append
        )
        output = shown_lines(tail.text())
    if signals:
        raise _Interrupted
    return _Run(point_sweep, status, output, simulator.audit(), bool(simulator.audit_failures()))


def _table(calls: int, runs: Sequence[_Run], stride: int) -> list[str]:
    rows = [
        ("point", "call", "result"),
        ("plain", "", f"passed, {plural(calls, 'authenticated call')}"),
        *((run.point.name, target(run.sweep.hit) if run.sweep.hit else "", run.result) for run in runs),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = ["", *(f"{name:{widths[0]}}  {call:{widths[1]}}  {result}".rstrip() for name, call, result in rows)]
    failed = [run for run in runs if run.failed]
    for run in failed:
        lines += ["", f"{run.point.name}: {run.sweep.headline()}."]
        lines += [f"  {line}" for finding in run.findings for line in str(finding).splitlines()]
        lines += [f"  | {line}" for line in run.output.splitlines()[-_OUTPUT_LINES:]]
    passed = sum(run.outcome == "passed" for run in runs)
    summary = [f"{passed} of {plural(len(runs), 'point')} passed"]
    if passed + len(failed) < len(runs):
        summary.append(f"not applicable: {len(runs) - passed - len(failed)}")
    if failed:
        summary.append(f"failed: {', '.join(run.point.name for run in failed)}")
    lines += ["", "; ".join(summary)]
    if stride > 1:
        lines.append(
            f"--stride {stride}: {calls - len(points(calls, stride=stride))} of {plural(calls, 'call')} not tried"
        )
    return lines


def _document(options: argparse.Namespace, calls: int, runs: Sequence[_Run]) -> dict[str, Any]:
    outcomes = [run.outcome for run in runs]
    names = ("passed", "failed", "not applicable")
    return {
        **document.common_fields("sweep", options.command, "failed" not in outcomes),
        "totals": {name.replace(" ", "_"): outcomes.count(name) for name in names},
        "calls": calls,
        "points": [
            {
                "point": run.point.name,
                "kind": run.point.kind,
                "call": run.point.call,
                "target": target(run.sweep.hit) if run.sweep.hit else None,
                "outcome": run.outcome,
                "reason": run.sweep.headline(),
                "exit_status": run.status,
                "findings": [document.finding_fields(finding) for finding in run.findings],
                "output": run.output if run.failed else "",
            }
            for run in runs
        ],
    }


def _at_least_one(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, 1 or higher")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of seconds above 0")
    return seconds
