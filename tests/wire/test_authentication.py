"""The two 401s: an access token that expired, and credentials that are no use."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client, EnvironBuilder

from hubspot_simulator import Simulator
from hubspot_simulator.http.app import Application

if TYPE_CHECKING:
    from tests.wire.conftest import Api, AssertAnswer, AsToken, Build


SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
LIST = "/crm/v3/objects/contacts"
NOT_FOUND = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details "
    "at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
# From HubSpot's documentation: it expired 2018-10-11T03:22:09.757Z.
DOCUMENTED_TOKEN = (
    "CN2zlYnmLBICAQIYgZXFLyCWp1Yoy_9GMhkAgddk-zDc-H_rOad1X2s6Qv3fmG1spSY0Og0ACgJBAAADAIADAAABQhkAgddk-03q2qdkwdXbYWCoB"
    "9g3LA97OJ9I"
)
# The form of the command line tool's personal access keys: what would be the expiry is a text.
PERSONAL_ACCESS_KEY = urlsafe_b64encode(b"\x0a\x24na1-1234-5678-9abc-def0-123456789abc\x18\x01").decode().rstrip("=")

ROUTES = [
    (method, prefix + path)
    for prefix in (
        "/crm/v3/objects",
        "/crm/objects/v3",
        "/crm/objects/2025-09",
        "/crm/objects/2026-03",
        "/crm/objects/2026-09",
        "/crm/objects/2026-09-beta",
        "/crm/objects/2027-03-beta",
    )
    for method, path in (
        ("GET", "/deals"),
        ("POST", "/deals"),
        ("GET", "/deals/1"),
        ("PATCH", "/deals/1"),
        ("DELETE", "/deals/1"),
        ("GET", "/contacts"),
        ("GET", "/no_such_type"),
    )
]


def expire(sim: Simulator, ago_ms: int = 0) -> str:
    """Issue the default access token and move the clock to that long after its expiry."""
    token = sim.installation.access_token
    sim.clock.advance(seconds=1800, milliseconds=ago_ms)
    return token


def test_the_recorded_401_is_reproduced_byte_for_byte(sim: Simulator, api: Api) -> None:
    expire(sim, 9 * MINUTE)
    response = api("GET", LIST)
    correlation_id = response.headers["X-HubSpot-Correlation-Id"]
    assert response.text == (
        '{"status":"error","message":"The OAuth token used to make this call expired 9 minute(s) ago.",'
        f'"correlationId":"{correlation_id}","category":"EXPIRED_AUTHENTICATION",'
        '"context":{"expire time":["2023-02-27T22:10:17.518Z"]}}'
    )
    assert response.status == "401 Unauthorized"
    assert response.headers["Content-Length"] == "240"
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"


def test_the_expired_401_has_no_header_of_other_answers(sim: Simulator, api: Api) -> None:
    expire(sim)
    names = {name.lower() for name in api("GET", LIST).headers.keys()}  # noqa: SIM118
    assert not [name for name in names if "ratelimit" in name]
    assert not names & {"www-authenticate", "x-hubspot-auth-failure", "retry-after", "cache-control"}


@pytest.mark.parametrize(
    ("ago_ms", "text"),
    [
        (0, "0 second(s)"),
        (99, "0 second(s)"),
        (999, "0 second(s)"),
        (1 * SECOND, "1 second(s)"),
        (59 * SECOND, "59 second(s)"),
        (60 * SECOND, "60 second(s)"),
        (75 * SECOND, "75 second(s)"),
        (2 * MINUTE - 1, "119 second(s)"),
        (2 * MINUTE, "2 minute(s)"),
        (3 * MINUTE - 1, "2 minute(s)"),
        (92 * MINUTE, "92 minute(s)"),
        (2 * HOUR - 1, "119 minute(s)"),
        (2 * HOUR, "2 hour(s)"),
        (6 * HOUR, "6 hour(s)"),
        (2 * DAY - 1, "47 hour(s)"),
        (2 * DAY, "2 day(s)"),
        (9 * DAY + 72 * SECOND, "9 day(s)"),
    ],
)
def test_the_age_is_truncated_in_the_largest_unit_of_which_there_is_more_than_one(
    sim: Simulator, api: Api, assert_refused: AssertAnswer, ago_ms: int, text: str
) -> None:
    expire(sim, ago_ms)
    assert_refused(
        api("GET", LIST),
        401,
        f"The OAuth token used to make this call expired {text} ago.",
        category="EXPIRED_AUTHENTICATION",
        context={"expire time": ["2023-02-27T22:10:17.518Z"]},
    )


@pytest.mark.parametrize(("age_ms", "status"), [(0, 200), (1_799_999, 200), (1_800_000, 401), (1_800_001, 401)])
def test_a_token_dies_1800_seconds_after_its_issue_to_the_millisecond(
    sim: Simulator, api: Api, age_ms: int, status: int
) -> None:
    sim.clock.advance(milliseconds=age_ms)
    assert api("GET", LIST).status_code == status


def test_the_lifetime_follows_the_setting(build: Build) -> None:
    sim = build(token_ttl=60)
    client = Client(Application(sim))
    headers = {"Authorization": f"Bearer {sim.installation.access_token}"}
    sim.clock.advance(milliseconds=59_999)
    assert client.get(LIST, headers=headers).status_code == 200
    sim.clock.advance(milliseconds=1)
    assert client.get(LIST, headers=headers).json["category"] == "EXPIRED_AUTHENTICATION"


def test_an_expiry_on_a_whole_second_is_written_without_a_fraction(build: Build) -> None:
    sim = build(now_ms=1_677_534_017_000)
    token = expire(sim)
    response = Client(Application(sim)).get(LIST, headers={"Authorization": f"Bearer {token}"})
    assert response.json["context"] == {"expire time": ["2023-02-27T22:10:17Z"]}


@pytest.mark.parametrize(
    ("day", "days"), [("2024-05-24", 19867), ("2024-06-10", 19884), ("2025-09-23", 20354)], ids=str
)
@pytest.mark.parametrize("text", ["access-token", PERSONAL_ACCESS_KEY], ids=["literal", "personal access key"])
def test_a_string_that_parses_without_an_expiry_expired_in_1970(
    sim: Simulator, as_token: AsToken, assert_refused: AssertAnswer, text: str, day: str, days: int
) -> None:
    sim.clock.advance_to(datetime.fromisoformat(f"{day}T12:00:00+00:00"))
    assert_refused(
        as_token(text)("GET", LIST),
        401,
        f"The OAuth token used to make this call expired {days} day(s) ago.",
        category="EXPIRED_AUTHENTICATION",
        context={"expire time": ["1970-01-01T00:00:00Z"]},
    )


def test_the_token_of_hubspots_documentation_is_read(
    sim: Simulator, as_token: AsToken, assert_refused: AssertAnswer
) -> None:
    expired_at = datetime(2018, 10, 11, 3, 22, 9, 757_000, tzinfo=timezone.utc)
    assert_refused(
        as_token(DOCUMENTED_TOKEN)("GET", LIST),
        401,
        f"The OAuth token used to make this call expired {(sim.clock.now - expired_at).days} day(s) ago.",
        category="EXPIRED_AUTHENTICATION",
        context={"expire time": ["2018-10-11T03:22:09.757Z"]},
    )


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_crm_route_answers_an_expired_token_alike(sim: Simulator, api: Api, method: str, path: str) -> None:
    expire(sim, 5 * HOUR)
    response = api(method, path, json={"properties": {}} if method in ("POST", "PATCH") else None)
    assert response.status_code == 401
    assert list(response.json) == ["status", "message", "correlationId", "category", "context"]
    assert response.json["message"] == "The OAuth token used to make this call expired 5 hour(s) ago."


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_crm_route_wants_a_token(client: Client, assert_refused: AssertAnswer, method: str, path: str) -> None:
    assert_refused(client.open(path, method=method), 401, NOT_FOUND, category="INVALID_AUTHENTICATION")


def test_the_401_without_credentials_has_the_recorded_length_and_header(
    client: Client, assert_refused: AssertAnswer
) -> None:
    response = client.get(LIST)
    assert_refused(response, 401, NOT_FOUND, category="INVALID_AUTHENTICATION")
    assert response.headers["Content-Length"] == "299"
    assert response.headers["X-HubSpot-Auth-Failure"] == "401 Unauthorized"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "Bearer thisisatesttoken",
        "Bearer garbage!",
        "Bearer C",
        "Bearer pat-na1-6f18f21e-a743-4509-b7fd-1a5e632fffa1",
        "Bearer 6f18f21e-a743-4509-b7fd-1a5e632fffa1",
        "Bearer {token} {token}",
        "Bearer {token}=",
        "Bearer Bearer {token}",
        "Bearer: {token}",
        "Bearer,{token}",
        "Bearer\t{token}",
        "{token}",
        "Basic {token}",
        "Token {token}",
        "bearer\u00e9 {token}",
        "Bearer t\u00f6ken",
        "Bearer \x00{token}",
        "Bearer " + "A" * 1_000_000,
        "Bearer " + "_" * 1_000_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_unusable_credentials_all_get_the_same_answer(
    sim: Simulator, client: Client, assert_refused: AssertAnswer, authorization: str
) -> None:
    environ = EnvironBuilder(LIST).get_environ()
    environ["HTTP_AUTHORIZATION"] = authorization.replace("{token}", sim.installation.access_token)
    response = client.open(environ)
    assert_refused(response, 401, NOT_FOUND, category="INVALID_AUTHENTICATION")
    assert response.headers["X-HubSpot-Auth-Failure"] == "401 Unauthorized"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer   "])
def test_the_scheme_is_taken_in_any_case(sim: Simulator, client: Client, scheme: str) -> None:
    authorization = f"{scheme} {sim.installation.access_token}"
    assert client.get(LIST, headers={"Authorization": authorization}).status_code == 200


def test_a_token_in_the_query_is_no_credential(sim: Simulator, client: Client) -> None:
    response = client.get(LIST, query_string={"access_token": sim.installation.access_token, "hapikey": "demo"})
    assert response.json["category"] == "INVALID_AUTHENTICATION"


def flip_bit(token: str, offset: int) -> str:
    data = bytearray(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    data[offset] ^= 1
    return urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize("offset", [9, 12, 30, 100, -1])
def test_a_token_that_was_changed_is_refused_while_it_lives(sim: Simulator, as_token: AsToken, offset: int) -> None:
    token = flip_bit(sim.installation.access_token, offset)
    assert as_token(token)("GET", LIST).json["category"] == "INVALID_AUTHENTICATION"


def test_a_token_with_other_spare_bits_in_its_last_character_is_refused(sim: Simulator, as_token: AsToken) -> None:
    token = sim.installation.access_token
    assert len(token) % 4, "the last character has no spare bits"
    twin = token[:-1] + chr(ord(token[-1]) + 1)
    assert urlsafe_b64decode(twin + "==") == urlsafe_b64decode(token + "==")
    assert as_token(twin)("GET", LIST).json["category"] == "INVALID_AUTHENTICATION"


def test_the_expiry_is_checked_before_the_signature(sim: Simulator, as_token: AsToken) -> None:
    token = flip_bit(expire(sim), 100)
    assert as_token(token)("GET", LIST).json["category"] == "EXPIRED_AUTHENTICATION"


def test_a_token_of_another_simulator_is_refused(build: Build, as_token: AsToken) -> None:
    other = build(name="another test")
    assert as_token(other.installation.access_token)("GET", LIST).json["category"] == "INVALID_AUTHENTICATION"


def test_the_clock_moved_back_revives_a_token(sim: Simulator, api: Api) -> None:
    expire(sim)
    assert api("GET", LIST).status_code == 401
    sim.clock.advance(milliseconds=-1)
    assert api("GET", LIST).status_code == 200


def test_tokens_are_as_long_as_hubspots_and_begin_like_them(sim: Simulator) -> None:
    token = sim.installation.access_token
    assert token.startswith("C")
    assert 124 <= len(token) <= 300


class TestShortWire:
    @pytest.fixture
    def sim(self, build: Build) -> Simulator:
        return build(wire="short")

    def test_an_expired_token_gets_the_three_members_byte_for_byte(self, sim: Simulator, api: Api) -> None:
        expire(sim, 5 * MINUTE)
        response = api("GET", LIST)
        assert response.status_code == 401
        assert response.text == (
            '{"status": "error", "message": "The OAuth token used to make this call expired 5 minute(s) ago.", '
            '"category": "EXPIRED_AUTHENTICATION"}'
        )
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-store"

    def test_missing_credentials_get_the_three_members(self, client: Client) -> None:
        response = client.get(LIST)
        assert response.text == json.dumps(
            {"status": "error", "message": NOT_FOUND, "category": "INVALID_AUTHENTICATION"}
        )
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-store"

    def test_success_and_other_errors_keep_the_recorded_form(self, api: Api, assert_refused: AssertAnswer) -> None:
        response = api("GET", LIST)
        assert response.text == '{"results":[]}'
        assert response.headers["Content-Type"] == "application/json;charset=utf-8"
        assert_refused(api("GET", f"{LIST}/1"), 404, "resource not found")
