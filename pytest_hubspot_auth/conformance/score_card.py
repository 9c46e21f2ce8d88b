"""The score card of a run: results that tests left with their reports, counted for the terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hubspot_simulator.lab.conformance import score

from ..options import SCENARIO


def score_cards(reports: Iterable[Any]) -> list[dict[str, Any]]:
    """Return a card for each suite, from pytest's reports of all phases; none without a suite's."""
    return score.score_cards(_results(reports))


def score_lines(reports: Iterable[Any]) -> list[str]:
    """Return the score cards as lines of text, from pytest's reports of all phases; empty without a suite's."""
    return score.score_lines(score_cards(reports))


def write_json(reports: Iterable[Any], path: str | Path) -> None:
    """Write the score cards into a file (docs/conformance.md, "The score card as JSON"). Raises OSError."""
    document = score.score_document(score_cards(reports), "pytest")
    Path(path).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _results(reports: Iterable[Any]) -> Iterable[dict[str, Any]]:
    """Return one result for each test, whatever the number of its phases."""
    results: dict[str, dict[str, Any]] = {}
    for report in reports:
        if getattr(report, "outcome", "") == "rerun":  # it was tried again, and what came of that counts
            continue
        for name, value in getattr(report, "user_properties", ()):
            if name == SCENARIO:
                before = results.get(report.nodeid, {})
                results[report.nodeid] = _with_report({**before, **json.loads(value)}, report)
    return results.values()


def _with_report(result: dict[str, Any], report: Any) -> dict[str, Any]:
    """Return a result with what only the test's report knows: another failure, or that it was expected."""
    if report.outcome == "failed" and result["outcome"] == "passed":
        from hubspot_simulator.core.redaction import shown  # start-up cost: 15 ms, and few suites fail so

        lines = [line.strip() for line in report.longreprtext.splitlines() if line.strip()]
        reason = shown(lines[0], most=2000) if lines else "failed outside of the scenario"
        result |= {"outcome": "failed", "reason": reason}
    result["expected"] = bool(result.get("expected")) or (result["outcome"] == "failed" and hasattr(report, "wasxfail"))
    return result
