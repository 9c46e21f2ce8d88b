"""The settings, and how they are read from text. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

ENVIRONMENT_PREFIX = "PYTEST_HUBSPOT_"


class SettingError(ValueError):
    """A setting has a name or a value that is not valid; the message lists what is."""


def _integer(low: int, high: int | None = None) -> Callable[[object], int]:
    expected = f"a whole number from {low}" + ("" if high is None else f" to {high}")

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise SettingError(f"expected {expected}")
        try:
            number = int(value)
        except ValueError:
            raise SettingError(f"expected {expected}") from None
        if number < low or (high is not None and number > high):
            raise SettingError(f"expected {expected}")
        return number

    return read


def _choice(*valid: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in valid:
            raise SettingError(f"expected one of: {', '.join(valid)}")
        return str(value)

    return read


_BOOLEANS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    raise SettingError("expected true or false (also: yes, no, on, off, 1, 0)")


def _guard(value: object) -> bool | str:
    if value == "auto":
        return "auto"
    try:
        return _boolean(value)
    except SettingError:
        raise SettingError("expected auto, true or false (also: yes, no, on, off, 1, 0)") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise SettingError("expected a non-empty text")
    return value


def _one_of(*valid: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if str(value) not in map(str, valid):
            raise SettingError(f"expected one of: {', '.join(map(str, valid))}")
        return int(str(value))

    return read


def _expires_in(value: object) -> str:
    text = str(value)
    if text not in ("true", "absent") and not (text.isascii() and text.isdecimal()):
        raise SettingError("expected true, absent, or a whole number of seconds")
    return text


def _setting(default: Any, read: Callable[[object], Any], help: str) -> Any:
    return field(default=default, metadata={"read": read, "help": help})


@dataclass(frozen=True)
class Settings:
    """What can be set about a simulator and its server.

    A wrong value raises SettingError (a ValueError) that names the setting, the value and what is valid.
    """

    token_ttl: int = _setting(1800, _integer(1), "lifetime of an access token in seconds")
    expires_in: str = _setting(
        "true",
        _expires_in,
        "what a token response says of the lifetime: the truth, nothing (absent), or a number of seconds",
    )
    token_length: int = _setting(
        0, _integer(0, 512), "characters of an access token, up to 512; 0 is the natural length of about 186"
    )
    code_ttl: int = _setting(600, _integer(1), "lifetime of an authorization code in seconds")
    refresh_rotation: bool = _setting(False, _boolean, "give a new refresh token at each refresh and end the old one")
    wire: str = _setting(
        "recorded",
        _choice("recorded", "short"),
        "form of the 401: as recorded from HubSpot, or the three members that guides print",
    )
    token_errors: str = _setting(
        "current", _choice("current", "legacy"), "form of the token endpoint's errors: since 2026, or before"
    )
    bad_refresh_error: str = _setting(
        "invalid_grant",
        _choice("invalid_grant", "invalid_request"),
        "RFC 6749 error of BAD_REFRESH_TOKEN for an unknown refresh token",
    )
    metadata_error: int = _setting(
        401, _one_of(401, 404, 400), "status of the v1 token metadata for a token that is expired or unknown"
    )
    basic_auth: bool = _setting(False, _boolean, "accept HTTP Basic client authentication at the token endpoint")
    bearer_case: str = _setting(
        "any", _choice("any", "exact"), "accept the scheme Bearer in any case, or exactly so written"
    )
    after_uninstall: str = _setting(
        "alive", _choice("alive", "dead"), "access tokens of an uninstalled app: alive until they expire, or dead"
    )
    v1_sunset: str = _setting(
        "never",
        _choice("never", "clock", "now"),
        "end of OAuth v1: never, on 2027-02-16 by the simulator's clock, or now",
    )
    consent: str = _setting(
        "auto", _choice("auto", "page"), "answer of /oauth/authorize: approve at once, or show the consent page"
    )
    rate_limits: bool = _setting(False, _boolean, "enforce the rate limits below, on the simulator's clock")
    rate_limit: int = _setting(110, _integer(1), "calls per app and account in any ten seconds")
    rate_limit_daily: int = _setting(250_000, _integer(1), "calls of a private app per day")
    rate_limit_token: int = _setting(0, _integer(0), "calls of the token endpoint per app and second; 0 sets no limit")
    random_seed: str = _setting("0", lambda value: _text(str(value)), "where ids and tokens come from; any text")
    strict: bool = _setting(True, _boolean, "fail a test that calls an endpoint the simulator does not serve")
    fail_on: str = _setting(
        "off",
        _choice("off", "error", "warning", "info"),
        "fail a test, or a run, whose audit has a finding of this severity or a graver one",
    )
    guard: bool | str = _setting(
        "auto",
        _guard,
        "fail a test that would reach the real HubSpot: one that uses a fixture of ours (auto), any, or none",
    )
    hosts: str = _setting(
        "", lambda value: str(value), "further host names that are HubSpot's to your code, separated by spaces"
    )
    host: str = _setting("127.0.0.1", _text, "address to bind")
    port: int = _setting(0, _integer(0, 65535), "port to bind; 0 takes a free one")

    def __post_init__(self) -> None:
        for name, value in {f.name: getattr(self, f.name) for f in fields(self)}.items():
            object.__setattr__(self, name, read(name, value))


SETTINGS = {f.name: f for f in fields(Settings)}


def read(name: str, value: object) -> Any:
    """Return the value of a setting from a text or a Python value.

    Raises SettingError that names the setting, the value, what was expected, and for a wrong name the
    nearest one.
    """
    if name not in SETTINGS:
        near = get_close_matches(name, SETTINGS, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise SettingError(f"unknown setting {name!r}{hint}; the settings are {', '.join(SETTINGS)}")
    try:
        return SETTINGS[name].metadata["read"](value)
    except SettingError as error:
        raise SettingError(f"{name}={value!r}: {error}") from None


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings found in environment variables ``PYTEST_HUBSPOT_<NAME>``.

    Raises SettingError for an unknown name or a wrong value, naming the variable.
    """
    found = {}
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            name = variable[len(ENVIRONMENT_PREFIX) :].lower()
            try:
                found[name] = read(name, value)
            except SettingError as error:
                raise SettingError(f"environment variable {variable}: {error}") from None
    return found
