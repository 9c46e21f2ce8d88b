"""``hubspot-simulator run``: a program with a simulator in place of HubSpot."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..runner.child_process import CannotStart
from ..runner.libfaketime import Schedule, read_advance, read_child_clock
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
        type=checked(_calls),
        action="append",
        default=[],
        metavar="N",
        help="have the token expire when N authenticated calls have been answered; may be repeated",
    )
    command.add_argument(
        "--advance-after",
        type=checked(read_advance),
        action="append",
        default=[],
        metavar="N:DURATION",
        help="move the simulator's clock when N authenticated calls have been answered (3:31m); may be repeated",
    )
    clock_option(command)
    allow_options(command)
    document.json_option(command)


def clock_option(command: argparse.ArgumentParser) -> None:
    """Add the option that sets the program's own clock."""
    command.add_argument(
        "--child-clock",
        type=checked(read_child_clock),
        metavar="OFFSET",
        help="where libfaketime is on the machine: set the program's own clock off (+31m; --child-clock=-5m), "
        "or have it move whenever the simulator's is moved (follow)",
    )


def allow_options(command: argparse.ArgumentParser) -> None:
    """Add the options that let a program out to other hosts."""
    command.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="HOST",
        help="let the program reach another host through the proxy ('*.example.com'); may be repeated",
    )
    command.add_argument(
        "--allow-network", action="append_const", dest="allow", const="*", help="let it reach every host but HubSpot's"
    )


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Run the program and report. Returns its exit status, 1 when ``fail_on`` is for it, 127 when it cannot start."""
    return observe("run", settings, options)


def observe(
    name: str,
    settings: Settings,
    options: argparse.Namespace,
    set_up: Callable[[Simulator], object] = lambda _: None,
    verdict: Callable[[int], int] = int,
    members: Callable[[], Mapping[str, Any]] = dict,
) -> int:
    """Run a program and report, as the command ``name``; see ``run``.

    ``set_up`` is called with the simulator before, ``verdict`` with the exit status after the report, to say more and
    return another; ``members`` are added to the JSON.
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
    seen = simulator, schedule.notes, session.refused, session.connections.fruitless(simulator.store.exchange_count)
    say(report(*seen, options.command).rstrip("\n"))
    decided = verdict(status or int(bool(simulator.audit_failures())))
    if options.json is not None:
        done = {"exit_status": status, **document.run_members(*seen), **members()}
        return written(options.json, {**document.head(name, options.command, not decided), **done}, decided)
    return decided


def written(path: Path, members: Mapping[str, Any], status: int) -> int:
    """Write a document, and return the status; 1 instead of 0 when it could not be written."""
    try:
        document.write(path, members)
    except OSError as error:
        say(f"hubspot-simulator: {path} could not be written: {error.strerror or error}")
        return status or 1
    return status


def _calls(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text!r}: expected a number of calls")
    return int(text)


def checked(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return an argument's type: what reads its text, and raises ValueError."""

    def value(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return value
