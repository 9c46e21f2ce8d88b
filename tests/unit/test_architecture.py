"""What an import brings with it. import-linter holds the directions; it cannot see when an import happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

IMPORT = "import sys; __import__(sys.argv[1]); print(*sys.modules)"


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
