"""What runs the checks agrees with tox.ini, where they are defined."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"

# the source distribution carries neither
pytestmark = pytest.mark.skipif(not GITHUB.is_dir(), reason="not a checkout")


@pytest.fixture(scope="module")
def tox() -> ConfigParser:
    """The contents of tox.ini."""
    parser = ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini", encoding="utf-8")
    return parser


def test_ci_runs_every_environment_of_tox(tox: ConfigParser) -> None:
    environments = {name.strip() for name in tox["tox"]["env_list"].split(",")}
    workflow = (GITHUB / "workflows" / "ci.yml").read_text("utf-8")
    assert environments - set(re.findall(r"{ env: (\w+),", workflow)) == set()


def test_the_hooks_of_pre_commit_have_versions_that_tox_allows(tox: ConfigParser) -> None:
    allowed = dict(re.findall(r"^(\w+)\S*?(==\S+)$", tox["testenv:lint"]["deps"], re.MULTILINE))
    text = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    pinned = dict(re.findall(r'"(ruff|codespell)(?:\[toml\])?==([^"]+)"', text))
    assert set(pinned) == set(allowed) == {"ruff", "codespell"}
    assert [name for name in pinned if pinned[name] not in SpecifierSet(allowed[name])] == []


def test_no_action_is_pinned_to_a_tag_that_can_move() -> None:
    uses = [
        (path.name, action)
        for path in (GITHUB / "workflows").glob("*.yml")
        for action in re.findall(r"uses: (\S+)", path.read_text("utf-8"))
        if not action.startswith("./")
    ]
    assert len(uses) >= 6
    assert [use for use in uses if not re.search(r"@[0-9a-f]{40}$", use[1])] == []
