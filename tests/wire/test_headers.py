"""The headers around every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Simulator

if TYPE_CHECKING:
    from tests.wire.conftest import Api, AsToken


LIST = "/crm/v3/objects/contacts"
RATE_LIMIT = "x-hubspot-ratelimit-"

ANSWERS = {
    "success": ("GET", LIST, 200),
    "created": ("POST", LIST, 201),
    "archived": ("DELETE", f"{LIST}/1", 204),
    "no object": ("GET", f"{LIST}/1", 404),
    "unknown type": ("GET", "/crm/v3/objects/widgets", 400),
    "unknown path": ("GET", "/no/such/path", 404),
    "wrong method": ("PUT", LIST, 405),
    "token refused": ("POST", "/oauth/v3/token", 400),
    "page": ("GET", "/oauth/authorize", 200),
    "metadata refused": ("GET", "/oauth/v1/access-tokens/garbage", 401),
    "control": ("GET", "/_simulator/health", 200),
}


@pytest.fixture(params=ANSWERS.values(), ids=list(ANSWERS))
def answer(request: pytest.FixtureRequest, api: Api) -> TestResponse:
    method, path, status = request.param
    response = api(method, path, json={"properties": {}} if status == 201 else None)
    assert response.status_code == status
    return response


def test_every_answer_carries_the_common_headers_once(answer: TestResponse) -> None:
    headers = answer.headers
    correlation_id = headers["X-HubSpot-Correlation-Id"]
    expected = {
        "Date": "Mon, 27 Feb 2023 21:40:17 GMT",
        "Vary": "origin, accept-encoding",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
        "CF-Cache-Status": "DYNAMIC",
        "Access-Control-Allow-Credentials": "false",
        "X-Content-Type-Options": "nosniff",
        "Server": "cloudflare",
        "Server-Timing": f'hcid;desc="{correlation_id}"',
        "X-HubSpot-Correlation-Id": correlation_id,
    }
    assert {name: headers.getlist(name) for name in expected} == {name: [value] for name, value in expected.items()}


def test_no_answer_asks_for_credentials_or_forbids_caching(answer: TestResponse) -> None:
    assert not {name.lower() for name in answer.headers.keys()} & {"www-authenticate", "cache-control", "pragma"}  # noqa: SIM118


def test_the_rate_limit_headers_are_on_what_the_crm_grants_and_on_nothing_else(answer: TestResponse) -> None:
    found = {
        name.lower().removeprefix(RATE_LIMIT): value
        for name, value in answer.headers
        if name.lower().startswith(RATE_LIMIT)
    }
    if answer.request.path.startswith("/crm/") and answer.status_code < 300:
        assert found == {
            "interval-milliseconds": "10000",
            "max": "110",
            "remaining": "109",
            "secondly": "11",
            "secondly-remaining": "10",
        }
    else:
        assert not found


def test_an_answer_without_a_body_has_no_content_type(api: Api) -> None:
    response = api("DELETE", f"{LIST}/1")
    assert response.get_data() == b""
    assert "Content-Type" not in response.headers
    assert "Content-Length" not in response.headers


def remaining(response: TestResponse) -> int:
    return int(response.headers["X-HubSpot-RateLimit-Remaining"])


def test_what_remains_is_counted_over_ten_seconds_on_the_simulators_clock(sim: Simulator, api: Api) -> None:
    assert [remaining(api("GET", LIST)) for _ in range(3)] == [109, 108, 107]
    sim.clock.advance(milliseconds=9_999)
    assert remaining(api("GET", LIST)) == 106
    sim.clock.advance(milliseconds=1)
    assert remaining(api("GET", LIST)) == 108


def test_what_remains_is_counted_for_each_portal(sim: Simulator, api: Api, as_token: AsToken) -> None:
    other = as_token(sim.install(portal=sim.add_portal()).access_token)
    assert [remaining(caller("GET", LIST)) for caller in (api, api, other)] == [109, 108, 109]


def test_what_remains_stops_at_zero_and_nothing_is_refused(api: Api) -> None:
    answers = [api("GET", LIST) for _ in range(112)]
    assert [remaining(response) for response in answers[-4:]] == [1, 0, 0, 0]


def test_the_date_follows_the_simulators_clock(sim: Simulator, api: Api) -> None:
    sim.clock.advance(days=1, hours=2, milliseconds=481)
    assert api("GET", LIST).headers["Date"] == "Tue, 28 Feb 2023 23:40:17 GMT"
    sim.clock.advance(milliseconds=1)
    assert api("GET", LIST).headers["Date"] == "Tue, 28 Feb 2023 23:40:18 GMT"


def test_the_correlation_id_is_a_uuid_of_the_instant_and_new_each_time(sim: Simulator, client: Client) -> None:
    ids = [UUID(client.get(LIST).headers["X-HubSpot-Correlation-Id"]) for _ in range(50)]
    assert len(set(ids)) == 50
    assert {(one.version, one.variant, one.int >> 80) for one in ids} == {
        (7, "specified in RFC 4122", sim.clock.now_ms())
    }


def test_the_correlation_id_of_an_error_is_in_header_and_body(api: Api) -> None:
    response = api("GET", f"{LIST}/1")
    assert response.json["correlationId"] == response.headers["X-HubSpot-Correlation-Id"]
