"""The settings of a simulator and its server, and how the environment gives them. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from .setting_values import SettingError as SettingError
from .settings_table import GROUPS as GROUPS
from .settings_table import SETTINGS as SETTINGS
from .settings_table import default_of as default_of
from .settings_table import described as described
from .settings_table import read as read
from .settings_table import shown as shown

PREFIX = "HUBSPOT_SIMULATOR_"  # of the environment variables that the command line reads
PYTEST_PREFIX = "PYTEST_HUBSPOT_"  # of the environment variables that the plugin reads
RUN_VARIABLES = ("URL", "CHILD", "RUN")  # names with the prefix PREFIX that `run` sets and that are not settings


def _setting(name: str) -> Any:
    return field(default=SETTINGS[name].default)


@dataclass(frozen=True, repr=False)
class Settings:
    """The settings of a simulator and its server.

    ``settings_table`` says what each one does. An invalid value raises SettingError (a ValueError) that names the
    setting, the value and the valid values.
    """

    client_id: str = _setting("client_id")
    client_secret: str = _setting("client_secret")
    redirect_uri: str = _setting("redirect_uri")
    redirect_uri_query: str = _setting("redirect_uri_query")
    scopes: str = _setting("scopes")
    optional_scopes: str = _setting("optional_scopes")
    random_seed: str = _setting("random_seed")
    token_ttl: int = _setting("token_ttl")
    expires_in: str = _setting("expires_in")
    token_length: int = _setting("token_length")
    code_ttl: int = _setting("code_ttl")
    refresh_rotation: bool = _setting("refresh_rotation")
    after_uninstall: str = _setting("after_uninstall")
    wire: str = _setting("wire")
    token_errors: str = _setting("token_errors")
    bad_refresh_error: str = _setting("bad_refresh_error")
    metadata_error: int = _setting("metadata_error")
    basic_auth: bool = _setting("basic_auth")
    bearer_case: str = _setting("bearer_case")
    v1_sunset: str = _setting("v1_sunset")
    consent: str = _setting("consent")
    rate_limits: bool = _setting("rate_limits")
    rate_limit: int = _setting("rate_limit")
    rate_limit_daily: int = _setting("rate_limit_daily")
    rate_limit_token: int = _setting("rate_limit_token")
    strict: bool = _setting("strict")
    fail_on: str = _setting("fail_on")
    guard: bool | str = _setting("guard")
    host: str = _setting("host")
    port: int = _setting("port")
    hosts: str = _setting("hosts")
    trusted_hosts: str = _setting("trusted_hosts")

    def __post_init__(self) -> None:
        for name, value in {f.name: getattr(self, f.name) for f in fields(self)}.items():
            object.__setattr__(self, name, read(name, value))
        for name in ("redirect_uri", "scopes"):
            if not getattr(self, name):
                raise SettingError(f"{name}='': expected at least one: {SETTINGS[name].valid}")
        duplicates = [scope for scope in self.optional_scopes.split() if scope in self.scopes.split()]
        if duplicates:
            default = SETTINGS["scopes"].default
            reminder = f" (scopes has its default, {default!r})" if self.scopes == default else ""
            raise SettingError(
                f"optional_scopes: {', '.join(duplicates)} is also in scopes: remove it from one of them{reminder}"
            )

    def __repr__(self) -> str:
        changed = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        hidden = {name for name, setting in SETTINGS.items() if setting.secret}
        if len(changed.get("random_seed", "")) > 12:  # it may be a random secret of `serve`
            hidden.add("random_seed")
        changed.update((name, "…") for name in hidden.intersection(changed))
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in changed.items())})"


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
