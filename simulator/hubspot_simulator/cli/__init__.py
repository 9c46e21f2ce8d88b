"""The command line: ``hubspot-simulator``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ..settings import SETTINGS, SettingError, Settings, from_environment, read

_SETTINGS = [name for name in SETTINGS if name not in ("strict", "guard")]  # which are about tests
_SERVE_DEFAULTS = {"consent": "page"}  # people look at it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 1 failed, 2 wrong arguments."""
    parser = _parser()
    options = parser.parse_args(arguments)
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
    from .serve import CLOCKS, serve

    parser = argparse.ArgumentParser(
        prog="hubspot-simulator",
        description="A fake HubSpot that issues 1800-second OAuth tokens and answers expired ones as HubSpot does.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser(
        "serve", help="serve the simulator until Ctrl-C", usage="%(prog)s [--SETTING VALUE ...] [--clock CLOCK]"
    )
    for name in _SETTINGS:
        default = _SERVE_DEFAULTS.get(name, SETTINGS[name].default)
        shown = str(default).lower() if isinstance(default, bool) else default
        command.add_argument(
            f"--{name.replace('_', '-')}",
            type=_reader(name),
            metavar="VALUE",
            help=f"{SETTINGS[name].metadata['help']} (default: {shown})",
        )
    command.add_argument(
        "--clock",
        choices=CLOCKS,
        default=CLOCKS[0],
        help="whether the simulator's clock runs or stands still until it is moved (default: %(default)s)",
    )
    command.set_defaults(run=serve, defaults=_SERVE_DEFAULTS)

    command = commands.add_parser("demo", help="tell the story of an expiring token on a real socket")
    command.set_defaults(run=demo, defaults={})
    return parser


def _reader(name: str) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        try:
            return read(name, text)
        except SettingError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return value
