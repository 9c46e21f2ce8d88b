"""``hubspot-simulator run``: a program with a simulator in place of HubSpot."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..authority import AuthorityUnavailable
from ..child.clock import NoFakeClock, Schedule, fake_clock, read_advance, read_duration
from ..child.environment import environment, write_files
from ..child.process import CannotStart
from ..child.process import run as run_child
from ..child.proxy import Proxy
from ..child.report import report
from ..core.simulator import Simulator
from ..hosts import matcher
from ..server import SimulatorServer
from ..settings import Settings

_NOT_STARTED = 127


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that are not settings."""
    command.add_argument(
        "--expire-after",
        type=_checked(_calls),
        action="append",
        default=[],
        metavar="N",
        help="have the token expire when N authenticated calls have been answered; may be repeated",
    )
    command.add_argument(
        "--advance-after",
        type=_checked(read_advance),
        action="append",
        default=[],
        metavar="N:DURATION",
        help="move the simulator's clock when N authenticated calls have been answered (3:31m); may be repeated",
    )
    command.add_argument(
        "--child-clock",
        type=_checked(read_duration),
        metavar="OFFSET",
        help="set the program's own clock off (+31m; --child-clock=-5m), where libfaketime is on the machine",
    )
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
    """Run the program and report. Returns its exit status, 127 when it cannot be started."""
    simulator = Simulator(settings)
    try:
        offset = options.child_clock
        fake = {} if offset is None else fake_clock(offset, os.environ)
        temporary = TemporaryDirectory(prefix="hubspot-simulator-", ignore_cleanup_errors=True)
        with SimulatorServer(simulator) as server, temporary as folder:
            schedule = Schedule(simulator, options.expire_after, options.advance_after)
            server.app.on_exchange = schedule
            authority, https = server.secure()
            proxy = Proxy(
                matcher(settings.hosts),
                https=https,
                http=(server.host, server.port),
                authority=authority.certificate,
                allow=options.allow,
            )
            with proxy:
                files = write_files(authority, Path(folder), os.environ)
                status = run_child(options.command, {**environment(server, proxy.url, files, os.environ), **fake})
    except CannotStart as error:
        _say(f"hubspot-simulator: {error}\n")
        return _NOT_STARTED
    except (AuthorityUnavailable, NoFakeClock) as error:
        _say(f"hubspot-simulator: {error}\n")
        return 1
    _say(report(simulator, schedule.notes, proxy.refused))
    return status


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads it: the program's status counts all the same
        sys.stderr.write(text)
        sys.stderr.flush()


def _calls(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text!r}: expected a number of calls")
    return int(text)


def _checked(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return value
