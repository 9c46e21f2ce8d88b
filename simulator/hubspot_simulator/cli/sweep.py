"""``hubspot-simulator sweep``: a program again for each of its calls, with that call's token dead."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from ..authority import AuthorityUnavailable
from ..child.process import TIMED_OUT, CannotStart
from ..child.report import report
from ..child.session import Session
from ..core.audit import Finding
from ..core.exchange import redact
from ..core.sweep import KINDS, Point, Sweep, points, target
from ..settings import Settings
from .run import NOT_STARTED, allow_options

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
    allow_options(command)


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
        with Session(settings, options.allow) as session:
            return _sweep(session, options, signals)
    except CannotStart as error:
        _say(f"hubspot-simulator: {error}")
        return NOT_STARTED
    except AuthorityUnavailable as error:
        _say(f"hubspot-simulator: {error}")
        return 1
    except _Interrupted:
        _say(f"sweep: stopped by signal {signal.Signals(signals[0]).name}")
        return 128 + signals[0]


def _sweep(session: Session, options: argparse.Namespace, signals: list[int]) -> int:
    began = time.monotonic()
    simulator = session.fresh()
    plain = Sweep(simulator)
    plain.begin()
    status = session.run(options.command, {}, timeout=options.timeout, on_signal=signals.append)
    if signals:
        raise _Interrupted
    if status or not plain.calls:
        _say(report(simulator, {}, session.refused).rstrip())
        what = f"failed without any fault (exit status {status})" if status else "made no authenticated calls"
        what = f"did not end within {options.timeout:g} s, without any fault" if status == TIMED_OUT else what
        _say(f"sweep: the program {what}: there is nothing to sweep")
        return 1
    timeout = options.timeout or max(_LEAST_TIMEOUT, _SLOWER * (time.monotonic() - began))
    found = points(plain.calls, options.kind or ["expiry"], options.stride)
    _say(f"sweep: {_count(plain.calls, 'authenticated call')} without a fault; {_count(len(found), 'point')} to try")
    runs = []
    for number, point in enumerate(found, 1):
        done = _run(session, options, point, timeout, signals)
        _say(f"sweep: {number} of {len(found)}: {point.name}: {done.result}")
        runs.append(done)
    _say("\n".join(_table(plain.calls, runs, options.stride)))
    return int(any(done.failed for done in runs))


def _run(session: Session, options: argparse.Namespace, point: Point, timeout: float, signals: list[int]) -> _Run:
    simulator = session.fresh()
    swept = Sweep(simulator, point)
    swept.begin()
    with TemporaryFile() as output:
        status = session.run(options.command, {}, output=output, timeout=timeout, on_signal=signals.append)
        if signals:
            raise _Interrupted
        return _Run(swept, status, _tail(output), simulator.audit(), bool(simulator.audit_failures()))


def _table(calls: int, runs: Sequence[_Run], stride: int) -> list[str]:
    rows = [
        ("point", "call", "result"),
        ("plain", "", f"passed, {_count(calls, 'authenticated call')}"),
        *((done.point.name, target(done.sweep.hit) if done.sweep.hit else "", done.result) for done in runs),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = ["", *(f"{name:{widths[0]}}  {call:{widths[1]}}  {result}".rstrip() for name, call, result in rows)]
    failed = [done for done in runs if done.failed]
    for done in failed:
        lines += ["", f"{done.point.name}: {done.sweep.headline()}."]
        lines += [f"  {line}" for finding in done.findings for line in str(finding).splitlines()]
        lines += [f"  | {line}" for line in done.output.splitlines()[-_LINES:]]
    names = ", ".join(done.point.name for done in failed)
    lines += [
        "",
        f"{len(runs) - len(failed)} of {_count(len(runs), 'point')} passed{f'; failed: {names}' if names else ''}",
    ]
    if stride > 1:
        lines.append(
            f"--stride {stride}: {calls - len(points(calls, stride=stride))} of {_count(calls, 'call')} not tried"
        )
    return lines


def _tail(output: IO[bytes]) -> str:
    output.seek(0)
    return redact(output.read()[-64 * 1024 :].decode("utf-8", "replace"))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads it: the exit status counts all the same
        print(text, file=sys.stderr, flush=True)


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
