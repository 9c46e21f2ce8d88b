"""The refusals of a v1 path, and those of a hapikey in both forms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Simulator

if TYPE_CHECKING:
    from tests.wire.conftest import Api, Ask, AssertAnswer, AsToken, Build


ME = "/integrations/v1/me"
LIST = "/crm/v3/objects/contacts"
API_KEY = "The API key provided is invalid. View or manage your API key here: https://app.hubspot.com/l/api-key/"
NOT_FOUND = "OAuth access token not found in request header."
MALFORMED = "Malformed OAuth access token found in request header."


def assert_missing(response: TestResponse, oauth: str) -> None:
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"
    assert response.text == json.dumps(
        {
            "status": "error",
            "message": "Any of the listed authentication credentials are missing",
            "correlationId": response.headers["X-HubSpot-Correlation-Id"],
            "engagement": {
                "service-to-service": "service-to-service not engaged. "
                "Metadata for service-to-service request not found.",
                "oauth-token": f"oauth-token not engaged. {oauth}",
                "hapikey": "hapikey not engaged. hapikey is not present in query params.",
                "app-cookie": "app-cookie not engaged. App cookie is not present on the request.",
                "internal-cookie": "internal-cookie not engaged. Cookie not found in the request.",
            },
        },
        separators=(",", ":"),
    )
    assert "WWW-Authenticate" not in response.headers


def test_without_credentials_a_legacy_path_lists_what_did_not_engage(client: Client) -> None:
    response = client.get(ME)
    assert_missing(response, NOT_FOUND)
    assert response.headers["Content-Length"] == "588"


@pytest.mark.parametrize(
    ("authorization", "oauth"),
    [
        ("", NOT_FOUND),
        ("Basic YTpi", MALFORMED),
        ("Bearer", MALFORMED),
        ("Token x", MALFORMED),
        ("Bearer thisisatesttoken", MALFORMED),
        ("Bearer garbage!", MALFORMED),
        ("Bearer pat-na1-6f18f21e-a743-4509-b7fd-1a5e632fffa1", NOT_FOUND),
    ],
)
def test_what_is_no_token_is_malformed_and_what_is_unknown_is_not_found(
    client: Client, authorization: str, oauth: str
) -> None:
    assert_missing(client.get(ME, headers={"Authorization": authorization}), oauth)


def test_a_token_of_another_simulator_is_not_found(build: Build, as_token: AsToken) -> None:
    assert_missing(as_token(build(name="another test").installation.access_token)("GET", ME), NOT_FOUND)


@pytest.mark.parametrize(
    ("ago_ms", "text"),
    [(0, "0 second(s)"), (99, "0 second(s)"), (92 * 60_000, "92 minute(s)"), (777_669_718, "9 day(s)")],
)
def test_an_expired_token_is_told_in_milliseconds_and_in_words(
    sim: Simulator, api: Api, assert_refused: AssertAnswer, ago_ms: int, text: str
) -> None:
    expires_at_ms = sim.clock.now_ms() + 1_800_000
    assert api.access_token
    sim.clock.advance(seconds=1800, milliseconds=ago_ms)
    assert_refused(
        api("GET", ME),
        401,
        f"This oauth-token is expired! expiresAt: {expires_at_ms}, now: {expires_at_ms + ago_ms}",
        category="EXPIRED_AUTHENTICATION",
        errors=[{"message": f"The OAuth token used to make this call expired {text} ago."}],
    )


def test_a_string_without_an_expiry_expired_in_1970_here_too(sim: Simulator, as_token: AsToken) -> None:
    response = as_token("access-token")("GET", ME)
    assert response.json["message"] == f"This oauth-token is expired! expiresAt: 0, now: {sim.clock.now_ms()}"


def test_modern_paths_keep_their_own_form(client: Client, api: Api, sim: Simulator) -> None:
    assert list(client.get(LIST).json) == ["status", "message", "correlationId", "category"]
    assert api.get(LIST) == {"results": []}
    sim.clock.advance(minutes=30)
    assert list(api("GET", LIST).json) == ["status", "message", "correlationId", "category", "context"]


@pytest.mark.parametrize("sim", [{"wire": "short"}], indirect=True)
def test_the_short_wire_is_the_same_on_both(client: Client) -> None:
    bodies = [client.get(path).text for path in (ME, LIST)]
    assert bodies[0] == bodies[1]
    assert bodies[0].startswith('{"status": "error", "message": "Authentication credentials not found.')


class TestApiKey:
    @pytest.mark.parametrize("query", ["hapikey=demo", "hapikey=", "hapikey=6f18f21e-a743-4509-b7fd-1a5e632fffa1&a=b"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_it_is_invalid(self, client: Client, assert_refused: AssertAnswer, method: str, query: str) -> None:
        response = client.open(f"{LIST}?{query}", method=method)
        assert_refused(
            response, 401, API_KEY, category="INVALID_AUTHENTICATION", links={"api key": API_KEY.rpartition(" ")[2]}
        )
        assert response.headers["Content-Length"] == "280"

    def test_it_does_not_exist_on_a_legacy_path(self, client: Client, assert_refused: AssertAnswer) -> None:
        assert_refused(client.get(f"{ME}?hapikey=demo"), 401, "This hapikey doesn't exist.")

    def test_an_authorization_header_wins(self, client: Client, api: Api) -> None:
        assert api("GET", f"{LIST}?hapikey=demo").status_code == 200
        response = client.get(f"{LIST}?hapikey=demo", headers={"Authorization": "Bearer garbage!"})
        assert response.headers["Content-Length"] == "299"

    def test_the_oauth_endpoints_do_not_look_at_it(self, refresh: Ask) -> None:
        assert refresh("/oauth/v1/token?hapikey=demo").status_code == 200
