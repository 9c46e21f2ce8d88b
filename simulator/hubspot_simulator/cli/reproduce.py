"""``hubspot-simulator reproduce``: a program meets a refusal that a log tells of."""

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

_NOT_MET = 1


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that are not settings."""
    command.add_argument(
        "text",
        type=checked(_known),
        metavar="TEXT",
        help="the line of a log, or the body or the message of a refusal; the program comes after --",
    )
    command.add_argument(
        "--at",
        type=checked(_number),
        default=1,
        metavar="N",
        help="the call that meets it: the first without it, of the authenticated calls or of the token endpoint's",
    )
    add_run_options(command)


def reproduce(settings: Settings, options: argparse.Namespace) -> int:
    """Run the program, have it meet the refusal, and report.

    Returns its exit status; 1 when it did not meet it, or when ``fail_on`` is for it; 127 when it cannot start.
    """
    made: list[Reproduction] = []

    def set_up(simulator: Simulator) -> None:
        made.append(simulator.reproduce(options.text, at=options.at))

    def members() -> dict[str, object]:
        [reproduced] = made
        met = [exchange.number for exchange in reproduced.hits]
        return {"reproduced": {"name": reproduced.name, "state": reproduced.state, "at": options.at, "met": met}}

    def verdict(status: int) -> int:
        [reproduced] = made
        if not reproduced.hits:
            say(f"\nnot met: {reproduced}. The program made no such call")
            return status or _NOT_MET
        where = ", ".join(f"#{exchange.number}" for exchange in reproduced.hits)
        outcome = f"failed after it (exit status {status})" if status else "came through it"
        say(f"\nmet in {where}: {reproduced}. The program {outcome}")
        return status

    return observe("reproduce", settings, options, set_up, verdict, members)


def _known(text: str) -> str:
    Simulator().reproduce(text)
    return text


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise ValueError(f"{text!r}: expected the number of a call, from 1")
    return int(text)
