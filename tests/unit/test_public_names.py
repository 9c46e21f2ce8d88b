"""The public names: those in ``__all__``. The documentation speaks of no others."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = ("hubspot_simulator", "hubspot_simulator.webhooks", "pytest_hubspot_auth")
LAZY = ("hubspot_simulator", "pytest_hubspot_auth")
PAGES = sorted(path for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))
FOR_DEVELOPERS = ("architecture.md",)  # of this project: it speaks of what is inside
PACKAGES = ("hubspot_simulator", "pytest_hubspot_auth")


def public(module: str) -> list[str]:
    return list(import_module(module).__all__)


def private_imports(source: str) -> list[str]:
    """Return what a program imports of our packages that is not public, as ``module.name``."""
    imported: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported += [(node.module, alias.name) for alias in node.names]
    return [
        f"{module}.{name}".rstrip(".")
        for module, name in imported
        if module.partition(".")[0] in PACKAGES
        and not (module in MODULES and (not name or name in public(module) or f"{module}.{name}" in MODULES))
    ]


def code_of(page: Path) -> list[str]:
    """Return the Python blocks of a page that are whole programs, or parts of one."""
    blocks = re.findall(r"^```(?:python|py)[^\n]*\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [block for block in blocks if "import" in block]


def test_the_documentation_imports_public_names_only() -> None:
    private = {page.name: [name for block in code_of(page) for name in private_imports(block)] for page in PAGES}
    assert {page: names for page, names in private.items() if names} == {}


def test_the_documentation_names_no_private_module() -> None:
    private = {}
    for page in PAGES:
        named = re.findall(rf"\b(?:{'|'.join(PACKAGES)})(?:\.\w+)+", page.read_text("utf-8"))
        private[page.name] = [name for name in named if not {name, name.rpartition(".")[0]} & set(MODULES)]
    assert {page: names for page, names in private.items() if names and page not in FOR_DEVELOPERS} == {}


def test_the_examples_import_public_names_only() -> None:
    private = {str(example): private_imports(example.read_text("utf-8")) for example in EXAMPLES}
    assert {example: names for example, names in private.items() if names} == {}


def test_a_private_import_is_seen() -> None:
    assert private_imports("from hubspot_simulator.core.clock import ManualClock") == [
        "hubspot_simulator.core.clock.ManualClock"
    ]
    assert private_imports("import pytest_hubspot_auth.plugin") == ["pytest_hubspot_auth.plugin"]
    assert private_imports("from hubspot_simulator import Store, webhooks") == ["hubspot_simulator.Store"]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_there_and_documented(module: str) -> None:
    names = public(module)
    assert names == sorted(names, key=lambda name: (name[0].islower(), name))
    values = {name: getattr(import_module(module), name) for name in names}
    undocumented = [name for name, value in values.items() if not (getattr(value, "__doc__", None) or "").strip()]
    assert undocumented == []


@pytest.mark.parametrize("module", MODULES)
def test_the_programs_for_the_type_checkers_use_every_name(module: str) -> None:
    used: set[str] = set()
    for program in (ROOT / "tests" / "typing").glob("*.py"):
        for node in ast.walk(ast.parse(program.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == module:
                used |= {alias.name for alias in node.names}
            elif (
                isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and module.endswith(node.value.id)
            ):
                used.add(node.attr)
    assert set(public(module)) - used == set()


@pytest.mark.parametrize("module", LAZY)
def test_type_checkers_see_the_same_names(module: str) -> None:
    source = Path(str(import_module(module).__file__)).read_text("utf-8")
    [block] = [node for node in ast.parse(source).body if isinstance(node, ast.If)]
    seen = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen - {"__version__"} == set(public(module))


@pytest.mark.parametrize("module", LAZY)
def test_the_names_are_listed_for_completion_and_others_are_refused(module: str) -> None:
    assert set(public(module)) <= set(dir(import_module(module)))
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'Sumulator'"):
        import_module(module).Sumulator  # noqa: B018


@pytest.mark.parametrize("module", LAZY)
def test_a_package_loads_nothing_by_itself(module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [name for name in done.stdout.split() if name.startswith(PACKAGES)] == [module]
