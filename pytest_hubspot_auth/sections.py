"""The sections that a failed test's report has of the simulator, in the terminal and in a JUnit file alike.

pytest writes ``report.sections`` into a JUnit file only where ``junit_logging`` asks for captured output, and what a CI
system shows of a failure is its text. So the sections become a part of that text: pytest's own representation of an
exception has a place for them, xdist carries it, and the terminal shows it once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest
from _pytest._code.code import TerminalRepr
from _pytest._io import TerminalWriter

from hubspot_simulator.core.printable import wrapped

JOURNAL = "HubSpot simulator"
AUDIT = "HubSpot audit"
_TITLES = (JOURNAL, AUDIT)
_MARKUPS: tuple[tuple[re.Pattern[str], dict[str, bool]], ...] = (
    (re.compile(r"\s*#\d+ .* (?:[45]\d\d|no answer):"), {"red": True}),
    (re.compile(r"error: "), {"red": True, "bold": True}),
    (re.compile(r"warning: "), {"yellow": True, "bold": True}),
)


class _Extended(TerminalRepr):
    """A failure that has no place for sections, and the sections after it."""

    def __init__(self, failure: TerminalRepr | str) -> None:
        self.failure = failure
        self.sections: list[tuple[str, str, str]] = []

    def addsection(self, name: str, content: str, sep: str = "-") -> None:
        """Add a section, as to pytest's own."""
        self.sections.append((name, content, sep))

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write everything."""
        if isinstance(self.failure, str):
            tw.line(self.failure)
        else:
            self.failure.toterminal(tw)
        _write(self.sections, tw, shown=False)


def add(report: pytest.TestReport, sections: Iterable[tuple[str, str]]) -> None:
    """Add sections, each a title and a text, to the report of a failure."""
    longrepr: Any = report.longrepr
    if not hasattr(longrepr, "addsection"):
        longrepr = report.longrepr = _Extended(longrepr)
    for title, text in sections:
        longrepr.addsection(title, text, "-")


def dress(report: pytest.TestReport, config: pytest.Config) -> None:
    """Have our sections wrapped and coloured by the terminal's own writer where it shows them, and nowhere else."""
    longrepr: Any = report.longrepr
    if not any(section[0] in _TITLES for section in longrepr.sections):
        return
    usual = longrepr.toterminal

    def toterminal(tw: TerminalWriter) -> None:
        reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        every = longrepr.sections
        longrepr.sections = [section for section in every if section[0] not in _TITLES]
        try:
            usual(tw)
        finally:
            longrepr.sections = every
        _write([one for one in every if one[0] in _TITLES], tw, shown=tw is getattr(reporter, "_tw", None))

    longrepr.toterminal = toterminal


def _write(sections: Iterable[tuple[str, str, str]], tw: TerminalWriter, *, shown: bool) -> None:
    """Write sections; wrapped and coloured where the terminal shows them, else as they are."""
    for title, text, sep in sections:
        tw.sep(sep, title)
        for line in text.split("\n"):
            markup = next((kind for begins, kind in _MARKUPS if begins.match(line)), {}) if shown else {}
            for part in wrapped(line, tw.fullwidth).split("\n") if shown else [line]:
                tw.line(part, **markup)
