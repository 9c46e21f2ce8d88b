"""``hubspot-simulator explain``: what a name in a report means, and what to do about it. It works offline."""

from __future__ import annotations

import argparse
import sys
from difflib import get_close_matches

from ...core.printable import terminal_width
from ...core.redaction import shown
from ...core.words import letters
from ...settings import Settings
from ..output import Output
from .markdown import plain
from .names import spellings
from .subjects import Subject, subjects


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.add_argument(
        "words",
        nargs="*",
        metavar="NAME",
        help="a finding, a scenario, the number of a bug class, an error of HubSpot, a fault, a setting or a topic; "
        "without one, list all names",
    )


def explain(settings: Settings, options: argparse.Namespace) -> int:
    """Print what a name means, or all names. Returns 0, or 2 for a name that does not exist."""
    name = " ".join(options.words)
    known = subjects()
    if not name:
        return _print(_listing(known))
    for spelling in spellings(name):
        texts = [subject.texts[key] for subject in known for key in subject.texts if letters(key) == spelling]
        if texts:
            return _print("\n\n\n".join(plain(text, terminal_width()) for text in texts))
    names = {letters(key): key for subject in known for key in subject.texts}
    near = [] if name.isdigit() else get_close_matches(spellings(name)[-1], names, n=1)
    hint = f" (did you mean {names[near[0]]}?)" if near else ""
    print(
        f"hubspot-simulator explain: there is nothing called {shown(name)!r}{hint}; `hubspot-simulator explain` lists "
        "all names",
        file=sys.stderr,
    )
    return 2


def _print(text: str) -> int:
    output = Output(sys.stdout)  # whose reader may end early, as `head` does
    output.say(text)
    output.close()
    return 0


def _listing(known: list[Subject]) -> str:
    lines = ["hubspot-simulator explain NAME explains one of these names."]
    for subject in known:
        lines += ["", f"## {subject.title}", ""]
        if subject.titles:
            lines += [f"- {key}: {title}" for key, title in subject.titles.items()]
        else:
            lines.append(", ".join(subject.texts))
    return plain("\n".join(lines), terminal_width())
