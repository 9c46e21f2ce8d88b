"""The README says what is so: its snippets are executed examples, its outputs are real, its tables complete."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hubspot_simulator.http.routes import ROUTES
from hubspot_simulator.settings import GROUPS, SETTINGS, default_of

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
QUICKSTART = ROOT / "examples" / "quickstart" / "test_quickstart.py"
UPDATE = "UPDATE_DOCS"


def block(marker: str, content: str, form: Callable[[str], str] = str) -> str:
    """Return the fenced block after a marker; with UPDATE_DOCS set, write ``content`` into it first.

    What differs from the page only in what ``form`` removes is not written.
    """
    pattern = re.compile(rf"(<!-- {re.escape(marker)} -->\n```\w+\n)(.*?)(```\n)", re.DOTALL)
    text = README.read_text("utf-8")
    found = pattern.search(text)
    assert found, f"README.md has no block after <!-- {marker} -->"
    if os.environ.get(UPDATE) and form(found[2]) != form(content):
        text = pattern.sub(lambda found: found[1] + content + found[3], text)
        README.write_text(text, "utf-8")
    found = pattern.search(text)
    assert found
    return found[2]


@pytest.mark.parametrize("example", ["quickstart/test_quickstart.py", "conformance/test_conformance.py"])
def test_its_snippets_are_the_examples(example: str) -> None:
    content = (ROOT / "examples" / example).read_text("utf-8")
    assert block(f"example: examples/{example}", content) == content, f"run pytest with {UPDATE}=1"


def normalised(text: str) -> str:
    """Return an output without what differs from run to run: instants, tokens, ids, and so where lines break."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>", text)
    text = re.sub(r"C[\w-]{3}…[\w-]{4}", "<token>", text)
    return " ".join(text.split())


def test_the_quickstart_without_its_refresh_fails_as_shown(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    broken, count = re.subn(
        r"        if time\.time\(\).*?self\.save\(answer\.json\(\)\)\n",
        "",
        QUICKSTART.read_text("utf-8"),
        flags=re.DOTALL,
    )
    assert count == 1
    pytester.makepyfile(test_quickstart=broken)
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.assert_outcomes(failed=1)
    error = next(line for line in result.outlines if line.startswith("E "))
    start = next(index for index, line in enumerate(result.outlines) if "- HubSpot simulator -" in line)
    end = next(index for index, line in enumerate(result.outlines) if "= short test summary info =" in line)
    shown = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:41859", f"{error}\n") + "\n".join(result.outlines[start:end])
    expected = block("output: quickstart without its refresh", shown + "\n", normalised).strip()
    assert normalised(expected) == normalised(shown), f"run pytest with {UPDATE}=1"


def row(name: str) -> str:
    return f"| `{name}` | `{default_of(name)}` | {SETTINGS[name].valid} | {SETTINGS[name].help} |"


def test_d6_the_page_lists_every_setting_with_its_valid_values_in_groups() -> None:
    page = ROOT / "docs" / "settings.md"
    head = "| setting | default | values | meaning |\n|---|---|---|---|"
    tables = "\n\n".join(f"## {title}\n\n{head}\n" + "\n".join(map(row, GROUPS[title])) for title in GROUPS)
    pattern = re.compile(r"(?<=<!-- settings -->\n).*(?=<!-- end of settings -->)", re.DOTALL)
    if os.environ.get(UPDATE):
        page.write_text(pattern.sub(lambda _: tables + "\n", page.read_text("utf-8")), "utf-8")
    found = pattern.search(page.read_text("utf-8"))
    assert found
    assert found[0] == tables + "\n", f"run pytest with {UPDATE}=1"


def test_the_settings_of_the_readme_are_those_of_the_table() -> None:
    every = (ROOT / "docs" / "settings.md").read_text("utf-8")
    rows = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| `") and "` | `" in line]
    names = [row for row in rows if row.split("`")[1] in SETTINGS]
    assert len(names) > 5
    assert [row for row in names if row not in every] == []


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.template.startswith("/_simulator/")], ids=lambda r: r.template
)
def test_every_control_endpoint_is_in_the_table(route) -> None:
    assert f"| `{route.method} {route.template}` |" in README.read_text("utf-8")


def test_every_fixture_is_in_the_table(pytester: pytest.Pytester) -> None:
    fixtures = re.findall(r"^(hubspot_\w+)", pytester.runpytest_inprocess("--fixtures").stdout.str(), re.MULTILINE)
    assert len(fixtures) > 5
    assert [name for name in fixtures if f"`{name}`" not in README.read_text("utf-8")] == []


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []
