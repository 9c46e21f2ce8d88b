"""The settings of a simulator and its server. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from .setting_values import Reader
from .setting_values import SettingError as SettingError
from .setting_values import boolean as _boolean
from .setting_values import choice as _choice
from .setting_values import credential as _credential
from .setting_values import expires_in as _expires_in
from .setting_values import guard as _guard
from .setting_values import hosts as _hosts
from .setting_values import integer as _integer
from .setting_values import one_of as _one_of
from .setting_values import redirect_uris as _redirect_uris
from .setting_values import scopes as _scopes
from .setting_values import seed as _seed
from .setting_values import text as _text

PREFIX = "HUBSPOT_SIMULATOR_"  # of the environment variables that the command line reads
PYTEST_PREFIX = "PYTEST_HUBSPOT_"  # of the environment variables that the plugin reads
_MAX_LIFETIME = 100 * 365 * 86_400  # seconds; the expiry must be a date before the year 10000
RUN_VARIABLES = ("URL", "CHILD", "RUN")  # names with the prefix PREFIX that `run` sets and that are not settings


def _setting(default: Any, read: Reader, help: str, *, secret: bool = False) -> Any:
    return field(
        default=default, repr=not secret, metadata={"read": read, "help": help, "valid": read.valid, "secret": secret}
    )


@dataclass(frozen=True, repr=False)
class Settings:
    """The settings of a simulator and its server.

    An invalid value raises SettingError (a ValueError) that names the setting, the value and the valid values.
    """

    token_ttl: int = _setting(1800, _integer(1, _MAX_LIFETIME), "lifetime of access tokens, in seconds")
    expires_in: str = _setting(
        "true",
        _expires_in,
        "expires_in in token responses: the true lifetime, nothing (absent), or a fixed number of seconds",
    )
    token_length: int = _setting(
        0, _integer(0, 512), "length of access tokens in characters; 0 is the natural length of about 186"
    )
    code_ttl: int = _setting(600, _integer(1, _MAX_LIFETIME), "lifetime of authorization codes, in seconds")
    refresh_rotation: bool = _setting(
        False, _boolean, "issue a new refresh token at each refresh and revoke the old one"
    )
    wire: str = _setting(
        "recorded",
        _choice("recorded", "short"),
        "body of the 401: as recorded from HubSpot, or the three fields that integration guides show",
    )
    token_errors: str = _setting(
        "current",
        _choice("current", "legacy"),
        "errors of the token endpoint: as HubSpot sends them since 2026, or as before",
    )
    bad_refresh_error: str = _setting(
        "invalid_grant",
        _choice("invalid_grant", "invalid_request"),
        "the RFC 6749 error code for an unknown refresh token (BAD_REFRESH_TOKEN)",
    )
    metadata_error: int = _setting(
        401, _one_of(401, 404, 400), "status of the v1 token metadata endpoint for an expired or unknown token"
    )
    basic_auth: bool = _setting(False, _boolean, "accept HTTP Basic client authentication at the token endpoint")
    bearer_case: str = _setting(
        "any", _choice("any", "exact"), "spelling of the scheme Bearer: any upper and lower case, or exactly Bearer"
    )
    after_uninstall: str = _setting(
        "alive",
        _choice("alive", "dead"),
        "access tokens of an uninstalled app: valid until they expire (alive), or invalid at once (dead)",
    )
    v1_sunset: str = _setting(
        "never",
        _choice("never", "clock", "now"),
        "when OAuth v1 ends: never, on 2027-02-16 by the simulator's clock, or now",
    )
    consent: str = _setting(
        "auto", _choice("auto", "page"), "what /oauth/authorize does: approve at once (auto), or show the consent page"
    )
    rate_limits: bool = _setting(False, _boolean, "enforce the rate limits below, on the simulator's clock")
    rate_limit: int = _setting(110, _integer(1), "calls per app and account in ten seconds")
    rate_limit_daily: int = _setting(250_000, _integer(1), "calls per private app and day")
    rate_limit_token: int = _setting(0, _integer(0), "calls to the token endpoint per app and second; 0 means no limit")
    random_seed: str = _setting("0", _seed, "seed from which ids and tokens are derived")
    client_id: str = _setting("", _credential, "client id of the app")
    client_secret: str = _setting("", _credential, "client secret of the app", secret=True)
    redirect_uri: str = _setting(
        "http://localhost:3000/oauth-callback", _redirect_uris, "redirect URIs registered for the app"
    )
    scopes: str = _setting(
        "oauth crm.objects.contacts.read crm.objects.contacts.write crm.objects.companies.read "
        "crm.objects.companies.write crm.objects.deals.read crm.objects.deals.write tickets",
        _scopes,
        "scopes that the app requires",
    )
    optional_scopes: str = _setting("", _scopes, "scopes that the app gets if the account has them")
    redirect_uri_query: str = _setting(
        "exact",
        _choice("exact", "any"),
        "how a redirect URI registered without a query matches: exactly, or with any query added",
    )
    strict: bool = _setting(True, _boolean, "fail a test that calls an endpoint the simulator does not serve")
    fail_on: str = _setting(
        "off",
        _choice("off", "error", "warning", "info"),
        "fail a test or a run if its audit has a finding of this severity or higher",
    )
    guard: bool | str = _setting(
        "auto",
        _guard,
        "fail tests that would reach the real HubSpot: those that use our fixtures (auto), all (true), or none (false)",
    )
    hosts: str = _setting("", _hosts, "additional host names that stand for HubSpot in your code")
    trusted_hosts: str = _setting("", _hosts, "additional host names that the simulator accepts in requests")
    host: str = _setting("127.0.0.1", _text, "address to bind")
    port: int = _setting(0, _integer(0, 65535), "port to bind; 0 picks a free one")

    def __post_init__(self) -> None:
        for name, value in {f.name: getattr(self, f.name) for f in fields(self)}.items():
            object.__setattr__(self, name, read(name, value))
        for name in ("redirect_uri", "scopes"):
            if not getattr(self, name):
                raise SettingError(f"{name}='': expected at least one: {SETTINGS[name].metadata['valid']}")
        duplicates = [scope for scope in self.optional_scopes.split() if scope in self.scopes.split()]
        if duplicates:
            default = SETTINGS["scopes"].default
            reminder = f" (scopes has its default, {default!r})" if self.scopes == default else ""
            raise SettingError(
                f"optional_scopes: {', '.join(duplicates)} is also in scopes: remove it from one of them{reminder}"
            )

    def __repr__(self) -> str:
        changed = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        hidden = {f.name for f in fields(self) if f.metadata["secret"]}
        if len(changed.get("random_seed", "")) > 12:  # it may be a random secret of `serve`
            hidden.add("random_seed")
        changed.update((name, "…") for name in hidden.intersection(changed))
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in changed.items())})"


SETTINGS = {f.name: f for f in fields(Settings)}
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
    "Responses": (
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


def default_of(name: str) -> str:
    """Return the default of a setting as a user would write it."""
    default = SETTINGS[name].default
    return str(default).lower() if isinstance(default, bool) else str(default)


def described(name: str, default: str = "") -> str:
    """Return the help of a setting: its meaning, valid values, and default. ``default`` replaces the setting's own."""
    metadata = SETTINGS[name].metadata
    return f"{metadata['help']} (values: {metadata['valid']}; default: {default or default_of(name) or 'none'})"


def read(name: str, value: object) -> Any:
    """Read the value of a setting from a text or a Python value.

    Raises SettingError with the setting, the value and the valid values, or with a similar name if the name is unknown.
    """
    if name not in SETTINGS:
        near = get_close_matches(name, SETTINGS, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise SettingError(f"unknown setting {name!r}{hint}; the settings are {', '.join(SETTINGS)}")
    try:
        return SETTINGS[name].metadata["read"](value)
    except SettingError as error:
        raise SettingError(f"{name}={shown(name, value)}: {error}") from None


def shown(name: str, value: object) -> str:
    """Return the value of a setting for a message, with secrets hidden."""
    return "…" if value and SETTINGS[name].metadata["secret"] else repr(value)


def from_environment(environment: Mapping[str, str], prefix: str = PYTEST_PREFIX) -> dict[str, Any]:
    """Return the settings from the environment variables ``<prefix><NAME>``.

    Raises SettingError with the variable for an unknown name or an invalid value.
    """
    settings = {}
    for variable, value in environment.items():
        if variable.startswith(prefix) and not _is_foreign(variable, value):
            name = variable[len(prefix) :].lower()
            try:
                settings[name] = read(name, value)
            except SettingError as error:
                near = [] if name in SETTINGS else get_close_matches(name, SETTINGS, n=1)
                hint = f"; the nearest variable is {prefix}{near[0].upper()}" if near else ""
                raise SettingError(f"environment variable {variable}: {error}{hint}") from None
    return settings


def _is_foreign(variable: str, value: str) -> bool:
    """Return whether a variable with our prefix is not a setting: set by ``run``, or by Kubernetes.

    A Kubernetes service named hubspot-simulator adds HUBSPOT_SIMULATOR_PORT=tcp://10.0.0.7:8000 and others to pods.
    """
    if not variable.startswith(PREFIX):
        return False
    name = variable[len(PREFIX) :]
    kubernetes = r"SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?"
    return (
        name in RUN_VARIABLES
        or re.fullmatch(kubernetes, name) is not None
        or (name == "PORT" and re.match(r"(tcp|udp|sctp)://", value) is not None)
    )
