"""The table of the settings: the name, default, reader and help of each. The plugin and the command line read it.

Every pytest run imports it where the plugin is installed: standard library only, and no dataclass, which costs 1 ms.
"""

from __future__ import annotations

from typing import Any

from .setting_values import (
    Reader,
    SettingError,
    boolean,
    choice,
    credential,
    expires_in,
    guard,
    hosts,
    integer,
    one_of,
    redirect_uris,
    scopes,
    seed,
    text,
)

_LONGEST_LIFE = 100 * 365 * 86_400  # seconds: an expiry must be a date, of the year 9999 at the latest


class Setting:
    """A setting: its default, the reader of its values, and what it does.

    ``valid`` says in words which values it takes. The value of a ``secret`` setting is never shown.
    """

    def __init__(self, default: Any, read: Reader, help: str, *, secret: bool = False) -> None:
        self.default = default
        self.read = read
        self.valid = read.valid
        self.help = help
        self.secret = secret


_TABLE: dict[str, dict[str, Setting]] = {
    "App": {
        "client_id": Setting("", credential, "client id of the app"),
        "client_secret": Setting("", credential, "client secret of the app", secret=True),
        "redirect_uri": Setting(
            "http://localhost:3000/oauth-callback", redirect_uris, "redirect URIs that are registered for the app"
        ),
        "redirect_uri_query": Setting(
            "exact",
            choice("exact", "any"),
            "match a redirect URI that is registered without a query exactly, or with any query added",
        ),
        "scopes": Setting(
            "oauth crm.objects.contacts.read crm.objects.contacts.write crm.objects.companies.read "
            "crm.objects.companies.write crm.objects.deals.read crm.objects.deals.write tickets",
            scopes,
            "scopes that the app requires",
        ),
        "optional_scopes": Setting("", scopes, "scopes that the app takes where the account has them"),
        "random_seed": Setting("0", seed, "where ids and tokens come from"),
    },
    "Tokens": {
        "token_ttl": Setting(1800, integer(1, _LONGEST_LIFE), "lifetime of an access token in seconds"),
        "expires_in": Setting(
            "true",
            expires_in,
            "what a token response says of the lifetime: the truth, nothing (absent), or a number of seconds",
        ),
        "token_length": Setting(
            0, integer(0, 512), "characters of an access token, up to 512; 0 is the natural length of about 186"
        ),
        "code_ttl": Setting(600, integer(1, _LONGEST_LIFE), "lifetime of an authorization code in seconds"),
        "refresh_rotation": Setting(False, boolean, "give a new refresh token at each refresh and end the old one"),
        "after_uninstall": Setting(
            "alive", choice("alive", "dead"), "access tokens of an uninstalled app: alive until they expire, or dead"
        ),
    },
    "Answers": {
        "wire": Setting(
            "recorded",
            choice("recorded", "short"),
            "form of the 401: as recorded from HubSpot, or the three members that guides print",
        ),
        "token_errors": Setting(
            "current", choice("current", "legacy"), "form of the token endpoint's errors: since 2026, or before"
        ),
        "bad_refresh_error": Setting(
            "invalid_grant",
            choice("invalid_grant", "invalid_request"),
            "RFC 6749 error of BAD_REFRESH_TOKEN for an unknown refresh token",
        ),
        "metadata_error": Setting(
            401, one_of(401, 404, 400), "status of the v1 token metadata for a token that is expired or unknown"
        ),
        "basic_auth": Setting(False, boolean, "accept HTTP Basic client authentication at the token endpoint"),
        "bearer_case": Setting(
            "any", choice("any", "exact"), "accept the scheme Bearer in any case, or exactly so written"
        ),
        "v1_sunset": Setting(
            "never",
            choice("never", "clock", "now"),
            "end of OAuth v1: never, on 2027-02-16 by the simulator's clock, or now",
        ),
        "consent": Setting(
            "auto", choice("auto", "page"), "answer of /oauth/authorize: approve at once, or show the consent page"
        ),
    },
    "Rate limits": {
        "rate_limits": Setting(False, boolean, "enforce the rate limits below, on the simulator's clock"),
        "rate_limit": Setting(110, integer(1), "calls per app and account in any ten seconds"),
        "rate_limit_daily": Setting(250_000, integer(1), "calls of a private app per day"),
        "rate_limit_token": Setting(0, integer(0), "calls of the token endpoint per app and second; 0 sets no limit"),
    },
    "Checks": {
        "strict": Setting(True, boolean, "fail a test that calls an endpoint the simulator does not serve"),
        "fail_on": Setting(
            "off",
            choice("off", "error", "warning", "info"),
            "fail a test, or a run, whose audit has a finding of this severity or a graver one",
        ),
        "guard": Setting(
            "auto",
            guard,
            "fail a test that would reach the real HubSpot: one that uses a fixture of ours (auto), any, or none",
        ),
    },
    "Server": {
        "host": Setting("127.0.0.1", text, "address to bind"),
        "port": Setting(0, integer(0, 65535), "port to bind; 0 takes a free one"),
        "hosts": Setting("", hosts, "further host names that are HubSpot's to your code"),
        "trusted_hosts": Setting("", hosts, "further host names by which the simulator may be called"),
    },
}
SETTINGS = {name: setting for group in _TABLE.values() for name, setting in group.items()}
GROUPS = {title: tuple(group) for title, group in _TABLE.items()}


def default_of(name: str) -> str:
    """Return the default of a setting as text, as it would be given."""
    default = SETTINGS[name].default
    return str(default).lower() if isinstance(default, bool) else str(default)


def described(name: str, default: str = "") -> str:
    """Return what a setting does, its valid values, and its default (or another one), as a text for ``--help``."""
    setting = SETTINGS[name]
    return f"{setting.help} (values: {setting.valid}; default: {default or default_of(name) or 'none'})"


def read(name: str, value: object) -> Any:
    """Return the value of a setting from a text or a Python value.

    Raises SettingError that names the setting, the value, what was expected, and for a wrong name the
    nearest one.
    """
    if name not in SETTINGS:
        from difflib import get_close_matches  # start-up cost: only a wrong name needs it

        near = get_close_matches(name, SETTINGS, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise SettingError(f"unknown setting {name!r}{hint}; the settings are {', '.join(SETTINGS)}")
    try:
        return SETTINGS[name].read(value)
    except SettingError as error:
        raise SettingError(f"{name}={shown(name, value)}: {error}") from None


def shown(name: str, value: object) -> str:
    """Return the value of a setting for people to read: a secret is left out."""
    return "…" if value and SETTINGS[name].secret else repr(value)
