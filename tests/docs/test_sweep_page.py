"""docs/sweep.md: its example runs, and its table is that of the kinds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hubspot_simulator.lab.sweep import KINDS, Point

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "sweep.md").read_text("utf-8")


def test_the_example_has_the_points_that_the_page_lists(pytester: pytest.Pytester) -> None:
    code, listed = re.findall(r"^```(?:python|text)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[:2]
    pytester.makepyfile(test_page=code)
    pytester.makeini(f"[pytest]\npythonpath = {ROOT / 'examples'}")
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-v", "-W", "error")
    result.assert_outcomes(passed=4)
    assert re.findall(r"::(\S+) PASSED", result.stdout.str()) == listed.split()


def test_every_kind_is_in_the_table() -> None:
    rows = re.findall(r"^\| (`.+?`)(?: \(the default\))? \| `(\S+)` \|", PAGE, re.MULTILINE)
    named = {kind: point for kinds, point in rows for kind in re.findall(r"`(\w+)`", kinds)}
    assert list(KINDS) == sorted(named, key=list(KINDS).index)
    assert {Point(kind, 3).name for kind in ("expiry", "in_flight", "answer_lost")} <= set(named.values())
    assert set(named.values()) <= {Point(kind, 3).name for kind in KINDS}
