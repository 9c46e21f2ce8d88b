"""The score card: how each integration did in the scenarios, for people and as JSON. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .bug_classes import BUG_CLASSES

_WIDTH = 100
_TOTALS = ("passed", "failed", "not_applicable")


def score_cards(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a card for each suite: its scenarios, its totals, and the bug classes that were tried.

    A result is what ``Result.as_json()`` gives, with ``suite``, the name of its suite, and ``expected``, whether a
    failure was expected.
    """
    suites: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        rest = {name: value for name, value in result.items() if name != "suite"}
        suites.setdefault(result["suite"], []).append(rest)
    return [_card(suite, tried) for suite, tried in suites.items()]


def score_lines(cards: Iterable[dict[str, Any]]) -> list[str]:
    """Return score cards as lines of text, with an empty line between two."""
    lines: list[str] = []
    for card in cards:
        if lines:
            lines.append("")
        lines += _lines(card)
    return lines


def score_document(cards: list[dict[str, Any]], command: str) -> dict[str, Any]:
    """Return what is written as JSON (docs/conformance.md, "The score card as JSON"); ``command`` ran the scenarios."""
    bad = any(
        result["outcome"] == "failed" and not result["expected"] for card in cards for result in card["scenarios"]
    )
    return {
        "version": 1,
        "command": command,
        "outcome": "failed" if bad else "passed",
        "totals": {name: sum(card["totals"][name] for card in cards) for name in _TOTALS},
        "suites": cards,
    }


def _card(suite: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    results = sorted(results, key=lambda result: (min(result["classes"]), result["scenario"]))
    outcomes = [result["outcome"] for result in results]
    failures = [result for result in results if result["outcome"] == "failed" and not result.get("adapter_error")]
    failed = {number for result in failures for number in result["classes"]}
    passed = {number for result in results if result["outcome"] == "passed" for number in result["classes"]}
    tried = passed | failed
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
        "adapter_error": _adapter_error(results),
        "common_findings": _common_findings(failures),
        "scenarios": results,
    }


def _adapter_error(results: list[dict[str, Any]]) -> str:
    """Return what is wrong with the adapter, when that is why every scenario failed; empty otherwise."""
    errors = {result.get("adapter_error", "") for result in results}
    return str(errors.pop()) if len(errors) == 1 else ""


def _common_findings(failures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the findings that at least half of the failures have, and two or more; the most common first."""
    counts = Counter(finding for result in failures for finding in result["findings"])
    return [
        {"finding": finding, "failures": count, "of": len(failures)}
        for finding, count in counts.most_common()
        if count >= 2 and 2 * count >= len(failures)
    ]


def _lines(card: dict[str, Any]) -> list[str]:
    lines = [card["suite"]]
    if card["adapter_error"]:
        lines.append(f"  the adapter does not work: {card['adapter_error'].rstrip('.')}; no scenario was tried")
    else:
        lines += _scenario_lines(card["scenarios"])
    totals = card["totals"]
    lines.append(
        f"  {totals['passed']} passed, {totals['failed']} failed, {totals['not_applicable']} not applicable; "
        f"{totals['bug_classes_covered']} of {totals['bug_classes']} bug classes covered"
    )
    for common in card["common_findings"][:1]:
        finding = common["finding"]
        lines.append(
            f"  {common['failures']} of the {common['of']} failures have the finding {finding}: "
            f"fix that first (hubspot-simulator explain {finding})"
        )
    return lines


def _scenario_lines(results: list[dict[str, Any]]) -> list[str]:
    width = max(len(result["scenario"]) for result in results)
    lines = []
    for result in results:
        classes = ", ".join(map(str, result["classes"]))
        said = result["outcome"]
        if said == "failed":
            said = f"FAILED ({', '.join(result['findings'])})" if result["findings"] else "FAILED"
        if result["reason"]:
            said += f": {_first_sentence(result)}"
        if result["expected"]:
            said += " (expected: xfail)"
        lines.append(f"  {result['scenario']:<{width}}  {classes:>6}  {said}")
    return lines


def _first_sentence(result: dict[str, Any]) -> str:
    line: str = result.get("adapter_error") or result["reason"].splitlines()[0]
    line = line.removeprefix(f"{result['scenario']}: ")
    sentence = line.partition(". ")[0].rstrip(".")
    return sentence if len(sentence) <= _WIDTH else sentence[: _WIDTH - 1] + "…"
