"""Access tokens: the codec, the signature, and the samples that HubSpot published."""

from __future__ import annotations

import contextlib
import re
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_simulator.core.tokens import AccessToken, MalformedToken, is_signed, issue, parse, shorten, try_parse

KEY = b"key"
PUBLISHED = "CN2zlYnmLBICAQIYgZXFLyCWp1Yoy_9GMhkAgddk-zDc-H_rOad1X2s6Qv3fmG1spSY0Og0ACgJBAAADAIADAAABQhkAgddk-03q2qdkwdXbYWCoB9g3LA97OJ9I"  # noqa: E501

tokens = st.builds(
    AccessToken,
    expires_at_ms=st.integers(0, 253_402_300_799_999),
    scopes=st.binary(max_size=40),
    hub_id=st.integers(0, 2**63 - 1),
    user_id=st.integers(0, 2**63 - 1),
    app_id=st.integers(0, 2**63 - 1),
    scope_groups=st.binary(max_size=60),
    nonce=st.binary(min_size=20, max_size=20),
    hublet=st.sampled_from(["na1", "eu1", ""]),
)


def test_the_published_sample_decodes() -> None:
    said = parse(PUBLISHED)
    assert said.expires_at_ms == 1539228129757
    assert said.scopes.hex() == "0102"
    assert (said.hub_id, said.user_id, said.app_id) == (99699329, 1414038, 1163211)
    assert len(said.signature) == len(said.nonce) == 25
    assert said.scope_groups.hex() == "000a0241000003008003000001"
    assert said.hublet == ""
    assert not is_signed(said, KEY)


def test_a_string_may_parse_without_an_expiry() -> None:
    assert parse("access-token").expires_at_ms is None
    personal_access_key = b"\n$d8675309-0000-0000-0000-000000000000"
    assert parse(urlsafe_b64encode(personal_access_key).rstrip(b"=").decode()).expires_at_ms is None


@pytest.mark.parametrize(
    "text", ["thisisatesttoken", "", "a", "not a token", "CN2z=", "CN2z+/", "CN2zlYnmLBICAQ\n", "é"]
)
def test_other_strings_do_not_parse(text: str) -> None:
    with pytest.raises(MalformedToken):
        parse(text)
    assert try_parse(text) is None


@given(tokens)
def test_it_round_trips(token: AccessToken) -> None:
    text = issue(token, KEY)
    assert re.fullmatch("[A-Za-z0-9_-]+", text)
    assert text.startswith("C")
    said = parse(text)
    assert replace(said, signature=b"", signed_part=b"") == token
    assert is_signed(said, KEY)
    assert not is_signed(said, b"another key")


@given(tokens, st.data())
def test_a_token_that_was_changed_or_cut_is_never_taken_for_good(token: AccessToken, data: st.DataObject) -> None:
    text = issue(token, KEY)
    position = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    for changed in (text[:position], text[:position] + letter + text[position + 1 :], text + letter):
        if changed != text:
            with contextlib.suppress(MalformedToken):
                assert not is_signed(parse(changed), KEY)


def assert_nothing_else_is_raised(text: str) -> None:
    with contextlib.suppress(MalformedToken):
        parse(text)


@given(st.text())
def test_no_string_raises_anything_else(text: str) -> None:
    assert_nothing_else_is_raised(text)


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    assert_nothing_else_is_raised(urlsafe_b64encode(data).rstrip(b"=").decode())


def test_two_tokens_of_one_instant_differ_by_their_nonce() -> None:
    first = AccessToken(expires_at_ms=1, nonce=b"1" * 20)
    assert issue(first, KEY) != issue(replace(first, nonce=b"2" * 20), KEY)


@pytest.mark.parametrize("secret", ["", "short", "na1-12345678", PUBLISHED])
def test_a_shortened_secret_does_not_give_it_away(secret: str) -> None:
    shown = shorten(secret)
    assert "…" in shown
    assert len(shown) <= 9
