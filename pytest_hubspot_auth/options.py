"""The settings that a run was given by command line, environment and ini file, and where each came from."""

from __future__ import annotations

import os
from typing import Any

import pytest

from hubspot_simulator.setting_values import SettingError
from hubspot_simulator.settings_table import GROUPS, SETTINGS, described, read

from .marks import CLOCK_ARGUMENTS, MARK, NOT_BY_MARK, SWEEP_MARK, mark_arguments

SCENARIO = "hubspot_scenario"  # the property of a report in which a test of the suite leaves its result

GIVEN: pytest.StashKey[dict[str, tuple[Any, str]]] = pytest.StashKey()


def add_options(parser: pytest.Parser) -> None:
    """Add an option and an ini setting for each setting."""
    for title, names in GROUPS.items():
        group = parser.getgroup(f"hubspot {title}", f"HubSpot simulator: {title.lower()}")
        for name in names:
            text = described(name)
            group.addoption(
                f"--hubspot-{name.replace('_', '-')}",
                dest=f"hubspot_{name}",
                default=None,
                metavar="VALUE",
                help=text,
            )
            parser.addini(f"hubspot_{name}", text, default=None)
    parser.getgroup("hubspot", "HubSpot simulator").addoption(
        "--hubspot-score-card",
        default=None,
        metavar="FILE",
        help="write the score cards of HubSpotRefreshSuite into a file, as JSON",
    )


def register_marks(config: pytest.Config) -> None:
    """Register the marks with what ``pytest --markers`` says of them."""
    names = [name for name in SETTINGS if name not in NOT_BY_MARK]
    config.addinivalue_line(
        "markers",
        f"{MARK}(*, {', '.join([*names, *CLOCK_ARGUMENTS])}): settings of "
        "the HubSpot simulator for this test; now= pins the instant at which hubspot_clock starts, utc_offset= the "
        "local time of the code under test; waiting='simulated' has sleeps pass simulated time.",
    )
    config.addinivalue_line(
        "markers",
        f"{SWEEP_MARK}(*, calls, kinds=['expiry'], stride=1): run this test again for each of its calls of HubSpot's "
        "API, with the access token dead when that call arrives.",
    )


def header_line(given: dict[str, tuple[Any, str]]) -> str | None:
    """Return the line of pytest's header that says which settings were given, and where; None without any."""
    if not given:
        return None
    shown = {name: "…" if SETTINGS[name].secret else value for name, (value, _) in given.items()}
    return "hubspot: " + ", ".join(f"{name}={shown[name]} ({source})" for name, (_, source) in given.items())


def read_given(config: pytest.Config) -> dict[str, tuple[Any, str]]:
    """Return the settings that are given, each with its source; the command line wins, the ini file loses."""
    _check_ini_names(config)
    texts: dict[str, tuple[str, str]] = {}
    for name in SETTINGS:
        variable = f"PYTEST_HUBSPOT_{name.upper()}"
        for text, source in (
            (config.getoption(f"hubspot_{name}"), f"command line --hubspot-{name.replace('_', '-')}"),
            (os.environ.get(variable), f"environment variable {variable}"),
            (config.getini(f"hubspot_{name}"), f"ini hubspot_{name}"),
        ):
            if text is not None:
                texts[name] = (text, source)
                break
    if not texts and not any(variable.startswith("PYTEST_HUBSPOT_") for variable in os.environ):
        return {}

    from hubspot_simulator.settings import from_environment  # start-up cost: only when something is set

    try:
        from_environment(os.environ)
    except SettingError as error:
        raise pytest.UsageError(str(error)) from None
    values = {}
    for name, (text, source) in texts.items():
        try:
            values[name] = (read(name, text), source)
        except SettingError as error:
            raise pytest.UsageError(f"{source}: {error}") from None
    return values


def check_options(parser: pytest.Parser, args: list[str]) -> None:
    """Raise pytest.UsageError for an option that is nearly one of ours."""
    if not any(arg.startswith("--hubspot") for arg in args):
        return
    from difflib import get_close_matches  # start-up cost: few runs have an option of ours

    known = ["--hubspot-score-card", *(f"--hubspot-{name.replace('_', '-')}" for name in SETTINGS)]
    for arg in parser.parse_known_and_unknown_args(args)[1]:
        option = arg.partition("=")[0]
        if option.startswith("--hubspot"):
            for near in get_close_matches(option, known, n=1, cutoff=0.8):
                raise pytest.UsageError(
                    f"there is no option {option} (did you mean {near}?); `hubspot-simulator explain` lists them"
                )


def _check_ini_names(config: pytest.Config) -> None:
    """Raise pytest.UsageError for an ini name that is nearly one of ours; pytest itself only warns of it."""
    unknown = getattr(config, "_get_unknown_ini_keys", None)  # nothing public tells them without a warning
    overridden = (text.partition("=")[0] for text in config.getoption("override_ini") or ())
    given = {*(unknown() if unknown else ()), *overridden}
    for key in sorted(key for key in given if key.startswith("hubspot") and not _is_known(config, key)):
        from difflib import get_close_matches  # start-up cost: few runs have a name that nobody knows

        name = key.removeprefix("hubspot").lstrip("_-")
        if name in CLOCK_ARGUMENTS:
            raise pytest.UsageError(f"ini {key}: it is given by mark only: @pytest.mark.hubspot({name}=...)")
        for near in get_close_matches(name, SETTINGS, n=1, cutoff=0.7):
            raise pytest.UsageError(
                f"ini {key}: there is no such setting (did you mean 'hubspot_{near}'?); `hubspot-simulator explain` "
                "lists them"
            )


def _is_known(config: pytest.Config, key: str) -> bool:
    """Tell whether somebody has registered an ini name."""
    try:
        config.getini(key)
    except (KeyError, ValueError):
        return False
    return True


def guard_choice(item: Any) -> bool | str:
    """Return whether a test is guarded, by its marks, or else by what the session was given: true, false or auto."""
    by_mark = mark_arguments(item).get("guard")
    choice: bool | str
    if by_mark is None:
        choice = item.config.stash[GIVEN].get("guard", ("auto", ""))[0]
        return choice
    try:
        choice = read("guard", by_mark)
    except SettingError:  # which fails the test, by wrong_mark
        return "auto"
    return choice
