"""docs/journal.md: its example runs, its output is real, its table has every field of an exchange."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from hubspot_simulator.core.exchange import Exchange
from hubspot_simulator.core.journal import Journal

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "journal.md").read_text("utf-8")


def test_d5_the_example_of_the_journal_page_runs_and_prints_what_the_page_shows(pytester: pytest.Pytester) -> None:
    code, shown = re.findall(r"^```(?:python|text)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    pytester.makepyfile(test_page=code)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-s", "-W", "error")
    result.assert_outcomes(passed=1)
    (printed,) = re.findall(r"<Journal: .*>", result.stdout.str())
    assert like(printed) == like(shown.strip())


def like(text: str) -> str:
    return re.sub(r"C[\w-]{3}…[\w-]{4}", "<token>", re.sub(r"\d{4}-\S+Z", "<time>", text))


def test_d5_every_field_of_an_exchange_and_every_way_to_ask_is_in_a_table() -> None:
    rows = " ".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| "))
    public = [name for name in vars(Journal) if not name.startswith("_") and name not in ("append", "said")]
    named = [field.name for field in fields(Exchange)] + ["access_token"] + public
    assert [name for name in named if not re.search(rf"\b{name}\b", rows)] == []
