"""The command line: ``hubspot-simulator``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Any, NoReturn

from .. import __version__, links
from ..core.redaction import shown, shown_lines
from ..settings import (
    GROUPS,
    PREFIX,
    PYTEST_PREFIX,
    SETTINGS,
    SettingError,
    Settings,
    described,
    from_environment,
    read,
)
from .output import LogHandler, Output, escape_what_cannot_be_encoded

_ABOUT_TESTS = ("strict", "guard")
_ABOUT_PROGRAMS = ("fail_on",)
_WITH_PROGRAM = ("run", "sweep", "reproduce")
_REPRODUCE_DEFAULTS = {"fail_on": "error"}  # a program that swallows the error is not correct
_SERVE_DEFAULTS = {"consent": "page"}  # people look at it
_SERVE_SHOWN = {**_SERVE_DEFAULTS, "random_seed": "drawn at each start"}
_REPEATABLE = ("redirect_uri",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 1 failed, 2 wrong arguments; ``run`` that of its program."""
    escape_what_cannot_be_encoded()
    parser = _parser()
    own, child = _split(sys.argv[1:] if arguments is None else list(arguments))
    options, unknown = parser.parse_known_args(own)
    if unknown and options.name in _WITH_PROGRAM and not unknown[0].startswith("-"):
        parser.error(f"put -- before the program: hubspot-simulator {options.name} [options] -- {' '.join(unknown)}")
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{_nearest(unknown[0], vars(options))}")
    if not child and options.name in _WITH_PROGRAM:
        parser.error(
            f"{options.name} needs a program: hubspot-simulator {options.name} [options] -- PROGRAM [ARGUMENTS ...]"
        )
    options.command = child
    try:
        told = from_environment(os.environ, PREFIX)
        for name in told.keys() & set(_ABOUT_TESTS):
            variable, theirs = PREFIX + name.upper(), PYTEST_PREFIX + name.upper()
            parser.error(f"environment variable {variable}: {name!r} is about pytest's tests; for those set {theirs}")
        told |= {name: value for name in SETTINGS if (value := getattr(options, name, None)) is not None}
        settings = Settings(**{**options.defaults, **told})
    except SettingError as error:
        parser.error(str(error))
    options.told = told
    _name_others(os.environ)
    log = Output(sys.stderr)
    handler = LogHandler(log)
    logger = logging.getLogger("hubspot_simulator")
    logger.addHandler(handler)
    try:
        return int(options.run(settings, options))
    except OSError as error:
        print(f"hubspot-simulator: {shown(error)}", file=sys.stderr)
        return 1
    finally:
        logger.removeHandler(handler)
        log.close()


def _nearest(unknown: str, known: Iterable[str]) -> str:
    """Return a hint at the option that may have been meant; nothing if none comes near."""
    options = [f"--{name.replace('_', '-')}" for name in known]
    near = get_close_matches(unknown.partition("=")[0], options, n=1, cutoff=0.7)
    return f" (did you mean {near[0]}?)" if near else ""


class _Parser(argparse.ArgumentParser):
    """Quotes arguments in its errors without their secrets. Those of the commands are of its kind."""

    def error(self, message: str) -> NoReturn:
        super().error(shown_lines(message))


