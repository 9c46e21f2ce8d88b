"""429: bodies, headers and windows. Those who retry look at policyName and at the message."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Simulator
from hubspot_simulator.core.model import App, Portal, PrivateApp

if TYPE_CHECKING:
    from tests.wire.conftest import Api, Ask, AsToken


LIST = "/crm/v3/objects/contacts"
PREFIX = "x-hubspot-ratelimit-"
OAUTH = ["interval-milliseconds", "max", "remaining", "secondly", "secondly-remaining"]


def with_settings(**settings: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sim", [{"rate_limits": True, **settings}], indirect=True, ids=[str(settings)])


def limits(response: TestResponse) -> dict[str, Any]:
    found = {name.lower(): value for name, value in response.headers if name.lower().startswith(PREFIX)}
    return {name.removeprefix(PREFIX): value for name, value in found.items()}


def statuses(api: Api, count: int, path: str = LIST) -> list[int]:
    return [api("GET", path).status_code for _ in range(count)]


@pytest.fixture
def private_app(sim: Simulator) -> PrivateApp:
    """A private app in the default account."""
    return sim.add_private_app()


@pytest.fixture
def private(private_app: PrivateApp, as_token: AsToken) -> Api:
    """A client of the private app."""
    return as_token(private_app.access_token)


def assert_limited(response: TestResponse, body: dict[str, str]) -> None:
    assert response.status_code == 429
    assert response.text == json.dumps(body, separators=(",", ":"))
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"
    assert response.headers["Content-Length"] == str(len(response.get_data()))
    assert "Retry-After" not in response.headers


class TestTenSecondly:
    def body(self, response: TestResponse, kind: str, app: App | PrivateApp, portal: Portal) -> dict[str, str]:
        return {
            "status": "error",
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": response.headers["X-HubSpot-Correlation-Id"],
            "policyName": "TEN_SECONDLY_ROLLING",
            "groupName": f"publicapi:{kind}-api-calls-ten-secondly:{app.app_id}:{portal.hub_id}",
        }

    @with_settings(rate_limit=150, rate_limit_daily=500_000)
    def test_the_recorded_429_of_a_private_app_is_reproduced(
        self, sim: Simulator, private: Api, private_app: PrivateApp
    ) -> None:
        assert statuses(private, 150) == [200] * 150
        response = private("GET", LIST)
        assert_limited(response, self.body(response, "private_app", private_app, sim.portal))
        assert response.headers["Content-Length"] == "272"
        assert limits(response) == {
            "daily": "500000",
            "daily-remaining": "499850",
            "interval-milliseconds": "10000",
            "max": "150",
            "remaining": "0",
            "secondly": "15",
            "secondly-remaining": "0",
        }

    @with_settings(rate_limit=2)
    def test_an_oauth_app_has_no_daily_headers(self, sim: Simulator, api: Api) -> None:
        assert statuses(api, 2) == [200, 200]
        response = api("GET", LIST)
        assert_limited(response, self.body(response, "oauth", sim.app, sim.portal))
        assert list(limits(response)) == OAUTH
        assert limits(response)["remaining"] == "0"

    @with_settings()
    def test_110_calls_are_allowed(self, api: Api) -> None:
        answers = [api("GET", LIST) for _ in range(111)]
        assert [answer.status_code for answer in answers] == [200] * 110 + [429]
        assert [limits(answer)["remaining"] for answer in (answers[0], answers[109])] == ["109", "0"]

    @with_settings(rate_limit=3)
    def test_the_window_rolls_on_the_simulators_clock(self, sim: Simulator, api: Api) -> None:
        assert statuses(api, 1) == [200]
        sim.clock.advance(seconds=6)
        assert statuses(api, 3) == [200, 200, 429]
        sim.clock.advance(milliseconds=3_999)
        assert statuses(api, 1) == [429]
        sim.clock.advance(milliseconds=1)
        assert statuses(api, 2) == [200, 429]
        sim.clock.advance(seconds=10)
        assert statuses(api, 4) == [200, 200, 200, 429]

    @with_settings(rate_limit=1)
    def test_a_refused_call_does_not_count(self, sim: Simulator, api: Api) -> None:
        assert statuses(api, 1) == [200]
        for _ in range(9):
            sim.clock.advance(seconds=1)
            assert statuses(api, 1) == [429]
        sim.clock.advance(seconds=1)
        assert statuses(api, 1) == [200]

    @with_settings(rate_limit=1)
    def test_each_app_in_each_account_has_its_own(
        self, sim: Simulator, api: Api, private: Api, as_token: AsToken
    ) -> None:
        others = [sim.install(sim.add_app()), sim.install(portal=sim.add_portal()), sim.install()]
        tokens = [other.access_token for other in others]
        assert statuses(api, 1) == statuses(private, 1) == [200]
        assert [as_token(token)("GET", LIST).status_code for token in tokens] == [200, 200, 429]

    @with_settings(rate_limit=2)
    def test_calls_that_fail_later_count_and_those_without_credentials_do_not(self, client: Client, api: Api) -> None:
        for _ in range(5):
            assert client.get(LIST).status_code == 401
        assert statuses(api, 3, f"{LIST}/1") == [404, 404, 429]

    @with_settings(rate_limit=1)
    def test_the_limit_comes_before_the_scopes_and_after_the_credentials(
        self, sim: Simulator, as_token: AsToken
    ) -> None:
        api = as_token(sim.install(sim.add_app(scopes=["oauth"])).access_token)
        assert statuses(api, 2) == [403, 429]
        sim.clock.advance(minutes=30)
        assert statuses(api, 1) == [401]

    @with_settings(rate_limit=1)
    def test_the_oauth_endpoints_have_no_part_in_it(self, api: Api, refresh: Ask) -> None:
        assert statuses(api, 2) == [200, 429]
        assert [refresh().status_code for _ in range(3)] == [200] * 3
        assert not limits(refresh())

    @pytest.mark.parametrize("sim", [{"rate_limit": 1}], indirect=True)
    def test_nothing_is_refused_unless_it_is_asked_for(self, api: Api, private: Api) -> None:
        assert statuses(api, 3) == statuses(private, 3) == [200] * 3


class TestDaily:
    def at(self, sim: Simulator, hour: int, minute: int = 0, **more: Any) -> None:
        """Move to an instant of 2026-03-10 in UTC."""
        sim.clock.advance_to(datetime(2026, 3, 10, hour, minute, tzinfo=timezone.utc) + timedelta(**more))

    @with_settings(rate_limit_daily=3)
    def test_the_429_is_byte_for_byte_that_of_the_documentation(self, private: Api) -> None:
        assert statuses(private, 3) == [200] * 3
        response = private("GET", LIST)
        request_id = response.json["requestId"]
        assert_limited(
            response,
            {
                "status": "error",
                "message": "You have reached your daily limit.",
                "errorType": "RATE_LIMIT",
                "correlationId": response.headers["X-HubSpot-Correlation-Id"],
                "policyName": "DAILY",
                "requestId": request_id,
            },
        )
        assert len(request_id) == 36
        assert limits(response)["daily-remaining"] == "0"
        assert limits(response)["remaining"] == "107"

    @pytest.mark.parametrize("sim", [{}], indirect=True)
    def test_a_private_app_is_told_what_is_left_of_the_day(self, sim: Simulator, private: Api) -> None:
        answers = [limits(private("GET", LIST)) for _ in range(2)]
        assert list(answers[0]) == ["daily", "daily-remaining", *OAUTH]
        assert [answer["daily-remaining"] for answer in answers] == ["249999", "249998"]
        sim.clock.advance(seconds=11)
        third = limits(private("GET", LIST))
        assert (third["daily-remaining"], third["remaining"]) == ("249997", "109")

    @with_settings(rate_limit_daily=2)
    def test_an_oauth_app_has_no_daily_limit(self, api: Api) -> None:
        assert statuses(api, 4) == [200] * 4

    @with_settings(rate_limit_daily=2)
    def test_the_day_begins_at_midnight_of_the_account(self, sim: Simulator, private: Api) -> None:
        self.at(sim, 5)  # midnight five hours west of Greenwich
        assert statuses(private, 3) == [200, 200, 429]
        self.at(sim, 23, 59)
        assert statuses(private, 1) == [429]
        self.at(sim, 4, 59, days=1, seconds=59, milliseconds=999)
        assert statuses(private, 1) == [429]
        sim.clock.advance(milliseconds=1)
        assert statuses(private, 3) == [200, 200, 429]

    @with_settings(rate_limit_daily=1)
    def test_a_new_day_forgets_calls_of_a_moment_ago(self, sim: Simulator, private: Api) -> None:
        self.at(sim, 4, 59, seconds=59, milliseconds=999)
        assert statuses(private, 2) == [200, 429]
        sim.clock.advance(milliseconds=1)
        assert statuses(private, 2) == [200, 429]

    @with_settings(rate_limit=1, rate_limit_daily=3)
    def test_a_call_that_the_other_limit_refused_does_not_count(self, sim: Simulator, private: Api) -> None:
        for _ in range(3):
            assert statuses(private, 2) == [200, 429]
            sim.clock.advance(seconds=10)
        assert private("GET", LIST).json["policyName"] == "DAILY"

    @with_settings(rate_limit=1, rate_limit_daily=1)
    def test_the_day_is_named_first(self, private: Api) -> None:
        statuses(private, 1)
        assert private("GET", LIST).json["policyName"] == "DAILY"


class TestTokenEndpoint:
    @pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-09/token"])
    @with_settings(rate_limit_token=2)
    def test_the_429_has_the_recorded_form(self, sim: Simulator, refresh: Ask, path: str) -> None:
        assert [refresh(path).status_code for _ in range(2)] == [200, 200]
        response = refresh(path)
        assert_limited(
            response,
            {
                "status": "error",
                "message": "You have reached your rate limit.",
                "errorType": "RATE_LIMIT",
                "correlationId": "",
                "policyName": "SECONDLY",
                "requestId": response.json["requestId"],
            },
        )
        assert not limits(response)

    @with_settings(rate_limit_token=1)
    def test_the_window_is_a_second_on_the_simulators_clock(self, sim: Simulator, refresh: Ask) -> None:
        assert [refresh().status_code for _ in range(2)] == [200, 429]
        sim.clock.advance(milliseconds=999)
        assert refresh().status_code == 429
        sim.clock.advance(milliseconds=1)
        assert refresh().status_code == 200

    @with_settings(rate_limit_token=1)
    def test_the_client_is_checked_first_and_the_grant_after(self, sim: Simulator, refresh: Ask) -> None:
        assert refresh(client_secret="x").json["status"] == "BAD_CLIENT_SECRET"
        assert refresh(grant_type="x").json["status"] == "BAD_GRANT_TYPE"
        assert refresh().status_code == 429

    @with_settings(rate_limit_token=1)
    def test_each_app_has_its_own(
        self, sim: Simulator, refresh: Ask, credentials: Callable[[App], dict[str, str]]
    ) -> None:
        assert refresh().status_code == 200
        assert refresh(**credentials(sim.add_app())).json["status"] == "MISMATCH_REFRESH_TOKEN_CLIENT"

    @pytest.mark.parametrize("sim", [{"rate_limits": True}, {"rate_limit_token": 1}], indirect=True)
    def test_there_is_none_unless_both_settings_ask_for_it(self, sim: Simulator, refresh: Ask) -> None:
        assert [refresh().status_code for _ in range(20)] == [200] * 20

    @with_settings(rate_limit_token=1)
    def test_introspection_and_revocation_have_none(self, sim: Simulator, ask: Ask) -> None:
        token = sim.installation.access_token
        for endpoint in ("introspect", "revoke") * 3:
            assert ask(f"/oauth/v3/token/{endpoint}", token=token).status_code == 200
