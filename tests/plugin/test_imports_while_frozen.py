"""What is imported, or built, for the first time inside a frozen test."""

from __future__ import annotations

import datetime
import sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader
from importlib.util import find_spec

import pytest

from pytest_hubspot_auth import HubspotClock, HubspotSim

REAL = [datetime.datetime, datetime.date]  # at import, before any freeze
LIBRARY = """
import datetime
from datetime import date, datetime as moment
import time

import {other}

SEEN = datetime.datetime, datetime.date

class Meta(type):
    pass

class Day(date, metaclass=Meta):  # as pydantic.v1 has it
    pass

def now():
    return moment.now(datetime.timezone.utc).timestamp(), time.time()
"""
OTHER = "import datetime\nSEEN = datetime.datetime\n"


@pytest.mark.skipif(find_spec("pandas") is None, reason="pandas, which is large, is not installed")
def test_pandas_is_imported_for_the_first_time(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import datetime

        def test_pandas(hubspot_clock):
            import pandas
            now = datetime.datetime.now()
            frame = pandas.DataFrame({"when": [now, datetime.datetime(2020, 1, 1)]})
            assert frame["when"].max() == now == pandas.Timestamp(now)
            assert pandas.Series(pandas.date_range("2020-01-01", periods=3)).max().day == 3

        def test_afterwards():
            import pandas
            assert pandas.Timestamp(datetime.datetime(2020, 1, 1)).year == 2020
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly", "-W", "error").assert_outcomes(passed=2)


def test_an_extension_module_finds_the_real_types(
    hubspot_sim: HubspotSim, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """A stand-in's layout is another one: Cython would crash the process, or warn of a changed size."""
    name = next(
        n for n in ("markupsafe._speedups", "yarl._quoting_c", "charset_normalizer.md") if _extension(n) is not None
    )
    seen = []
    real = ExtensionFileLoader.exec_module

    def spied(loader: ExtensionFileLoader, module: object) -> None:
        seen.append([datetime.datetime, datetime.date])
        real(loader, module)

    monkeypatch.setattr(ExtensionFileLoader, "exec_module", spied)
    clock: HubspotClock = request.getfixturevalue("hubspot_clock")
    seen.clear()  # a freeze looks at every module, and some load others then
    spec = _extension(name)
    loaded = spec.loader.create_module(spec)
    spec.loader.exec_module(loaded)
    assert [type_ is real for type_, real in zip(*seen, REAL, strict=True)] == [True, True]  # a stand-in is equal
    assert datetime.datetime.now(datetime.timezone.utc) == clock.now
    assert datetime.datetime is not REAL[0]


def _extension(name: str) -> ModuleSpec | None:
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return None
    return spec if spec is not None and isinstance(spec.loader, ExtensionFileLoader) else None


def test_a_library_is_loaded_as_if_before_the_freeze_and_a_module_of_the_project_is_not(
    pytester: pytest.Pytester,
) -> None:
    folder = pytester.mkdir("site-packages")
    (folder / "a_library.py").write_text(LIBRARY.format(other="of_the_project"), "utf-8")
    pytester.makepyfile(of_the_project=OTHER)
    pytester.makepyfile(
        f"""
        import datetime
        import sys
        import time

        real = [datetime.datetime, datetime.date]
        sys.path.append({str(folder)!r})

        def test_one(hubspot_clock):
            import a_library
            import of_the_project
            assert [*map(id, a_library.SEEN)] == [*map(id, real)]
            assert of_the_project.SEEN is datetime.datetime is not real[0]
            hubspot_clock.advance(minutes=31)
            assert a_library.now() == (time.time(), time.time())
            assert a_library.Day(2026, 1, 1) == datetime.date(2026, 1, 1)

        def test_two():
            import a_library
            import of_the_project
            assert [id(a_library.moment), id(a_library.date)] == [*map(id, real)]
            assert abs(a_library.now()[0] - time.time()) < 60
        """
    )
    pytester.syspathinsert()
    pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_a_library_that_fails_says_that_it_was_imported_while_frozen(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("site-packages")
    (folder / "broken_library.py").write_text("raise TypeError('no')\n", "utf-8")
    pytester.makepyfile(
        f"""
        import sys
        sys.path.append({str(folder)!r})

        def test_one(hubspot_clock):
            import broken_library
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    if sys.version_info >= (3, 11):
        result.stdout.fnmatch_lines(["*first imported while hubspot_clock had frozen time*top of the*"])


def test_a_library_that_loads_its_parts_when_they_are_looked_at_finds_the_real_types(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pydantic does. It is freezegun that looks first, when it freezes."""
    package = pytester.mkdir("site-packages") / "lazy_parts"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import importlib\n"
        "def __dir__(): return ['Part']\n"
        "def __getattr__(name):\n"
        "    if name != 'Part': raise AttributeError(name)\n"
        "    return importlib.import_module('lazy_parts.part').Part\n"
    )
    (package / "part.py").write_text("import datetime\nclass Part: TABLE = {datetime.datetime: 1, datetime.date: 2}\n")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    pytester.makepyfile(
        """
        import datetime
        import lazy_parts

        REAL = [datetime.datetime, datetime.date]

        def test_frozen(hubspot_clock):
            assert [lazy_parts.Part.TABLE.get(kind) for kind in REAL] == [1, 2]

        def test_afterwards():
            assert datetime.datetime is REAL[0]
            assert [lazy_parts.Part.TABLE.get(kind) for kind in REAL] == [1, 2]
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly", "-W", "error").assert_outcomes(passed=2)


def test_a_pydantic_model_is_built_while_frozen(hubspot_clock: HubspotClock) -> None:
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model(
        "Model",
        moment=(datetime.datetime, ...),
        day=(datetime.date, ...),
        moments=(list[datetime.datetime], ...),
        real=(REAL[0], ...),
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    made = model(moment=now, day="2026-11-23", moments=[now, "2026-11-23T10:00:00Z"], real=now)
    assert made.moment == made.real == now
    assert made.day == datetime.date(2026, 11, 23)
    assert model.model_validate_json(made.model_dump_json()) == made
    with pytest.raises(pydantic.ValidationError):
        model(moment="no moment", day="2026-11-23", moments=[], real=now)


def test_a_fastapi_app_is_built_while_frozen(hubspot_clock: HubspotClock) -> None:
    fastapi = pytest.importorskip("fastapi", reason="FastAPI is not installed")
    app = fastapi.FastAPI()

    @app.get("/")
    def route(when: datetime.datetime, day: datetime.date) -> dict[str, datetime.datetime]:
        return {"when": when}

    assert app.openapi()["paths"]["/"]["get"]["parameters"][0]["schema"]["format"] == "date-time"


def test_afterwards_imports_are_left_alone(hubspot_sim: HubspotSim) -> None:
    loaders = dict(vars(ExtensionFileLoader)), dict(vars(SourceFileLoader))
    clock = HubspotClock(hubspot_sim.clock)
    clock.start()
    assert "exec_module" in vars(SourceFileLoader)
    clock.stop()
    assert (dict(vars(ExtensionFileLoader)), dict(vars(SourceFileLoader))) == loaders
    assert datetime.datetime is REAL[0]
    assert datetime.date is REAL[1]
