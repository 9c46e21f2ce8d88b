"""``hubspot-simulator reproduce``: runs a program and reproduces an error from a log."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..settings import Settings
from ..simulator import Simulator
from .output import say
from .run import add_options as add_run_options
from .run import argument_type, observe

if TYPE_CHECKING:
    from ..lab.reproduce import Reproduction

_NOT_REPRODUCED = 1


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that are not settings."""
    command.add_argument(
        "text",
        type=argument_type(_log_text),
        metavar="TEXT",
        help="a log line, or the body or message of an error; the program comes after --",
    )
    command.add_argument(
        "--at",
        type=argument_type(_call_number),
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

    def fields() -> dict[str, object]:
        [reproduction] = reproductions
        numbers = [exchange.number for exchange in reproduction.hits]
        return {
            "reproduced": {"name": reproduction.name, "state": reproduction.state, "at": options.at, "met": numbers}
        }

    def verdict(status: int) -> int:
        [reproduction] = reproductions
        if not reproduction.hits:
            say(f"\nnot reproduced: {reproduction}. The program made no such call")
            return status or _NOT_REPRODUCED
        where = ", ".join(f"#{exchange.number}" for exchange in reproduction.hits)
        outcome = f"then failed (exit status {status})" if status else "then succeeded (exit status 0)"
        say(f"\nreproduced in {where}: {reproduction}. The program {outcome}")
        return status

    return observe("reproduce", settings, options, set_up, verdict, fields)


def _log_text(text: str) -> str:
    Simulator().reproduce(text)
    return text


def _call_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise ValueError(f"{text!r}: expected the number of a call, 1 or higher")
    return int(text)
