"""A host name is the same in any spelling that a resolver takes as the same."""

from __future__ import annotations

import pytest

from hubspot_simulator.hosts import is_hubspot, is_loopback, matcher

SPELLINGS = ["api.hubapi.com", "API.HubAPI.com", "api.hubapi.com.", "API-EU1.HUBSPOT.COM.", b"api.hubapi.com."]
OTHERS = ["hubapi.com", "api.hubapi.com.example", "xapi.hubapi.com", "api.hubapi.comx", "api.hubapi.com..", "", None, 1]


@pytest.mark.parametrize("host", SPELLINGS)
def test_spellings_of_hubspots_hosts(host: object) -> None:
    assert is_hubspot(host)
    assert matcher()(host)


@pytest.mark.parametrize("host", OTHERS)
def test_other_hosts(host: object) -> None:
    assert not is_hubspot(host)
    assert not matcher("crm.example.com")(host)


@pytest.mark.parametrize("setting", ["crm.example.com", "CRM.example.com.", "a.example b.example Crm.Example.com"])
@pytest.mark.parametrize("host", ["crm.example.com", "CRM.EXAMPLE.COM", "crm.example.com.", b"crm.example.com"])
def test_spellings_of_further_hosts(setting: str, host: object) -> None:
    assert matcher(setting)(host)


def test_a_name_outside_ascii_is_the_one_that_is_looked_up() -> None:
    assert matcher()("ａｐｉ.hubapi.com")  # full-width letters, which IDNA maps to ASCII
    assert matcher("xn--bcher-kva.example")("Bücher.example")
    assert not matcher()("ü" * 64 + ".hubapi.com")  # longer than any label: no resolver takes it


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "app.localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)
    assert not is_loopback(f"{host}x")
