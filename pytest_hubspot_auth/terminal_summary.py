"""What the end of a run says: the score cards of the refresh suites, and the points of sweeps that failed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest

from hubspot_simulator.core.printable import wrapped

from .conformance.score_card import score_lines, write_json

_FAILED_SCENARIO = re.compile(r"  \S+ +[\d, ]+  FAILED")
_FAILED_POINT = re.compile(".*: fails ")


def write_score_cards(terminal: pytest.TerminalReporter, reports: list[Any], path: str | None) -> None:
    """Write the score cards to the terminal, and as JSON into a file if there is a path."""
    terminal.section("HubSpot refresh score card")
    _write(terminal, score_lines(reports), _FAILED_SCENARIO)
    if path:
        try:
            write_json(reports, path)
        except OSError as error:
            terminal.line(f"the score card could not be written: {error}", red=True)


def write_sweeps(terminal: pytest.TerminalReporter, lines: list[str]) -> None:
    """Write what there is to say of the sweeps; nothing without lines."""
    if lines:
        terminal.section("HubSpot expiry sweep")
        _write(terminal, lines, _FAILED_POINT)


def _write(terminal: pytest.TerminalReporter, lines: Iterable[str], failed: re.Pattern[str]) -> None:
    """Write lines in 80 columns, those of failures in red."""
    for line in lines:
        markup = {"red": True} if failed.match(line) else {}
        for part in wrapped(line).split("\n"):
            terminal.line(part, **markup)
