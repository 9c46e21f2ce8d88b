"""``hubspot-simulator explain``: explain a name from a report, offline."""

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
    """Add the arguments of the command."""
    command.add_argument(
        "words",
        nargs="*",
        metavar="NAME",
        help="a finding, a scenario, the number of a bug class, a HubSpot error, a fault, a setting or a topic "
        "(default: list all names)",
    )


def explain(settings: Settings, options: argparse.Namespace) -> int:
    """Print the explanation of a name, or all names. Return 0, or 2 for an unknown name."""
    name = " ".join(options.words)
    all_subjects = subjects()
    if not name:
        return _print(_listing(all_subjects))
    for spelling in spellings(name):
        texts = [subject.texts[key] for subject in all_subjects for key in subject.texts if letters(key) == spelling]
        if texts:
            return _print("\n\n\n".join(plain(text, terminal_width()) for text in texts))
    names = {letters(key): key for subject in all_subjects for key in subject.texts}
    near = [] if name.isdigit() else get_close_matches(spellings(name)[-1], names, n=1)
    hint = f" (did you mean {names[near[0]]}?)" if near else ""
    print(
        f"hubspot-simulator explain: unknown name {shown(name)!r}{hint}; `hubspot-simulator explain` lists all names",
        file=sys.stderr,
    )
    return 2


def _print(text: str) -> int:
    output = Output(sys.stdout)  # the reader may stop early, as `head` does
    output.say(text)
    output.close()
    return 0


def _listing(all_subjects: list[Subject]) -> str:
    lines = ["hubspot-simulator explain NAME explains one of these names:"]
    for subject in all_subjects:
        lines += ["", f"## {subject.title}", ""]
        if subject.titles:
            lines += [f"- {key}: {title}" for key, title in subject.titles.items()]
        else:
            lines.append(", ".join(subject.texts))
    return plain("\n".join(lines), terminal_width())
