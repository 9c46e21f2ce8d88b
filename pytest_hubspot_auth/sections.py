"""Adds the simulator's sections to the report of a failed test, for the terminal and JUnit files.

pytest writes ``report.sections`` to a JUnit file only if ``junit_logging`` includes captured output, but CI systems
show the text of the failure. So the sections become part of that text. pytest's own representation of an exception has
a place for them, xdist transmits it, and the terminal shows it once.
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
    """A failure whose representation cannot hold sections, followed by the sections."""

    def __init__(self, failure: TerminalRepr | str) -> None:
        self.failure = failure
        self.sections: list[tuple[str, str, str]] = []

    def addsection(self, name: str, content: str, sep: str = "-") -> None:
        """Add a section, like pytest's own representation."""
        self.sections.append((name, content, sep))

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write the failure and its sections."""
        if isinstance(self.failure, str):
            tw.line(self.failure)
        else:
            self.failure.toterminal(tw)
        _write(self.sections, tw, shown=False)


def add(report: pytest.TestReport, sections: Iterable[tuple[str, str]]) -> None:
    """Add sections (pairs of title and text) to the report of a failure."""
    longrepr: Any = report.longrepr
    if not hasattr(longrepr, "addsection"):
        longrepr = report.longrepr = _Extended(longrepr)
    for title, text in sections:
        longrepr.addsection(title, text, "-")


def dress(report: pytest.TestReport, config: pytest.Config) -> None:
    """Wrap and color the simulator's sections in the terminal, and only there."""
    longrepr: Any = report.longrepr
    if not any(section[0] in _TITLES for section in longrepr.sections):
        return
    write_failure = longrepr.toterminal

    def toterminal(tw: TerminalWriter) -> None:
        reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        all_sections = longrepr.sections
        longrepr.sections = [section for section in all_sections if section[0] not in _TITLES]
        try:
            write_failure(tw)
        finally:
            longrepr.sections = all_sections
        ours = [section for section in all_sections if section[0] in _TITLES]
        _write(ours, tw, shown=tw is getattr(reporter, "_tw", None))

    longrepr.toterminal = toterminal


def _write(sections: Iterable[tuple[str, str, str]], tw: TerminalWriter, *, shown: bool) -> None:
    """Write sections. ``shown`` tells whether the terminal shows them: then they are wrapped and colored."""
    for title, text, sep in sections:
        tw.sep(sep, title)
        for line in text.split("\n"):
            markup = next((style for pattern, style in _MARKUPS if pattern.match(line)), {}) if shown else {}
            for part in wrapped(line, tw.fullwidth).split("\n") if shown else [line]:
                tw.line(part, **markup)
