"""The fidelity page and the code speak of the same things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hubspot_simulator
from hubspot_simulator.core.errors import TOKEN_ERRORS
from hubspot_simulator.http.routes import ROUTES
from hubspot_simulator.settings import SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"
PACKAGE = Path(hubspot_simulator.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
STATUSES = {"recorded", "documented", "inferred", "left out"}


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_section_that_the_code_refers_to_is_there(page: str) -> None:
    headings = set(re.findall(r"^#+ (.+)$", page, re.MULTILINE))
    referred = {
        name for source in SOURCES for name in re.findall(r'fidelity\.md, "([^"]+)"', source.read_text("utf-8"))
    }
    assert len(referred) > 10
    assert referred <= headings


def test_every_endpoint_is_on_the_page(page: str) -> None:
    literal = {route.template for route in ROUTES if not route.template.startswith("/crm/objects/")}
    assert not [template for template in literal if template not in page]
    assert "/crm/objects/v3/{type}" in page
    assert "/crm/objects/{version}/{type}" in page


def test_every_row_of_a_table_has_a_status(page: str) -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in page.splitlines()
        if line.startswith("| ") and not line.startswith(("| status", "| `status`", "| what"))
    ]
    three = [row for row in rows if len(row) == 3]
    assert len(three) > 100
    assert {row[1] for row in three} == STATUSES


def test_the_code_refers_to_nothing_that_is_not_shipped() -> None:
    assert not [source for source in SOURCES if re.search(r"wire/\w+\.md", source.read_text("utf-8"))]


def test_every_setting_that_changes_an_answer_is_on_the_page(page: str) -> None:
    code = "".join(
        source.read_text("utf-8") for source in SOURCES if source.relative_to(PACKAGE).parts[0] in {"core", "http"}
    )
    read = {name for name in SETTINGS if name != "fail_on" and re.search(rf"settings\.{name}\b", code)}
    assert len(read) > 15
    assert not [name for name in read if not re.search(rf"`{name}( = \w+)?`", page)]


def test_every_refusal_of_the_token_endpoint_is_on_the_page(page: str) -> None:
    assert not [name for name in TOKEN_ERRORS if f"| `{name}` |" not in page]


def test_every_link_within_the_page_leads_somewhere(page: str) -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", page, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= anchors
    assert (PAGE.parent / "webhooks.md").exists()
