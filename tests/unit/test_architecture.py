"""What an import brings with it, and where imports stand. import-linter checks their directions."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (ROOT / "pytest_hubspot_auth", ROOT / "simulator" / "hubspot_simulator")
# Every pytest run loads these, and the rest of the product only with the first use of a hook, a fixture or the guard.
LIGHT = {"fixtures.py", "plugin.py", "routing/item_protection.py"}
# What is loaded before, by a measurement of coverage, is not counted.
IMPORT = "import sys; before = set(sys.modules); __import__(sys.argv[1]); print(*set(sys.modules) - before)"


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        pytest.param(
            "pytest_hubspot_auth.plugin",
            {"hubspot_simulator.settings", "hubspot_simulator.core", "werkzeug", "cheroot", "freezegun", "responses"},
            id="an-unused-plugin-loads-nothing-but-pytest-and-the-table-of-the-settings",
        ),
        pytest.param(
            "hubspot_simulator.settings_table",
            {"dataclasses", "inspect", "difflib", "hubspot_simulator.settings"},
            id="the-table-of-the-settings-loads-next-to-nothing",
        ),
        pytest.param(
            "hubspot_simulator.settings",
            {"hubspot_simulator.core", "hubspot_simulator.http", "werkzeug", "cheroot"},
            id="the-settings-load-the-standard-library-only",
        ),
        pytest.param(
            "hubspot_simulator.simulator",
            {"hubspot_simulator.http", "werkzeug", "cheroot"},
            id="the-core-knows-no-http",
        ),
        pytest.param(
            "pytest_hubspot_auth.sim",
            {"trustme", "cryptography"},
            id="what-makes-certificates-is-loaded-when-one-is-needed",
        ),
        pytest.param(
            "hubspot_simulator.lab.conformance.probe",
            {"hubspot_simulator.http", "hubspot_simulator.serving", "pytest_hubspot_auth", "pytest", "freezegun"},
            id="the-scenarios-know-no-pytest-and-no-server",
        ),
        pytest.param(
            "hubspot_simulator.lab.conformance.score",
            {"hubspot_simulator.core", "hubspot_simulator.lab.conformance.trial", "asyncio"},
            id="the-score-card-loads-the-standard-library-only",
        ),
        pytest.param(
            "hubspot_simulator.cli.serve",
            {"pytest_hubspot_auth", "pytest", "_pytest", "freezegun", "responses"},
            id="the-simulator-knows-no-pytest",
        ),
    ],
)
def test_an_import_brings_nothing_unwanted(module: str, unwanted: set[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", IMPORT, module]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert module in loaded
    assert not loaded & unwanted


def unexplained_imports(source: str) -> Iterator[str]:
    """Return the imports within functions that have no comment, on their line or above the imports they stand among."""
    lines = source.splitlines()
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    imports = {
        node for function in functions for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
    }
    numbers = {node.lineno for node in imports}
    for number in sorted(numbers):
        above = number - 1
        while above in numbers:
            above -= 1
        if "#" not in lines[number - 1] and not lines[above - 1].strip().startswith("#"):
            yield f"{number}: {lines[number - 1].strip()}"


def test_imports_within_functions_say_why() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for package in PACKAGES
        for path in sorted(package.rglob("*.py"))
        if package != PACKAGES[0] or path.relative_to(package).as_posix() not in LIGHT
        for line in unexplained_imports(path.read_text("utf-8"))
    ]
    assert not found, "move these to the top of their module, or give each the reason as a comment"


def test_an_import_within_a_function_is_seen() -> None:
    source = """
import json

def why():
    import psutil  # it is slow to import

def above():
    # Windows has none
    import resource
    import pwd

class A:
    def method(self):
        def inner():
            from x import (
                y,
            )
"""
    assert list(unexplained_imports(source)) == ["15: from x import ("]
