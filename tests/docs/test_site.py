"""The documentation site is complete: every page is in its contents, every public name in its API reference."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
INDEX = (DOCS / "index.md").read_text("utf-8")
API = (DOCS / "api.md").read_text("utf-8")
MODULES = ["pytest_hubspot_auth", "hubspot_simulator", "hubspot_simulator.webhooks"]


@pytest.fixture
def public_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module that writes the API reference, which needs no Sphinx."""
    monkeypatch.syspath_prepend(DOCS / "_extensions")
    yield import_module("public_names")
    del sys.modules["public_names"]


def sections() -> dict[str, str]:
    """Return the text of each section of the index by its heading."""
    return dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", INDEX, re.DOTALL | re.MULTILINE))


def toctree(section: str) -> list[str]:
    (block,) = re.findall(r"^```\{toctree\}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    return [line for line in block.splitlines() if line and not line.startswith(":")]


def test_every_page_is_in_one_toctree() -> None:
    pages = [page.stem for page in DOCS.glob("*.md") if page.stem != "index"]
    assert sorted(page for section in sections().values() for page in toctree(section)) == sorted(pages)


@pytest.mark.parametrize("heading", ["Tutorial", "How-to guides", "Reference", "Explanation"])
def test_a_section_of_the_index_links_to_what_its_toctree_lists(heading: str) -> None:
    section = sections()[heading]
    assert re.findall(r"^- \[.+?\]\((\S+)\.md\)", section, re.MULTILINE) == toctree(section) != []
    assert f":caption: {heading}\n" in section


def test_the_api_reference_documents_the_fixtures_and_the_public_modules() -> None:
    assert re.findall(r"^\.\. public-names:: (\S+)$", API, re.MULTILINE) == MODULES
    assert len(re.findall(r"^\.\. fixtures::$", API, re.MULTILINE)) == 1


@pytest.mark.parametrize("module", MODULES)
def test_the_api_reference_has_every_exported_name(public_names: ModuleType, module: str) -> None:
    documented = {text: public_names.package_reference(text) for text in MODULES}
    missing = []
    for name in import_module(module).__all__:
        here = re.search(rf"^\.\. auto\w+:: {module}\.{name}$", documented[module], re.MULTILINE)
        elsewhere = re.search(rf":py:obj:`{name} <(\w+)\.{name}>`", documented[module])
        if not here and not (elsewhere and f":: {elsewhere[1]}.{name}\n" in documented[elsewhere[1]]):
            missing.append(name)
    assert missing == []


def test_the_api_reference_has_every_fixture(public_names: ModuleType, pytester: pytest.Pytester) -> None:
    listed = pytester.runpytest_inprocess("--fixtures").stdout.str()
    fixtures = re.findall(r"^(hubspot_\w+)", listed, re.MULTILINE)
    assert len(fixtures) > 5
    assert sorted(re.findall(r"^\.\. py:data:: (\w+)$", public_names.fixture_reference(), re.MULTILINE)) == sorted(
        fixtures
    )


def test_the_api_reference_has_what_a_public_class_inherits_from_a_private_one(public_names: ModuleType) -> None:
    simulator = public_names.package_reference("hubspot_simulator").partition("hubspot_simulator.Simulator\n")[2]
    assert simulator.startswith("   :members:\n   :inherited-members:\n")
    assert "HubspotSim\n   :members:\n   :show-inheritance:\n" in public_names.package_reference("pytest_hubspot_auth")
