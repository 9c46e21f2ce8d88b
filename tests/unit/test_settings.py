from __future__ import annotations

import dataclasses

import pytest

from hubspot_simulator import Simulator
from hubspot_simulator.settings import (
    GROUPS,
    PREFIX,
    RUN_VARIABLES,
    SETTINGS,
    SettingError,
    Settings,
    default_of,
    from_environment,
    read,
)


def test_the_defaults() -> None:
    assert Settings() == Settings(
        token_ttl=1800, wire="recorded", random_seed="0", strict=True, host="127.0.0.1", port=0
    )


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("token_ttl", "60", 60),
        ("token_ttl", 60, 60),
        ("wire", "short", "short"),
        ("random_seed", "any text", "any text"),
        ("random_seed", 7, "7"),
        ("strict", "No", False),
        ("strict", True, True),
        ("port", "0", 0),
    ],
)
def test_text_and_values_are_read(name: str, text: object, value: object) -> None:
    assert read(name, text) == value
    assert getattr(Settings(**{name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("token_ttl", "0", "token_ttl='0': expected an integer from 1 to 3153600000"),
        ("token_ttl", 1.5, "token_ttl=1.5: expected an integer from 1 to 3153600000"),
        ("token_ttl", True, "token_ttl=True: expected an integer from 1 to 3153600000"),
        ("token_ttl", "soon", "token_ttl='soon': expected an integer from 1 to 3153600000"),
        ("port", 65536, "port=65536: expected an integer from 0 to 65535"),
        ("wire", "long", "wire='long': expected one of: recorded, short"),
        ("strict", "maybe", "strict='maybe': expected true or false (also: yes, no, on, off, 1, 0)"),
        ("host", "", "host='': expected non-empty text"),
        ("random_seed", "", "random_seed='': expected non-empty text"),
    ],
)
def test_a_wrong_value_names_itself_and_what_is_valid(name: str, value: object, message: str) -> None:
    for attempt in (lambda: read(name, value), lambda: Settings(**{name: value})):
        with pytest.raises(SettingError) as raised:
            attempt()
        assert str(raised.value) == message


def test_a_wrong_name_names_the_nearest() -> None:
    message = r"unknown setting 'tokenttl' \(did you mean 'token_ttl'\?\); the settings are"
    with pytest.raises(SettingError, match=message):
        read("tokenttl", 1)
    with pytest.raises(SettingError, match="unknown setting 'xyz'; the settings are"):
        read("xyz", 1)


def test_the_environment() -> None:
    assert from_environment({"PYTEST_HUBSPOT_TOKEN_TTL": "60", "PATH": "/bin"}) == {"token_ttl": 60}
    with pytest.raises(SettingError, match="environment variable PYTEST_HUBSPOT_WIRE: wire='x': expected one of"):
        from_environment({"PYTEST_HUBSPOT_WIRE": "x"})


def test_d6_every_row_of_the_table_is_a_field_and_says_what_is_valid() -> None:
    assert [field.name for field in dataclasses.fields(Settings)] == list(SETTINGS)
    assert [name for names in GROUPS.values() for name in names] == list(SETTINGS)
    assert [name for name, setting in SETTINGS.items() if not setting.valid or not setting.help] == []


@pytest.mark.parametrize("name", SETTINGS)
def test_d6_the_default_is_valid_and_what_is_valid_is_said_to_be(name: str) -> None:
    assert str(read(name, default_of(name))) == str(SETTINGS[name].default)
    valid = SETTINGS[name].valid
    choices = valid.replace(" or ", ", ").split(", ")
    if all(word.replace("_", "").isalnum() for word in choices) and len(choices) > 1:
        for choice in choices:
            read(name, choice)
        with pytest.raises(SettingError, match="expected"):
            read(name, "none of these")


class TestApp:
    """D1: the app under test."""

    @pytest.mark.parametrize(
        ("given", "read_as"),
        [
            ("oauth tickets", "oauth tickets"),
            ("oauth,tickets", "oauth tickets"),
            (" oauth ,\ttickets,\n oauth", "oauth tickets"),
            (["oauth", "tickets"], "oauth tickets"),
            (("oauth tickets", "files"), "oauth tickets files"),
        ],
    )
    def test_d1_scopes_are_separated_by_blanks_or_commas(self, given: object, read_as: str) -> None:
        settings = Settings(scopes=given)  # type: ignore[arg-type]
        assert settings.scopes == read_as
        assert Simulator(settings).app.scopes == tuple(read_as.split())

    def test_d1_the_default_app_is_the_one_of_the_settings_also_after_a_reset(self) -> None:
        simulator = Simulator(
            Settings(
                client_id="my-id",
                client_secret="my-secret",
                redirect_uri="https://app.example.com/cb?x=1,2 myapp:/cb",
                scopes="oauth",
                optional_scopes="files, forms",
            )
        )
        for _ in range(2):
            app = simulator.app
            assert (app.client_id, app.client_secret) == ("my-id", "my-secret")
            assert app.redirect_uris == ("https://app.example.com/cb?x=1,2", "myapp:/cb")
            assert (app.scopes, app.optional_scopes) == (("oauth",), ("files", "forms"))
            assert simulator.authorize()
            simulator.reset()

    def test_d1_without_them_it_is_drawn_as_before(self) -> None:
        assert Simulator().app == Simulator(Settings(client_id="", client_secret="")).app
        assert Simulator(Settings(client_id="x")).app.client_id == "x"

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("redirect_uri", "localhost:3000/cb", "'localhost:3000/cb' is not valid: expected absolute URIs"),
            ("redirect_uri", "https://a.example.com/#x", "is not valid: expected absolute URIs"),
            ("redirect_uri", "", "redirect_uri='': expected at least one: absolute URIs"),
            ("redirect_uri", [1], "redirect_uri=[1]: expected absolute URIs"),
            ("scopes", " , ", "scopes='': expected at least one: scope names"),
            ("scopes", 'a"b', "is not valid: expected scope names"),
            ("scopes", None, "scopes=None: expected scope names"),
            ("client_id", "a b", "client_id='a b': expected text without spaces"),
            ("client_id", None, "client_id=None: expected text without spaces"),
            ("optional_scopes", "tickets", "optional_scopes: tickets is also in scopes: remove it from one of them"),
            ("optional_scopes", "tickets", "(scopes has its default, 'oauth "),
            ("redirect_uri_query", "some", "expected one of: exact, any"),
        ],
    )
    def test_d1_a_wrong_value_is_named(self, name: str, value: object, message: str) -> None:
        with pytest.raises(SettingError) as raised:
            Settings(**{name: value})  # type: ignore[arg-type]
        assert message in str(raised.value)

    def test_d1_the_secret_is_not_shown(self) -> None:
        assert "my-secret" not in repr(Settings(client_secret="my-secret"))
        with pytest.raises(SettingError) as raised:
            read("client_secret", "my secret")
        assert str(raised.value).startswith("client_secret=…: expected text without spaces")


