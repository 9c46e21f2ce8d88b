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
    "guard": "fail a test that would reach the real HubSpot: one that uses a fixture of ours (auto), any, or none",
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


def guard_choice(item: Any) -> bool | str:
    """Return whether a test is guarded, by its marks, or else by what the session was given: true, false or auto."""
    by_mark = mark_arguments(item).get("guard")
    if by_mark is None:
        choice: bool | str = item.config.stash[GIVEN].get("guard", ("auto", ""))[0]
        return choice
    from hubspot_simulator import settings

    read: bool | str = settings.read("guard", by_mark)
    return read


def check_mark(item: pytest.Item, mark: pytest.Mark) -> None:
    """Raise pytest.UsageError for a wrong argument of a mark."""
    from hubspot_simulator import settings

    where = f"{item.nodeid}: @pytest.mark.{MARK}"
    if mark.args:
        raise pytest.UsageError(f"{where} takes keywords only, such as token_ttl=60; got {mark.args!r}")
    for name, value in mark.kwargs.items():
        try:
            if name in CLOCK_ARGUMENTS:
                read_clock_argument(name, value)
            elif name in NOT_BY_MARK:
                raise ValueError(f"{name!r} is a setting of the session's server: set it by ini or command line")
            else:
                settings.read(name, value)
        except ValueError as error:
            raise pytest.UsageError(f"{where}: {error}") from None


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
