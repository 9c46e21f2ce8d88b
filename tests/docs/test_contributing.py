"""What CONTRIBUTING.md and SECURITY.md name is there."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md"])
def test_every_path_and_link_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    quoted = re.findall(r"`((?:\.codespell|docs|examples|pytest_hubspot_auth|simulator|tests)/[\w/.-]*)`", text)
    in_commands = re.findall(r"^[^#\n]*pytest (?:-n 2 )?(tests/\S+(?: tests/\S+)*)", text, re.MULTILINE)
    links = re.findall(r"\]\((?!https:)([^)#]+)", text)
    paths = {*quoted, *links, *(path for paths in in_commands for path in paths.split())}
    assert paths
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_every_folder_of_tests_is_described() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert [name for name in sorted(folders) if f"`tests/{name}`" not in CONTRIBUTING] == []


def test_every_environment_of_tox_is_described() -> None:
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    environments = [name.strip() for name in tox["tox"]["env_list"].split(",")]
    named = re.findall(r"`(?:tox run -e )?(\w+)`", CONTRIBUTING)
    one_by_one = [name for name in environments if not re.fullmatch(r"py3\d+", name)]
    assert [name for name in one_by_one if name not in named] == []
    assert f"`tox run -e {environments[-4]}` ... `{environments[-1]}`" in CONTRIBUTING
