"""How the tests of ``hubspot-simulator run`` start it and read what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "hubspot_simulator", "run"]
_LINE = re.compile(r"^  #\d+ \S+ (\S+) (\S+) (\d{3}): (.*)$", re.MULTILINE)


@dataclass
class Ran:
    """A program that ran, and the report on it."""

    status: int
    output: str
    report: str

    @property
    def exchanges(self) -> list[tuple[str, str, int]]:
        """Method, path without its query and status of what the report lists."""
        return [(method, path.partition("?")[0], int(status)) for method, path, status, _ in _LINE.findall(self.report)]

    @property
    def whys(self) -> list[str]:
        """The reason for each answer."""
        return [why for *_, why in _LINE.findall(self.report)]


Run = Callable[..., Ran]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a run whose temporary files lie in a folder."""
    return {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "PYTHONIOENCODING": "utf-8", **more}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program under the simulator to its end; check that nothing is left of it in the temporary folder."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def run(command: Sequence[object], *options: str, stdin: str = "", timeout: float = 60, **more: str) -> Ran:
        done = subprocess.run(
            [*COMMAND, *options, "--", *map(str, command)],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            env=environment(temporary, **more),
        )
        left = [path.name for path in temporary.iterdir() if path.name.startswith("hubspot-simulator-")]
        assert left == []
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def python(run: Run, tmp_path: Path) -> Run:
    """Run a Python script likewise, given by its text."""

    def python(script: str, *options: str, interpreter: str = sys.executable, **more: str) -> Ran:
        path = tmp_path / "child.py"
        path.write_text(script, encoding="utf-8")
        return run([interpreter, path], *options, **more)

    return python


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Node clients, installed once."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("node and npm are not on this machine")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text("{}")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    try:
        done = subprocess.run(
            [*command, "@hubspot/api-client@13", "axios@1"], cwd=folder, capture_output=True, text=True, timeout=90
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm could not install @hubspot/api-client within 90 s")
    if done.returncode:
        pytest.skip(f"npm could not install @hubspot/api-client: {done.stderr.strip()[-300:]}")
    return folder
