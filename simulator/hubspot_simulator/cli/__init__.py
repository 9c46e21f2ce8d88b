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
from . import demo, explain, reproduce, run, serve, sweep
from .output import LogHandler, Output, escape_unencodable_output

_ABOUT_TESTS = ("strict", "guard")
_ABOUT_PROGRAMS = ("fail_on",)
_WITH_PROGRAM = ("run", "sweep", "reproduce")
_REPRODUCE_DEFAULTS = {"fail_on": "error"}  # a program that swallows the refusal must not pass
_SERVE_DEFAULTS = {"consent": "page"}  # a person is likely to open it in a browser
_SERVE_SHOWN = {**_SERVE_DEFAULTS, "random_seed": "random at each start"}
_REPEATABLE = ("redirect_uri",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 for success, 1 for failure, 2 for wrong arguments.

    ``run`` and ``reproduce`` return the exit status of their program.
    """
    escape_unencodable_output()
    parser = _parser()
    own, program = _split(sys.argv[1:] if arguments is None else list(arguments))
    options, unknown = parser.parse_known_args(own)
    if unknown and options.name in _WITH_PROGRAM and not unknown[0].startswith("-"):
        parser.error(f"put -- before the program: hubspot-simulator {options.name} [options] -- {' '.join(unknown)}")
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{_nearest(unknown[0], vars(options))}")
    if not program and options.name in _WITH_PROGRAM:
        parser.error(
            f"{options.name} needs a program: hubspot-simulator {options.name} [options] -- PROGRAM [ARGUMENTS ...]"
        )
    options.command = program
    try:
        explicit = from_environment(os.environ, PREFIX)
        for name in explicit.keys() & set(_ABOUT_TESTS):
            variable, pytest_variable = PREFIX + name.upper(), PYTEST_PREFIX + name.upper()
            parser.error(
                f"environment variable {variable}: the setting {name!r} applies to pytest only: set {pytest_variable}"
            )
        explicit |= {name: value for name in SETTINGS if (value := getattr(options, name, None)) is not None}
        settings = Settings(**{**options.defaults, **explicit})
    except SettingError as error:
        parser.error(str(error))
    options.explicit = explicit
    _warn_of_pytest_variables(os.environ)
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


def _nearest(unknown: str, names: Iterable[str]) -> str:
    """Return a hint with the option that the user may have meant, or an empty string if none is similar."""
    options = [f"--{name.replace('_', '-')}" for name in names]
    near = get_close_matches(unknown.partition("=")[0], options, n=1, cutoff=0.7)
    return f" (did you mean {near[0]}?)" if near else ""


class _Parser(argparse.ArgumentParser):
    """A parser whose error messages hide secrets. argparse uses the same class for the commands."""

    def error(self, message: str) -> NoReturn:
        super().error(shown_lines(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="hubspot-simulator",
        description="A fake HubSpot that issues 1800-second OAuth tokens and rejects expired ones with HubSpot's 401.",
        epilog=f"Project: {links.PROJECT_URL}" if links.PROJECT_URL else None,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser(
        "serve",
        help="serve the simulator until Ctrl-C",
        description="Serve the simulator until Ctrl-C. Prints its address, credentials and curl commands to try.",
        usage="%(prog)s [--SETTING VALUE ...] [--clock CLOCK]",
    )
    _add_settings(command, _SERVE_SHOWN, with_program=False)
    command.add_argument(
        "--clock",
        choices=serve.CLOCKS,
        default=serve.CLOCKS[0],
        help="let the simulator's clock run, or keep it still until you move it (default: %(default)s)",
    )
    command.set_defaults(run=serve.serve, name="serve", defaults=_SERVE_DEFAULTS)

    command = commands.add_parser(
        "run",
        help="run a program with the simulator in place of HubSpot, and report its requests",
        description="Run a program, in any language, with the simulator in place of HubSpot, and report its requests. "
        "Example: %(prog)s --expire-after 3 -- python sync.py",
        usage="%(prog)s [--SETTING VALUE ...] [options] -- PROGRAM [ARGUMENTS ...]",
    )
    _add_settings(command, {}, with_program=True)
    run.add_options(command)
    command.set_defaults(run=run.run, name="run", defaults={})

    command = commands.add_parser(
        "sweep",
        help="run a program once for each of its calls, with the access token expired when that call arrives",
        description="Run a program once for each of its calls, with the access token expired when that call arrives. "
        "Example: %(prog)s -- python sync.py",
        usage="%(prog)s [--SETTING VALUE ...] [options] -- PROGRAM [ARGUMENTS ...]",
    )
    _add_settings(command, {}, with_program=True)
    sweep.add_options(command)
    command.set_defaults(run=sweep.sweep, name="sweep", defaults={})

    command = commands.add_parser(
        "reproduce",
        help="run a program and reproduce an error from a log",
        description="Run a program and reproduce an error from a log. "
        "Example: %(prog)s 'The OAuth token used to make this call expired 5 minute(s) ago.' -- python sync.py",
        usage="%(prog)s [--SETTING VALUE ...] [options] TEXT -- PROGRAM [ARGUMENTS ...]",
    )
    _add_settings(command, _REPRODUCE_DEFAULTS, with_program=True)
    reproduce.add_options(command)
    command.set_defaults(run=reproduce.reproduce, name="reproduce", defaults=_REPRODUCE_DEFAULTS)

    command = commands.add_parser(
        "demo",
        help="show how a token expires, step by step, on a real socket",
        description="Show how a token expires, step by step, on a real socket. Needs no network and no account.",
    )
    command.set_defaults(run=demo.demo, name="demo", defaults={})

    command = commands.add_parser(
        "explain",
        help="say what a name in a report means, and what to do about it",
        description="Say what a name in a report means, and what to do about it. Example: %(prog)s refresh-storm",
    )
    explain.add_options(command)
    command.set_defaults(run=explain.explain, name="explain", defaults={})
    return parser


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split the arguments at ``--`` into this program's own and the command to run, which is not parsed."""
    if arguments[:1] not in [[name] for name in _WITH_PROGRAM] or "--" not in arguments:
        return arguments, []
    end = arguments.index("--")
    return arguments[:end], arguments[end + 1 :]


def _warn_of_pytest_variables(environment: Mapping[str, str]) -> None:
    """Warn of variables that only the plugin reads. They are not errors: a shell may be used for both programs."""
    for variable in environment:
        own = PREFIX + variable.removeprefix(PYTEST_PREFIX)
        if variable.startswith(PYTEST_PREFIX) and own not in environment:
            with suppress(OSError, ValueError):  # standard error is closed
                print(f"hubspot-simulator: {variable} is for pytest and has no effect here: set {own}", file=sys.stderr)


def _add_settings(command: argparse.ArgumentParser, defaults: Mapping[str, str], *, with_program: bool) -> None:
    excluded = _ABOUT_TESTS if with_program else _ABOUT_TESTS + _ABOUT_PROGRAMS
    for title, names in GROUPS.items():
        group = command.add_argument_group(title)
        for name in names:
            if name in excluded:
                continue
            repeatable = name in _REPEATABLE
            group.add_argument(
                f"--{name.replace('_', '-')}",
                type=_reader(name),
                action="append" if repeatable else "store",
                metavar="VALUE",
                help=described(name, defaults.get(name, "")) + ("; can be repeated" if repeatable else ""),
            )


def _reader(name: str) -> Callable[[str], Any]:
    def read_argument(text: str) -> Any:
        try:
            return read(name, text)
        except SettingError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read_argument
