"""The command line: ``hubspot-simulator``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..settings import SETTINGS, SettingError, Settings, from_environment, read

_SETTINGS = [name for name in SETTINGS if name not in ("strict", "guard")]  # which are about tests
_ABOUT_PROGRAMS = ("fail_on",)
_WITH_PROGRAM = ("run", "sweep", "reproduce")
_REPRODUCE_DEFAULTS = {"fail_on": "error"}  # one that swallows the refusal is not right
_SERVE_DEFAULTS = {"consent": "page"}  # people look at it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 1 failed, 2 wrong arguments; ``run`` that of its program."""
    parser = _parser()
    own, child = _split(sys.argv[1:] if arguments is None else list(arguments))
    options, unknown = parser.parse_known_args(own)
    if unknown and options.name in _WITH_PROGRAM and not unknown[0].startswith("-"):
        parser.error(f"put -- before the program: hubspot-simulator {options.name} [options] -- {' '.join(unknown)}")
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if not child and options.name in _WITH_PROGRAM:
        parser.error(
            f"{options.name} needs a program: hubspot-simulator {options.name} [options] -- PROGRAM [ARGUMENTS ...]"
        )
    options.command = child
    try:
        given = from_environment(os.environ)
    except SettingError as error:
        parser.error(str(error))
    given = {**options.defaults, **given}
    given |= {name: value for name in _SETTINGS if (value := getattr(options, name, None)) is not None}
    try:
        return int(options.run(Settings(**given), options))
    except OSError as error:
        print(f"hubspot-simulator: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    from .demo import demo
    from .reproduce import add_options as add_reproduce_options
    from .reproduce import reproduce
    from .run import add_options, run
    from .serve import CLOCKS, serve
    from .sweep import add_options as add_sweep_options
    from .sweep import sweep

    parser = argparse.ArgumentParser(
        prog="hubspot-simulator",
        description="A fake HubSpot that issues 1800-second OAuth tokens and answers expired ones as HubSpot does.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser(
        "serve", help="serve the simulator until Ctrl-C", usage="%(prog)s [--SETTING VALUE ...] [--clock CLOCK]"
    )
    _add_settings(command, _SERVE_DEFAULTS, with_program=False)
    command.add_argument(
        "--clock",
        choices=CLOCKS,
        default=CLOCKS[0],
        help="whether the simulator's clock runs or stands still until it is moved (default: %(default)s)",
    )
    command.set_defaults(run=serve, name="serve", defaults=_SERVE_DEFAULTS)

    command = commands.add_parser(
        "run",
        help="run a program to which HubSpot's hosts are the simulator, and tell what it asked",
        usage="%(prog)s [--SETTING VALUE ...] [options] -- PROGRAM [ARGUMENTS ...]",
    )
    _add_settings(command, {}, with_program=True)
    add_options(command)
    command.set_defaults(run=run, name="run", defaults={})

    command = commands.add_parser(
        "sweep",
        help="run a program again for each of its calls, with the access token dead when that call arrives",
        usage="%(prog)s [--SETTING VALUE ...] [options] -- PROGRAM [ARGUMENTS ...]",
    )
    _add_settings(command, {}, with_program=True)
    add_sweep_options(command)
    command.set_defaults(run=sweep, name="sweep", defaults={})

    command = commands.add_parser(
        "reproduce",
        help="run a program that meets the refusal which a line of a log tells of",
        usage="%(prog)s [--SETTING VALUE ...] [options] TEXT -- PROGRAM [ARGUMENTS ...]",
    )
    _add_settings(command, _REPRODUCE_DEFAULTS, with_program=True)
    add_reproduce_options(command)
    command.set_defaults(run=reproduce, name="reproduce", defaults=_REPRODUCE_DEFAULTS)

    command = commands.add_parser("demo", help="tell the story of an expiring token on a real socket")
    command.set_defaults(run=demo, name="demo", defaults={})
    return parser


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return this program's own arguments and the child's, which come after ``--`` and are its own affair."""
    if arguments[:1] not in [[name] for name in _WITH_PROGRAM] or "--" not in arguments:
        return arguments, []
    end = arguments.index("--")
    return arguments[:end], arguments[end + 1 :]


def _add_settings(command: argparse.ArgumentParser, defaults: Mapping[str, Any], *, with_program: bool) -> None:
    for name in _SETTINGS:
        if name in _ABOUT_PROGRAMS and not with_program:
            continue
        default = defaults.get(name, SETTINGS[name].default)
        shown = str(default).lower() if isinstance(default, bool) else default
        command.add_argument(
            f"--{name.replace('_', '-')}",
            type=_reader(name),
            metavar="VALUE",
            help=f"{SETTINGS[name].metadata['help']} (default: {shown})",
        )


def _reader(name: str) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        try:
            return read(name, text)
        except SettingError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return value
