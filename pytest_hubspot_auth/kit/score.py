"""The score card: how each integration did, for people and as JSON. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .bug_classes import BUG_CLASSES

_PROPERTY = "hubspot_scenario"
_WIDTH = 100


def score_lines(reports: Iterable[Any]) -> list[str]:
    """Return the score card as lines of text, from pytest's reports of all phases; empty without a suite's."""
    lines: list[str] = []
    for card in score_cards(reports):
        if lines:
            lines.append("")
        lines += _lines(card)
    return lines


def write_json(reports: Iterable[Any], path: str | Path) -> None:
    """Write the score cards into a file (docs/kit.md, "The score card as JSON")."""
    document = {"version": 1, "suites": score_cards(reports)}
    Path(path).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


def score_cards(reports: Iterable[Any]) -> list[dict[str, Any]]:
    """Return a card for each suite: its scenarios, its totals, and the bug classes that were tried."""
    results: dict[str, dict[str, Any]] = {}
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == _PROPERTY:
                before = results.get(report.nodeid, {})
                results[report.nodeid] = _with_report({**before, **json.loads(value)}, report)
    suites: dict[str, list[dict[str, Any]]] = {}
    for result in results.values():
        suites.setdefault(result.pop("suite"), []).append(result)
    return [_card(suite, found) for suite, found in suites.items()]


def _with_report(result: dict[str, Any], report: Any) -> dict[str, Any]:
    """Return a result with what only the test's report knows: another failure, or that it was expected."""
    if report.outcome == "failed" and result["outcome"] == "passed":
        lines = [line.strip() for line in report.longreprtext.splitlines() if line.strip()]
        result |= {"outcome": "failed", "reason": lines[0] if lines else "failed outside of the scenario"}
    result["expected"] = bool(result.get("expected")) or (result["outcome"] == "failed" and hasattr(report, "wasxfail"))
    return result


def _card(suite: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    results = sorted(results, key=lambda result: (min(result["classes"]), result["scenario"]))
    outcomes = [result["outcome"] for result in results]
    tried = {number for result in results if result["outcome"] != "not applicable" for number in result["classes"]}
    failed = {number for result in results if result["outcome"] == "failed" for number in result["classes"]}
    return {
        "suite": suite,
        "totals": {
            "passed": outcomes.count("passed"),
            "failed": outcomes.count("failed"),
            "not_applicable": outcomes.count("not applicable"),
            "bug_classes_covered": len(tried),
            "bug_classes": len(BUG_CLASSES),
        },
        "bug_classes": {"covered": sorted(tried), "failed": sorted(failed)},
        "scenarios": results,
    }


def _lines(card: dict[str, Any]) -> list[str]:
    width = max(len(result["scenario"]) for result in card["scenarios"])
    lines = [card["suite"]]
    for result in card["scenarios"]:
        classes = ", ".join(map(str, result["classes"]))
        said = "FAILED" if result["outcome"] == "failed" else result["outcome"]
        if result["reason"]:
            said += f": {_first_sentence(result)}"
        if result["expected"]:
            said += " (expected: xfail)"
        lines.append(f"  {result['scenario']:<{width}}  {classes:>6}  {said}")
    totals = card["totals"]
    lines.append(
        f"  {totals['passed']} passed, {totals['failed']} failed, {totals['not_applicable']} not applicable; "
        f"{totals['bug_classes_covered']} of {totals['bug_classes']} bug classes covered"
    )
    return lines


def _first_sentence(result: dict[str, Any]) -> str:
    line: str = result["reason"].splitlines()[0].removeprefix(f"{result['scenario']}: ")
    sentence = line.partition(". ")[0].rstrip(".")
    return sentence if len(sentence) <= _WIDTH else sentence[: _WIDTH - 1] + "…"
