"""The settings that a run was given, and where each came from; what a mark may say.

Light, as the plugin is: the settings themselves are imported only when something is given.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

# The names and help of hubspot_simulator.settings, which is not imported for them; a test compares the two.
OPTIONS = {
    "token_ttl": "lifetime of an access token in seconds",
    "expires_in": "what a token response says of the lifetime: the truth, nothing (absent), or a number of seconds",
    "token_length": "characters of an access token, up to 512; 0 is the natural length of about 186",
    "code_ttl": "lifetime of an authorization code in seconds",
    "refresh_rotation": "give a new refresh token at each refresh and end the old one",
    "wire": "form of the 401: as recorded from HubSpot, or the three members that guides print",
    "token_errors": "form of the token endpoint's errors: since 2026, or before",
    "bad_refresh_error": "RFC 6749 error of BAD_REFRESH_TOKEN for an unknown refresh token",
    "metadata_error": "status of the v1 token metadata for a token that is expired or unknown",
    "basic_auth": "accept HTTP Basic client authentication at the token endpoint",
    "bearer_case": "accept the scheme Bearer in any case, or exactly so written",
    "after_uninstall": "access tokens of an uninstalled app: alive until they expire, or dead",
    "v1_sunset": "end of OAuth v1: never, on 2027-02-16 by the simulator's clock, or now",
    "consent": "answer of /oauth/authorize: approve at once, or show the consent page",
    "rate_limits": "enforce the rate limits below, on the simulator's clock",
    "rate_limit": "calls per app and account in any ten seconds",
    "rate_limit_daily": "calls of a private app per day",
    "rate_limit_token": "calls of the token endpoint per app and second; 0 sets no limit",
    "random_seed": "where ids and tokens come from; any text",
    "strict": "fail a test that calls an endpoint the simulator does not serve",
    "fail_on": "fail a test, or a run, whose audit has a finding of this severity or a graver one",
    "guard": "fail a test that would reach the real HubSpot",
    "hosts": "further host names that are HubSpot's to your code, separated by spaces",
    "host": "address to bind",
    "port": "port to bind; 0 takes a free one",
}
MARK = "hubspot"
SWEEP_MARK = "hubspot_sweep"
SCENARIO = "hubspot_scenario"  # the property of a report that kit.score reads
SWEEP_FIXTURE = "_hubspot_sweep_point"
CLOCK_ARGUMENTS = ("now", "utc_offset")  # of the mark, for hubspot_clock
NOT_BY_MARK = ("hosts", "host", "port")  # the server is the session's

GIVEN: pytest.StashKey[dict[str, tuple[Any, str]]] = pytest.StashKey()


def read_given(config: pytest.Config) -> dict[str, tuple[Any, str]]:
    """Return the settings that are given, each with its source; the command line wins, the ini file loses."""
    _check_ini_names(config)
    texts: dict[str, tuple[str, str]] = {}
    for name in OPTIONS:
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

    from hubspot_simulator import settings

    try:
        settings.from_environment(os.environ)
    except settings.SettingError as error:
        raise pytest.UsageError(str(error)) from None
    values = {}
    for name, (text, source) in texts.items():
        try:
            values[name] = (settings.read(name, text), source)
        except settings.SettingError as error:
            raise pytest.UsageError(f"{source}: {error}") from None
    return values


def _check_ini_names(config: pytest.Config) -> None:
    """Raise pytest.UsageError for an ini name that is nearly one of ours; pytest itself only warns of it."""
    unknown = getattr(config, "_get_unknown_ini_keys", None)  # nothing public tells them without a warning
    overridden = (text.partition("=")[0] for text in config.getoption("override_ini") or ())
    given = {*(unknown() if unknown else ()), *overridden}
    for key in sorted(key for key in given if key.startswith("hubspot") and not _is_known(config, key)):
        from difflib import get_close_matches

        name = key.removeprefix("hubspot").lstrip("_-")
        for near in get_close_matches(name, OPTIONS, n=1, cutoff=0.7):
            raise pytest.UsageError(
                f"ini {key}: there is no such setting (did you mean 'hubspot_{near}'?); docs/settings.md lists them"
            )


def _is_known(config: pytest.Config, key: str) -> bool:
    """Tell whether somebody has registered an ini name."""
    try:
        config.getini(key)
    except (KeyError, ValueError):
        return False
    return True


def wrong_mark(item: pytest.Item) -> str:
    """Return what is wrong with the marks on an item, with its file and line; nothing for most."""
    path, line, _ = item.location
    where = f"{path}:{'' if line is None else line + 1}: @pytest.mark"
    try:
        for mark in item.iter_markers(MARK):
            _check_mark(mark)
    except ValueError as error:
        return f"{where}.{MARK}: {error}"
    swept = item.get_closest_marker(SWEEP_MARK)
    if swept is None:
        return ""
    if SWEEP_FIXTURE not in getattr(item, "fixturenames", ()):
        return (
            f"{where}.{SWEEP_MARK} works on test functions and on methods of plain classes; a unittest.TestCase "
            "cannot be parametrized by pytest"
        )
    from .sweep import read_mark

    try:
        read_mark(swept)
    except ValueError as error:
        return f"{where}.{SWEEP_MARK}: {error}"
    return ""


def _check_mark(mark: pytest.Mark) -> None:
    """Raise ValueError for a wrong argument of a mark."""
    from hubspot_simulator import settings

    if mark.args:
        raise ValueError(f"it takes keywords only, such as token_ttl=60; got {mark.args!r}")
    for name, value in mark.kwargs.items():
        if name in CLOCK_ARGUMENTS:
            read_clock_argument(name, value)
        elif name in NOT_BY_MARK:
            raise ValueError(f"{name!r} is a setting of the session's server: set it by ini or command line")
        else:
            settings.read(name, value)


def read_clock_argument(name: str, value: object) -> Any:
    """Return what an argument of the mark means to ``HubspotClock``. Raises ValueError."""
    from . import clock

    return clock.parse_now(value) if name == "now" else clock.parse_utc_offset(value)


def mark_arguments(item: Any) -> dict[str, Any]:
    """Return the arguments of the marks on an item, the closest winning."""
    arguments: dict[str, Any] = {}
    for mark in item.iter_markers(MARK):
        arguments = {**mark.kwargs, **arguments}
    return arguments
