from __future__ import annotations

import pytest

from hubspot_simulator.settings import SettingError, Settings, from_environment, read


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
        ("token_ttl", "0", "token_ttl='0': expected a whole number from 1"),
        ("token_ttl", 1.5, "token_ttl=1.5: expected a whole number from 1"),
        ("token_ttl", True, "token_ttl=True: expected a whole number from 1"),
        ("token_ttl", "soon", "token_ttl='soon': expected a whole number from 1"),
        ("port", 65536, "port=65536: expected a whole number from 0 to 65535"),
        ("wire", "long", "wire='long': expected one of: recorded, short"),
        ("strict", "maybe", "strict='maybe': expected true or false (also: yes, no, on, off, 1, 0)"),
        ("host", "", "host='': expected a non-empty text"),
        ("random_seed", "", "random_seed='': expected a non-empty text"),
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
