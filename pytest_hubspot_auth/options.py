"""The settings that a run was given, and where each came from; what a mark may say.

Light, as the plugin is: the settings themselves are imported only when something is given.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

# The names, groups and help of hubspot_simulator.settings, which is not imported for them; a test compares them.
OPTIONS = {
    "token_ttl": "lifetime of an access token in seconds (values: a whole number from 1 to 3153600000; default: 1800)",
    "expires_in": (
        "what a token response says of the lifetime: the truth, nothing (absent), or a number of seconds "
        "(values: true, absent, or a whole number of seconds; default: true)"
    ),
    "token_length": (
        "characters of an access token, up to 512; 0 is the natural length of about 186 (values: a whole "
        "number from 0 to 512; default: 0)"
    ),
    "code_ttl": (
        "lifetime of an authorization code in seconds (values: a whole number from 1 to 3153600000; default: 600)"
    ),
    "refresh_rotation": (
        "give a new refresh token at each refresh and end the old one (values: true or false; default: false)"
    ),
    "wire": (
        "form of the 401: as recorded from HubSpot, or the three members that guides print (values: recorded "
        "or short; default: recorded)"
    ),
    "token_errors": (
        "form of the token endpoint's errors: since 2026, or before (values: current or legacy; default: current)"
    ),
    "bad_refresh_error": (
        "RFC 6749 error of BAD_REFRESH_TOKEN for an unknown refresh token (values: invalid_grant or "
        "invalid_request; default: invalid_grant)"
    ),
    "metadata_error": (
        "status of the v1 token metadata for a token that is expired or unknown (values: 401, 404 or 400; default: 401)"
    ),
    "basic_auth": (
        "accept HTTP Basic client authentication at the token endpoint (values: true or false; default: false)"
    ),
    "bearer_case": "accept the scheme Bearer in any case, or exactly so written (values: any or exact; default: any)",
    "after_uninstall": (
        "access tokens of an uninstalled app: alive until they expire, or dead (values: alive or dead; default: alive)"
    ),
    "v1_sunset": (
        "end of OAuth v1: never, on 2027-02-16 by the simulator's clock, or now (values: never, clock or now;"
        " default: never)"
    ),
    "consent": (
        "answer of /oauth/authorize: approve at once, or show the consent page (values: auto or page; default: auto)"
    ),
    "rate_limits": "enforce the rate limits below, on the simulator's clock (values: true or false; default: false)",
    "rate_limit": "calls per app and account in any ten seconds (values: a whole number from 1; default: 110)",
    "rate_limit_daily": "calls of a private app per day (values: a whole number from 1; default: 250000)",
    "rate_limit_token": (
        "calls of the token endpoint per app and second; 0 sets no limit (values: a whole number from 0; default: 0)"
    ),
    "random_seed": "where ids and tokens come from (values: a non-empty text; default: 0)",
    "client_id": (
        "client id of the app (values: a text without blanks; empty to draw one from random_seed; default: none)"
    ),
    "client_secret": (
        "client secret of the app (values: a text without blanks; empty to draw one from random_seed; default: none)"
    ),
    "redirect_uri": (
        "redirect URIs that are registered for the app (values: absolute URIs separated by blanks, as in "
        "http://localhost:3000/oauth-callback; default: http://localhost:3000/oauth-callback)"
    ),
    "scopes": (
        "scopes that the app requires (values: names of scopes separated by blanks or commas; default: oauth "
        "crm.objects.contacts.read crm.objects.contacts.write crm.objects.companies.read "
        "crm.objects.companies.write crm.objects.deals.read crm.objects.deals.write tickets)"
    ),
    "optional_scopes": (
        "scopes that the app takes where the account has them (values: names of scopes separated by blanks or"
        " commas; default: none)"
    ),
    "redirect_uri_query": (
        "match a redirect URI that is registered without a query exactly, or with any query added (values: "
        "exact or any; default: exact)"
    ),
    "strict": "fail a test that calls an endpoint the simulator does not serve (values: true or false; default: true)",
    "fail_on": (
        "fail a test, or a run, whose audit has a finding of this severity or a graver one (values: off, "
        "error, warning or info; default: off)"
    ),
    "guard": (
        "fail a test that would reach the real HubSpot: one that uses a fixture of ours (auto), any, or none "
        "(values: auto, true or false; default: auto)"
    ),
    "hosts": (
        "further host names that are HubSpot's to your code (values: host names separated by blanks, without "
        "scheme or port; default: none)"
    ),
    "trusted_hosts": (
        "further host names by which the simulator may be called (values: host names separated by blanks, "
        "without scheme or port; default: none)"
    ),
    "host": "address to bind (values: a non-empty text; default: 127.0.0.1)",
    "port": "port to bind; 0 takes a free one (values: a whole number from 0 to 65535; default: 0)",
}
GROUPS = {
    "App": (
        "client_id",
        "client_secret",
        "redirect_uri",
        "redirect_uri_query",
        "scopes",
        "optional_scopes",
        "random_seed",
    ),
    "Tokens": ("token_ttl", "expires_in", "token_length", "code_ttl", "refresh_rotation", "after_uninstall"),
    "Answers": (
        "wire",
        "token_errors",
        "bad_refresh_error",
        "metadata_error",
        "basic_auth",
        "bearer_case",
        "v1_sunset",
        "consent",
    ),
    "Rate limits": ("rate_limits", "rate_limit", "rate_limit_daily", "rate_limit_token"),
    "Checks": ("strict", "fail_on", "guard"),
    "Server": ("host", "port", "hosts", "trusted_hosts"),
}
MARK = "hubspot"
SWEEP_MARK = "hubspot_sweep"  # also the property of a report that sweep.py reads
SCENARIO = "hubspot_scenario"  # the property of a report that conformance/score.py reads
SWEEP_FIXTURE = "_hubspot_sweep_point"
CLOCK_ARGUMENTS = ("now", "utc_offset", "waiting")  # of the mark, for hubspot_clock
NOT_BY_MARK = ("hosts", "trusted_hosts", "host", "port")  # the server is the session's

SECRET = ("client_secret",)  # not shown in the header

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


def check_options(parser: pytest.Parser, args: list[str]) -> None:
    """Raise pytest.UsageError for an option that is nearly one of ours."""
    if not any(arg.startswith("--hubspot") for arg in args):
        return
    from difflib import get_close_matches

    known = ["--hubspot-score-card", *(f"--hubspot-{name.replace('_', '-')}" for name in OPTIONS)]
    for arg in parser.parse_known_and_unknown_args(args)[1]:
        option = arg.partition("=")[0]
        if option.startswith("--hubspot"):
            for near in get_close_matches(option, known, n=1, cutoff=0.8):
                raise pytest.UsageError(
                    f"there is no option {option} (did you mean {near}?); docs/settings.md lists them"
                )


def _check_ini_names(config: pytest.Config) -> None:
    """Raise pytest.UsageError for an ini name that is nearly one of ours; pytest itself only warns of it."""
    unknown = getattr(config, "_get_unknown_ini_keys", None)  # nothing public tells them without a warning
    overridden = (text.partition("=")[0] for text in config.getoption("override_ini") or ())
    given = {*(unknown() if unknown else ()), *overridden}
    for key in sorted(key for key in given if key.startswith("hubspot") and not _is_known(config, key)):
        from difflib import get_close_matches

        name = key.removeprefix("hubspot").lstrip("_-")
        if name in CLOCK_ARGUMENTS:
            raise pytest.UsageError(f"ini {key}: it is given by mark only: @pytest.mark.hubspot({name}=...)")
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


def guard_choice(item: Any) -> bool | str:
    """Return whether a test is guarded, by its marks, or else by what the session was given: true, false or auto."""
    by_mark = mark_arguments(item).get("guard")
    if by_mark is None:
        choice: bool | str = item.config.stash[GIVEN].get("guard", ("auto", ""))[0]
        return choice
    from hubspot_simulator import settings

    try:
        read: bool | str = settings.read("guard", by_mark)
    except settings.SettingError:  # which fails the test, by wrong_mark
        return "auto"
    return read


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
    from .time import clock

    parsers = {"now": clock.parse_now, "utc_offset": clock.parse_utc_offset, "waiting": clock.parse_waiting}
    return parsers[name](value)


def mark_arguments(item: Any) -> dict[str, Any]:
    """Return the arguments of the marks on an item, the closest winning."""
    arguments: dict[str, Any] = {}
    for mark in item.iter_markers(MARK):
        arguments = {**mark.kwargs, **arguments}
    return arguments
