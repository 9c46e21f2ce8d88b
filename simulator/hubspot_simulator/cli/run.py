"""``hubspot-simulator run``: run a program with the simulator in place of HubSpot."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..runner.child_process import CannotStart
from ..runner.clock_schedule import Schedule, read_advance, read_child_clock
from ..runner.report import report
from ..runner.session import Session
from ..runner.shared_clock import NoFakeClock
from ..serving.authority import AuthorityUnavailable
from ..settings import Settings
from ..simulator import Simulator
from . import document
from .output import say

NOT_STARTED = 127


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that are not settings."""
    command.add_argument(
        "--expire-after",
        type=argument_type(_call_count),
        action="append",
        default=[],
        metavar="N",
        help="expire the token after N authenticated calls; can be repeated",
    )
    command.add_argument(
        "--advance-after",
        type=argument_type(read_advance),
        action="append",
        default=[],
        metavar="N:DURATION",
        help="move the simulator's clock after N authenticated calls (3:31m); can be repeated",
    )
    clock_option(command)
    allow_options(command)
    document.json_option(command)


def clock_option(command: argparse.ArgumentParser) -> None:
    """Add the option that sets the program's own clock."""
    command.add_argument(
        "--child-clock",
        type=argument_type(read_child_clock),
        metavar="OFFSET",
        help="shift the program's own clock (+31m; --child-clock=-5m), or move it together with the simulator's "
        "(follow); needs libfaketime",
    )


def allow_options(command: argparse.ArgumentParser) -> None:
    """Add the options that let a program reach other hosts."""
    command.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="HOST",
        help="let the program reach another host through the proxy ('*.example.com'); can be repeated",
    )
    command.add_argument(
        "--allow-network",
        action="append_const",
        dest="allow",
        const="*",
        help="let the program reach every host except HubSpot's",
    )


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Run the program and report.

    Return the program's exit status, 1 if ``fail_on`` demands it, 127 if the program cannot be started.
    """
    return observe("run", settings, options)


def observe(
    name: str,
    settings: Settings,
    options: argparse.Namespace,
    set_up: Callable[[Simulator], object] = lambda _: None,
    verdict: Callable[[int], int] = int,
    fields: Callable[[], Mapping[str, Any]] = dict,
) -> int:
    """Run a program and report, for the command ``name``. Return the exit status, as ``run`` does.

    ``set_up`` gets the simulator before the program starts. ``verdict`` gets the exit status after the report, may
    print more, and returns the exit status of the command. ``fields`` returns more fields for the JSON document.
    """
    try:
        with Session(settings, options.allow, options.child_clock) as session:
            simulator = session.server.simulator
            set_up(simulator)
            schedule = Schedule(simulator, options.expire_after, options.advance_after)
            session.server.app.subscribe(schedule)
            status = session.run(options.command)
    except CannotStart as error:
        say(f"hubspot-simulator: {error}")
        return NOT_STARTED
    except (AuthorityUnavailable, NoFakeClock) as error:
        say(f"hubspot-simulator: {error}")
        return 1
    without_request = session.connections.without_request(simulator.store.exchange_count)
    results = simulator, schedule.notes, session.blocked, without_request
    say(report(*results, options.command).rstrip("\n"))
    decision = verdict(status or int(bool(simulator.audit_failures())))
    if options.json is not None:
        common = document.common_fields(name, options.command, not decision)
        content = {**common, "exit_status": status, **document.run_fields(*results), **fields()}
        return write_document(options.json, content, decision)
    return decision


def write_document(path: Path, fields: Mapping[str, Any], status: int) -> int:
    """Write a JSON document. Return ``status``, or 1 instead of 0 if the file cannot be written."""
    try:
        document.write(path, fields)
    except OSError as error:
        say(f"hubspot-simulator: cannot write {path}: {error.strerror or error}")
        return status or 1
    return status


def _call_count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text!r}: expected a number of calls")
    return int(text)


def argument_type(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return an argparse type from a function that raises ValueError for a wrong text."""

    def read_argument(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read_argument