def _parser() -> argparse.ArgumentParser:
    from .demo import demo
    from .explain import add_options as add_explain_options
    from .explain import explain
    from .reproduce import add_options as add_reproduce_options
    from .reproduce import reproduce
    from .run import add_options, run
    from .serve import CLOCKS, serve
    from .sweep import add_options as add_sweep_options
    from .sweep import sweep

    parser = _Parser(
        prog="hubspot-simulator",
        description="A fake HubSpot that issues 1800-second OAuth tokens and answers expired ones as HubSpot does.",
        epilog=f"Project: {links.PROJECT_URL}" if links.PROJECT_URL else None,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser(
        "serve",
        help="serve the simulator until Ctrl-C",
        description="Serve the simulator until Ctrl-C. It prints its address, credentials and curl lines to try.",
        usage="%(prog)s [--SETTING VALUE ...] [--clock CLOCK]",
    )
    _add_settings(command, _SERVE_SHOWN, with_program=False)
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
        description="Run a program, in any language, to which HubSpot's hosts are the simulator, and tell what it "
        "asked. Example: %(prog)s --expire-after 3 -- python sync.py",
        usage="%(prog)s [--SETTING VALUE ...] [options] -- PROGRAM [ARGUMENTS ...]",
    )
    _add_settings(command, {}, with_program=True)
    add_options(command)
    command.set_defaults(run=run, name="run", defaults={})

    command = commands.add_parser(
        "sweep",
        help="run a program again for each of its calls, with the access token dead when that call arrives",
        description="Run a program again for each of its calls, with the access token dead when that call arrives. "
        "Example: %(prog)s -- python sync.py",
        usage="%(prog)s [--SETTING VALUE ...] [options] -- PROGRAM [ARGUMENTS ...]",
    )
    _add_settings(command, {}, with_program=True)
    add_sweep_options(command)
    command.set_defaults(run=sweep, name="sweep", defaults={})

    command = commands.add_parser(
        "reproduce",
        help="run a program and make it get an error from a log again",
        description="Run a program and make it get an error from a log again. "
        "Example: %(prog)s 'The OAuth token used to make this call expired 5 minute(s) ago.' -- python sync.py",
        usage="%(prog)s [--SETTING VALUE ...] [options] TEXT -- PROGRAM [ARGUMENTS ...]",
    )
    _add_settings(command, _REPRODUCE_DEFAULTS, with_program=True)
    add_reproduce_options(command)
    command.set_defaults(run=reproduce, name="reproduce", defaults=_REPRODUCE_DEFAULTS)

    command = commands.add_parser(
        "demo",
        help="tell the story of an expiring token on a real socket",
        description="Tell the story of an expiring token on a real socket. It needs no network and no account.",
    )
    command.set_defaults(run=demo, name="demo", defaults={})

    command = commands.add_parser(
        "explain",
        help="say what a name in a report means, and what to do about it",
        description="Say what a name in a report means, and what to do about it. Example: %(prog)s refresh-storm",
    )
    add_explain_options(command)
    command.set_defaults(run=explain, name="explain", defaults={})
    return parser


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return this program's own arguments and the child's, which come after ``--`` and are its own affair."""
    if arguments[:1] not in [[name] for name in _WITH_PROGRAM] or "--" not in arguments:
        return arguments, []
    end = arguments.index("--")
    return arguments[:end], arguments[end + 1 :]


def _name_others(environment: Mapping[str, str]) -> None:
    """Say which variables are the plugin's, and have no effect here. They are no error: both may run in one shell."""
    for variable in environment:
        own = PREFIX + variable.removeprefix(PYTEST_PREFIX)
        if variable.startswith(PYTEST_PREFIX) and own not in environment:
            with suppress(OSError, ValueError):  # nobody reads it
                print(f"hubspot-simulator: {variable} is for pytest and has no effect here: set {own}", file=sys.stderr)


def _add_settings(command: argparse.ArgumentParser, defaults: Mapping[str, str], *, with_program: bool) -> None:
    left_out = _ABOUT_TESTS if with_program else _ABOUT_TESTS + _ABOUT_PROGRAMS
    for title, names in GROUPS.items():
        group = command.add_argument_group(title)
        for name in names:
            if name in left_out:
                continue
            repeated = name in _REPEATABLE
            group.add_argument(
                f"--{name.replace('_', '-')}",
                type=_reader(name),
                action="append" if repeated else "store",
                metavar="VALUE",
                help=described(name, defaults.get(name, "")) + ("; may be repeated" if repeated else ""),
            )


def _reader(name: str) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        try:
            return read(name, text)
        except SettingError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return value
