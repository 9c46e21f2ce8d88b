"""What stands in the Authorization header."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from hubspot_simulator.lab.audit import Finding

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Lab


CONTACTS = "/crm/v3/objects/contacts"


def send(lab: Lab, authorization: str) -> None:
    response = lab.client.get(CONTACTS, headers={"Authorization": authorization})
    assert response.status_code == 401


class TestNotAnAccessToken:
    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("None", "it is the literal text 'None'"),
            ("undefined", "it is the literal text 'undefined'"),
            *(
                (text, f"it is the literal text '{text}'")
                for text in ("access-token", "access_token", "null", "NaN", "true", "false", "[object Object]")
            ),
            ("<ACCESS_TOKEN>", "it is a placeholder that was not filled in"),
            ("${HUBSPOT_TOKEN}", "it is a placeholder that was not filled in"),
            ('{"access_token": "x"}', "it is the whole token response"),
            ("na1-0f0f0f0f-1111-4222-8333-444455556666", "it has the form of a refresh token"),
            ("0f0f0f0f-1111-4222-8333-444455556666", "it has the form of a client id, a client secret or an API key"),
            ("some words", "it has spaces in it"),
            ("GAEYAQ", "says nothing of an expiry, so HubSpot answers that it expired in 1970"),
            ("this+is/no+token", "cannot be decoded as one"),
        ],
    )
    def test_it_says_what_it_looks_like(self, lab: Lab, text: str, what: str) -> None:
        send(lab, f"Bearer {text}")
        finding = lab.only("not-an-access-token")
        assert what in finding.problem
        assert finding.problem.startswith("What #1 sent as its access token is none: ")

    @pytest.mark.parametrize(
        ("form", "what"),
        [
            ("Bearer Bearer {}", "it still has 'Bearer ' before it"),
            ("{}", "it has no 'Bearer ' before it"),
            ("Token {}", "its scheme is 'Token', not 'Bearer'"),
            ('Bearer "{}"', "it stands in quotes"),
            ("Bearer b'{}'", "it is the text of a Python bytes object"),
            ("Bearer", "it is empty"),
        ],
    )
    def test_a_good_token_in_a_bad_form(self, lab: Lab, form: str, what: str) -> None:
        send(lab, form.format(lab.first))
        problem = lab.only("not-an-access-token").problem
        assert what in problem
        assert lab.first not in problem

    def test_the_refresh_token(self, lab: Lab) -> None:
        lab.ask()
        send(lab, f"Bearer {lab.installed.refresh_token}")
        assert "it is the refresh token" in lab.only("not-an-access-token").problem

    def test_the_client_secret(self, lab: Lab) -> None:
        lab.ask()
        send(lab, f"Bearer {lab.installed.app.client_secret}")
        assert "it is the client secret" in lab.only("not-an-access-token").problem

    def test_a_loop_of_refreshes_is_the_same_finding(self, lab: Lab, numbers: Callable[[Finding], list[int]]) -> None:
        for _ in range(3):
            send(lab, "Bearer access-token")
            lab.refresh()
        assert numbers(lab.only("not-an-access-token")) == [1, 3, 5]

    def test_no_secret_is_shown_whole(self, lab: Lab) -> None:
        lab.ask()
        for secret in (lab.installed.refresh_token, lab.installed.app.client_secret, lab.first[:60]):
            send(lab, f"Bearer {secret}")
            assert secret not in "\n".join(map(str, lab.findings))

    def test_not_a_private_app(self, lab: Lab) -> None:
        lab.call(lab.sim.add_private_app().access_token)
        lab.call("pat-na1-0f0f0f0f-1111-4222-8333-444455556666")
        assert lab.ids == []

    def test_not_a_call_without_credentials(self, lab: Lab) -> None:
        assert lab.client.get(CONTACTS).status_code == 401
        assert lab.ids == []

    def test_not_a_good_token_that_was_refused(self, lab: Lab) -> None:
        lab.sim.inject("INVALID_AUTHENTICATION")
        lab.call(lab.first)
        assert lab.ids == []


class TestTruncatedToken:
    def test_a_prefix_of_an_issued_token(self, lab: Lab) -> None:
        lab.call(lab.refresh()[:100])
        finding = lab.only("truncated-token")
        assert "carried the first 100 characters of an access token that is longer" in finding.problem

    def test_a_prefix_of_an_accepted_token(self, lab: Lab) -> None:
        lab.call(lab.first)
        lab.call(lab.first[:64])
        lab.only("truncated-token")

    @pytest.mark.parametrize(("length", "id"), [(8, "truncated-token"), (7, "not-an-access-token")])
    def test_eight_characters_are_no_accident(self, lab: Lab, length: int, id: str) -> None:
        lab.call(lab.refresh()[:length])
        lab.only(id)

    def test_not_a_prefix_of_an_unknown_token(self, lab: Lab) -> None:
        lab.call(lab.first[:100])
        lab.only("not-an-access-token")

    def test_not_the_whole_token(self, lab: Lab) -> None:
        assert lab.call(lab.refresh()).status_code == 200
        assert lab.ids == []


def test_a_json_token_response_as_bearer(lab: Lab) -> None:
    send(lab, "Bearer " + json.dumps(lab.installed.token_response))
    assert "it is the whole token response" in lab.only("not-an-access-token").problem
