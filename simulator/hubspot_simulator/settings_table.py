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
            "http://localhost:3000/oauth-callback", redirect_uris, "redirect URIs registered for the app"
        ),
        "redirect_uri_query": Setting(
            "exact",
            choice("exact", "any"),
            "how a redirect URI registered without a query matches: exactly, or with any query added",
        ),
        "scopes": Setting(
            "oauth crm.objects.contacts.read crm.objects.contacts.write crm.objects.companies.read "
            "crm.objects.companies.write crm.objects.deals.read crm.objects.deals.write tickets",
            scopes,
            "scopes that the app requires",
        ),
        "optional_scopes": Setting("", scopes, "scopes that the app gets if the account has them"),
        "random_seed": Setting("0", seed, "seed from which ids and tokens are derived"),
    },
    "Tokens": {
        "token_ttl": Setting(1800, integer(1, _LONGEST_LIFE), "lifetime of access tokens, in seconds"),
        "expires_in": Setting(
            "true",
            expires_in,
            "expires_in in token responses: the true lifetime, nothing (absent), or a fixed number of seconds",
        ),
        "token_length": Setting(
            0, integer(0, 512), "length of access tokens in characters; 0 is the natural length of about 186"
        ),
        "code_ttl": Setting(600, integer(1, _LONGEST_LIFE), "lifetime of authorization codes, in seconds"),
        "refresh_rotation": Setting(False, boolean, "issue a new refresh token at each refresh and revoke the old one"),
        "after_uninstall": Setting(
            "alive",
            choice("alive", "dead"),
            "access tokens of an uninstalled app: valid until they expire (alive), or invalid at once (dead)",
        ),
    },
    "Responses": {
        "wire": Setting(
            "recorded",
            choice("recorded", "short"),
            "body of the 401: as recorded from HubSpot, or the three fields that integration guides show",
        ),
        "token_errors": Setting(
            "current",
            choice("current", "legacy"),
            "errors of the token endpoint: as HubSpot sends them since 2026, or as before",
        ),
        "bad_refresh_error": Setting(
            "invalid_grant",
            choice("invalid_grant", "invalid_request"),
            "the RFC 6749 error code for an unknown refresh token (BAD_REFRESH_TOKEN)",
        ),
        "metadata_error": Setting(
            401, one_of(401, 404, 400), "status of the v1 token metadata endpoint for an expired or unknown token"
        ),
        "basic_auth": Setting(False, boolean, "accept HTTP Basic client authentication at the token endpoint"),
        "bearer_case": Setting(
            "any", choice("any", "exact"), "spelling of the scheme Bearer: any upper and lower case, or exactly Bearer"
        ),
        "v1_sunset": Setting(
            "never",
            choice("never", "clock", "now"),
            "when OAuth v1 ends: never, on 2027-02-16 by the simulator's clock, or now",
        ),
        "consent": Setting(
            "auto",
            choice("auto", "page"),
            "what /oauth/authorize does: approve at once (auto), or show the consent page",
        ),
    },
    "Rate limits": {
        "rate_limits": Setting(False, boolean, "enforce the rate limits below, on the simulator's clock"),
        "rate_limit": Setting(110, integer(1), "calls per app and account in ten seconds"),
        "rate_limit_daily": Setting(250_000, integer(1), "calls per private app and day"),
        "rate_limit_token": Setting(0, integer(0), "calls to the token endpoint per app and second; 0 means no limit"),
    },
    "Checks": {
        "strict": Setting(True, boolean, "fail a test that calls an endpoint the simulator does not serve"),
        "fail_on": Setting(
            "off",
            choice("off", "error", "warning", "info"),
            "fail a test or a run if its audit has a finding of this severity or higher",
        ),
        "guard": Setting(
            "auto",
            guard,
            "fail tests that would reach the real HubSpot: "
            "those that use our fixtures (auto), all (true), or none (false)",
        ),
    },
    "Server": {
        "host": Setting("127.0.0.1", text, "address to bind"),
        "port": Setting(0, integer(0, 65535), "port to bind; 0 picks a free one"),
        "hosts": Setting("", hosts, "additional host names that stand for HubSpot in your code"),
        "trusted_hosts": Setting("", hosts, "additional host names that the simulator accepts in requests"),
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
