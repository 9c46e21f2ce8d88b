"""``hubspot-simulator reproduce``: runs a program and makes it get an error from a log again."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..settings import Settings
from ..simulator import Simulator
from .output import say
from .run import add_options as add_run_options
from .run import checked, observe

if TYPE_CHECKING:
    from ..lab.reproduce import Reproduction

_NOT_REPRODUCED = 1


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that are not settings."""
    command.add_argument(
        "text",
        type=checked(_known),
        metavar="TEXT",
        help="a log line, or the body or message of an error; the program comes after --",
    )
    command.add_argument(
        "--at",
        type=checked(_number),
        default=1,
        metavar="N",
        help="the number of the call that gets the error, among the authenticated calls or the calls to the token "
        "endpoint (default: 1)",
    )
    add_run_options(command)


def reproduce(settings: Settings, options: argparse.Namespace) -> int:
    """Run the program with the error set up, and report.

    Returns the program's exit status; 1 if it did not get the error, or if ``fail_on`` says so; 127 if it cannot start.
    """
    reproductions: list[Reproduction] = []

    def set_up(simulator: Simulator) -> None:
        reproductions.append(simulator.reproduce(options.text, at=options.at))

    def members() -> dict[str, object]:
        [reproduced] = reproductions
        numbers = [exchange.number for exchange in reproduced.hits]
        return {"reproduced": {"name": reproduced.name, "state": reproduced.state, "at": options.at, "met": numbers}}

    def verdict(status: int) -> int:
        [reproduced] = reproductions
        if not reproduced.hits:
            say(f"\nnot reproduced: {reproduced}. The program made no such call")
            return status or _NOT_REPRODUCED
        where = ", ".join(f"#{exchange.number}" for exchange in reproduced.hits)
        outcome = f"then failed (exit status {status})" if status else "then succeeded (exit status 0)"
        say(f"\nreproduced in {where}: {reproduced}. The program {outcome}")
        return status

    return observe("reproduce", settings, options, set_up, verdict, members)


def _known(text: str) -> str:
    Simulator().reproduce(text)
    return text


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise ValueError(f"{text!r}: expected the number of a call, from 1")
    return int(text)
