"""docs/architecture.md: its pictures are the layers that import-linter checks, and its paths exist."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # a dependency of pytest there

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
FOLDERS = {
    "hubspot_simulator": ROOT / "simulator" / "hubspot_simulator",
    "pytest_hubspot_auth": ROOT / "pytest_hubspot_auth",
}


def picture(package: str) -> str:
    """Draw the layers of a package as boxes, the highest first."""
    (layers,) = [contract["layers"] for contract in CONTRACTS if contract.get("containers") == [package]]
    rows = [[name for name in re.split(r"\s*[|:]\s*", layer) if not name.startswith("__")] for layer in layers]
    lines = ["   ".join(_label(package, name) for name in row) for row in rows if row]
    width = max(map(len, lines))
    rule = f"+{'-' * (width + 4)}+"
    return "\n".join([rule, *(f"|  {line:<{width}}  |\n{rule}" for line in lines)])


def _label(package: str, name: str) -> str:
    return f"{name}/" if (FOLDERS[package] / name).is_dir() else f"{name}.py"


@pytest.mark.parametrize("package", FOLDERS)
def test_the_pictures_are_the_contracts(package: str) -> None:
    text = PAGE.read_text("utf-8")
    pattern = re.compile(rf"(<!-- layers: {package} -->\n```text\n)(.*?)(```)", re.DOTALL)
    shown = pattern.search(text)
    assert shown is not None
    drawn = picture(package) + "\n"
    if shown[2] != drawn and os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(pattern.sub(lambda match: match[1] + drawn + match[3], text), "utf-8")
        return
    assert shown[2] == drawn, "UPDATE_DOCS=1 pytest tests/docs writes the picture"


def test_its_paths_exist() -> None:
    """A path is named from the root, or from the folder of one of the packages."""
    names = re.findall(r"`([\w/]+/(?:\w+\.py)?|\w+\.py)`", PAGE.read_text("utf-8"))
    assert len(names) > 20
    folders = [ROOT, *FOLDERS.values(), FOLDERS["hubspot_simulator"] / "http", FOLDERS["hubspot_simulator"] / "serving"]
    assert [name for name in names if not any((folder / name).exists() for folder in folders)] == []
