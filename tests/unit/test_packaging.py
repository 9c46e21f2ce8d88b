"""What is shipped: the wheel, the source distribution, and the bounds of what they depend on."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from configparser import ConfigParser
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

import hubspot_simulator
import pytest_hubspot_auth
from hubspot_simulator import links
from hubspot_simulator.cli.explain import pages

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # a dependency of pytest's own there

ROOT = Path(__file__).parents[2]
PACKAGES = {"pytest_hubspot_auth": ROOT, "hubspot_simulator": ROOT / "simulator"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION = hubspot_simulator.__version__
INFO = f"pytest_hubspot_auth-{VERSION}.dist-info"
PAGES = "hubspot_simulator/pages/"
EXPLAIN = """
import sys
sys.path.insert(0, sys.argv[1])
import hubspot_simulator
from hubspot_simulator.cli import main
print(hubspot_simulator.__file__, flush=True)
sys.exit(main(["explain", sys.argv[2]]))
"""
BUILD = "import sys; from hatchling import build; print(getattr(build, sys.argv[1])(sys.argv[2]))"


def build(kind: str, source: Path, target: Path) -> Path:
    """Build a distribution with its backend alone, which needs neither network nor environment."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the distributions, is not installed")
    command = [sys.executable, "-c", BUILD, f"build_{kind}", str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target / done.stdout.split()[-1]


def contents(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def source_files(folder: Path) -> dict[str, bytes]:
    """The files of an import package, by their path from beside it."""
    return {
        path.relative_to(folder.parent).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def quoted_pages() -> dict[str, bytes]:
    """The pages that ``hubspot-simulator explain`` quotes, by their path in the wheel."""
    return {f"{PAGES}{name}.md": (ROOT / "docs" / f"{name}.md").read_bytes() for name in pages.NAMES}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the wheel that the tree gives."""
    return contents(build("wheel", ROOT, tmp_path_factory.mktemp("wheel")))


@pytest.fixture
def unpacked_sdist(tmp_path: Path) -> Path:
    """The source distribution, unpacked."""
    with tarfile.open(build("sdist", ROOT, tmp_path)) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(tmp_path, filter="data")
        else:
            archive.extractall(tmp_path)
    return tmp_path / f"pytest_hubspot_auth-{VERSION}"


def test_the_wheel_holds_the_two_packages_and_nothing_else(wheel: dict[str, bytes]) -> None:
    expected = {f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    for package, folder in PACKAGES.items():
        expected |= set(source_files(folder / package))
    assert set(wheel) == expected | set(quoted_pages())


def test_the_wheel_holds_the_pages_that_explain_quotes(wheel: dict[str, bytes]) -> None:
    assert {name: data for name, data in wheel.items() if name.startswith(PAGES)} == quoted_pages()


def test_explain_works_from_the_wheel_alone(wheel: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in wheel.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", EXPLAIN, str(tmp_path), "refresh-storm"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    where, _, text = done.stdout.partition("\n")
    assert Path(where) == tmp_path / "hubspot_simulator" / "__init__.py"
    assert text.startswith("refresh-storm\n")
    assert "Refresh under one lock per connection." in text


def test_the_wheel_says_that_both_packages_are_typed(wheel: dict[str, bytes]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel)


def test_the_wheel_registers_the_plugin_and_the_command(wheel: dict[str, bytes]) -> None:
    entry_points = ConfigParser()
    entry_points.read_string(wheel[f"{INFO}/entry_points.txt"].decode())
    assert {section: dict(entry_points[section]) for section in entry_points.sections()} == {
        "console_scripts": {"hubspot-simulator": "hubspot_simulator.cli:main"},
        "pytest11": {"hubspot_auth": "pytest_hubspot_auth.plugin"},
    }


def test_the_version_has_one_home(wheel: dict[str, bytes]) -> None:
    assert "version" not in PROJECT  # hatchling reads it from the package
    assert f"Version: {VERSION}" in wheel[f"{INFO}/METADATA"].decode().splitlines()
    assert pytest_hubspot_auth.__version__ == VERSION
    assert f"## [{VERSION}] - " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_version_is_read_without_the_metadata_of_installed_packages() -> None:
    program = (
        "import sys, hubspot_simulator, pytest_hubspot_auth; "
        "print(hubspot_simulator.__version__, pytest_hubspot_auth.__version__, 'importlib.metadata' in sys.modules)"
    )
    # -S: what site-packages loads at start-up is not this project's
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PACKAGES.values()))}
    command = [sys.executable, "-S", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [VERSION, VERSION, "False"], done.stderr


def test_the_links_of_the_index_page_come_from_the_one_constant() -> None:
    assert PROJECT.get("urls", {}) == links.project_urls()


def test_without_an_address_there_are_no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "PROJECT_URL", "")
    assert links.project_urls() == {}
    assert links.files_url() == ""
    monkeypatch.setattr(links, "PROJECT_URL", "https://code.example/project")
    assert links.files_url() == "https://code.example/project/blob/main"
    assert set(links.project_urls()) == {"Homepage", "Changelog", "Issues"}
    assert all(url.startswith("https://code.example/project") for url in links.project_urls().values())


def test_the_source_distribution_gives_the_same_wheel(
    wheel: dict[str, bytes], unpacked_sdist: Path, tmp_path: Path
) -> None:
    assert contents(build("wheel", unpacked_sdist, tmp_path)) == wheel


def test_the_source_distribution_can_be_tested(unpacked_sdist: Path) -> None:
    assert {path.name for path in (ROOT / "tests").iterdir() if path.name != "__pycache__"} == {
        path.name for path in (unpacked_sdist / "tests").iterdir()
    }
    for name in ("tox.ini", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"):
        assert (unpacked_sdist / name).is_file(), name


def test_what_is_imported_here_is_what_the_wheel_holds(wheel: dict[str, bytes]) -> None:
    imported: dict[str, bytes] = {}
    for package in PACKAGES:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        imported |= source_files(Path(spec.origin).parent)
    if not any(name.startswith(PAGES) for name in imported):  # an editable install reads those in docs/
        imported |= quoted_pages()
    assert imported == {name: data for name, data in wheel.items() if not name.startswith(INFO)}


def test_intercept_and_run_need_no_extra() -> None:
    names = {requirement.partition(">=")[0] for requirement in PROJECT["dependencies"]}
    assert "trustme" in names
    assert set(PROJECT["optional-dependencies"]) == {"test", "bench"}  # neither is for users


def test_the_lowest_environment_installs_the_lower_bounds() -> None:
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    pins = set(tox["testenv:lowest"]["deps"].split())
    assert pins == {requirement.split(",")[0].replace(">=", "==") for requirement in PROJECT["dependencies"]}