class TestEnvironment:
    """D1: the environment of the command line."""

    def test_d1_what_run_hands_to_its_child_is_no_setting(self) -> None:
        handed = {f"HUBSPOT_SIMULATOR_{name}": "x" for name in RUN_VARIABLES}
        assert from_environment({**handed, "HUBSPOT_SIMULATOR_PORT": "80"}, PREFIX) == {"port": 80}

    def test_d1_what_kubernetes_makes_of_a_service_of_that_name_is_no_setting(self) -> None:
        made = {
            "HUBSPOT_SIMULATOR_SERVICE_HOST": "10.0.0.7",
            "HUBSPOT_SIMULATOR_SERVICE_PORT": "8000",
            "HUBSPOT_SIMULATOR_SERVICE_PORT_HTTP": "8000",
            "HUBSPOT_SIMULATOR_PORT": "tcp://10.0.0.7:8000",
            "HUBSPOT_SIMULATOR_PORT_8000_TCP": "tcp://10.0.0.7:8000",
            "HUBSPOT_SIMULATOR_PORT_8000_TCP_ADDR": "10.0.0.7",
            "HUBSPOT_SIMULATOR_PORT_8000_TCP_PORT": "8000",
            "HUBSPOT_SIMULATOR_PORT_8000_TCP_PROTO": "tcp",
        }
        assert from_environment(made, PREFIX) == {}

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [("POTR", "PORT"), ("HOST_", "HOST"), ("TOKN_TTL", "TOKEN_TTL"), ("SERVICE", ""), ("PORT_8000", "PORT")],
    )
    def test_d1_a_misspelt_variable_is_refused_with_the_nearest(self, name: str, nearest: str) -> None:
        with pytest.raises(SettingError) as raised:
            from_environment({f"HUBSPOT_SIMULATOR_{name}": "1"}, PREFIX)
        message = str(raised.value)
        assert message.startswith(f"environment variable HUBSPOT_SIMULATOR_{name}: unknown setting ")
        assert not nearest or message.endswith(f"; the nearest variable is HUBSPOT_SIMULATOR_{nearest}")


def test_the_settings_of_a_simulator_cannot_be_assigned_and_the_error_says_what_to_do() -> None:
    simulator = Simulator(Settings(token_ttl=60))
    with pytest.raises(AttributeError) as raised:
        simulator.settings = Settings(wire="short")  # type: ignore[misc]
    assert str(raised.value) == (
        "settings=Settings(wire='short'): the settings of a simulator are read-only, since its app, tokens and limits "
        "were built from them; pass them to a new one: Simulator(settings)"
    )
    assert simulator.settings == Settings(token_ttl=60)
    assert simulator.installation.expires_in == 60
