"""Injected faults as a client sees them: the same answers as HubSpot's own, and what was carried out of the call."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Simulator
from hubspot_simulator.core.errors import TOKEN_ERRORS
from hubspot_simulator.core.exchange import Exchange
from hubspot_simulator.core.tokens import AccessToken, issue, parse
from hubspot_simulator.http.app import Application
from hubspot_simulator.lab.faults import behaviours

if TYPE_CHECKING:
    from tests.wire.conftest import Api, Ask, AssertAnswer, AsToken, Build


LIST = "/crm/v3/objects/contacts"
ME = "/integrations/v1/me"
TOKEN = "/oauth/v3/token"
METADATA = "/oauth/v1/access-tokens"
ADA = {"properties": {"email": "ada@example.com"}}
PAGES = {"BAD_GATEWAY": (502, "Bad Gateway"), "SERVICE_UNAVAILABLE": (503, "Service Unavailable")}
PAGES["GATEWAY_TIMEOUT"] = (504, "Gateway Timeout")
API_REFUSALS = {
    "EXPIRED_AUTHENTICATION": 401,
    "INVALID_AUTHENTICATION": 401,
    "MISSING_SCOPES": 403,
    "TEN_SECONDLY_ROLLING": 429,
    "DAILY": 429,
    "INTERNAL_ERROR": 500,
    "LOCKED": 423,
    "MIGRATION": 477,
    **{name: status for name, (status, _) in PAGES.items()},
}
IDS = ("x-hubspot-correlation-id", "server-timing")


def last(sim: Simulator) -> Exchange:
    return sim.journal.exchanges[-1]


def _newest_ms(sim: Simulator) -> int:
    (newest,) = sim.installation.installation.newest.values()
    return newest.at_ms


def contacts(api: Api) -> list[Any]:
    return [record["properties"]["email"] for record in api.get(LIST)["results"]]


def form(response: TestResponse) -> tuple[int, list[tuple[str, str]], str]:
    """Return an answer without what differs from call to call."""
    correlation_id = response.headers["X-HubSpot-Correlation-Id"]
    body = response.text.replace(correlation_id, "<id>")
    if body.startswith("{") and "requestId" in response.json:
        body = body.replace(response.json["requestId"], "<request>")
    headers = [(name, value) for name, value in response.headers if name.lower() not in IDS]
    return response.status_code, headers, body


class TestRefusalsAreHubSpotsOwn:
    """Each is compared with the same refusal made by natural means."""

    @pytest.mark.parametrize("sim", [{}, {"wire": "short"}], indirect=True, ids=["recorded", "short"])
    @pytest.mark.parametrize("path", [LIST, ME])
    @pytest.mark.parametrize("seconds", [0, 60, 119, 120, 7_500])
    def test_expired(self, sim: Simulator, api: Api, path: str, seconds: int) -> None:
        sim.clock.advance(seconds=1800 + seconds)
        natural = api("GET", path)
        sim.inject("EXPIRED_AUTHENTICATION", seconds_ago=seconds)
        injected = api("GET", path)
        assert natural.status_code == 401
        assert "expired" in natural.text
        assert form(injected) == form(natural)

    def test_expired_a_minute_ago_at_an_instant_or_in_other_words(
        self, sim: Simulator, api: Api, assert_refused: AssertAnswer
    ) -> None:
        now_ms = sim.clock.now_ms()
        sim.inject("EXPIRED_AUTHENTICATION")
        assert "expired 60 second(s) ago." in api("GET", LIST).json["message"]
        sim.inject("EXPIRED_AUTHENTICATION", expire_time_ms=now_ms - 7_200_000 - 1)
        sim.inject("EXPIRED_AUTHENTICATION", nth=2, message="Token expired.", expire_time_ms=0)
        first = api("GET", LIST).json
        assert first["message"] == "The OAuth token used to make this call expired 2 hour(s) ago."
        assert first["context"] == {"expire time": ["2023-02-27T19:40:17.517Z"]}
        assert_refused(
            api("GET", LIST),
            401,
            "Token expired.",
            category="EXPIRED_AUTHENTICATION",
            context={"expire time": ["1970-01-01T00:00:00Z"]},
        )

    @pytest.mark.parametrize("sim", [{}, {"wire": "short"}], indirect=True, ids=["recorded", "short"])
    @pytest.mark.parametrize("path", [LIST, ME])
    def test_invalid(self, sim: Simulator, api: Api, as_token: AsToken, path: str) -> None:
        natural = as_token("garbage!")("GET", path)
        sim.inject("INVALID_AUTHENTICATION")
        injected = api("GET", path)
        assert natural.status_code == 401
        assert natural.headers.get("X-HubSpot-Auth-Failure") == injected.headers.get("X-HubSpot-Auth-Failure")
        assert form(injected) == form(natural)

    def test_missing_scopes(self, sim: Simulator, as_token: AsToken, api: Api) -> None:
        poor = as_token(sim.install(sim.add_app(scopes=["oauth"])).access_token)
        natural = poor("GET", LIST)
        scopes = natural.json["errors"][0]["context"]["requiredGranularScopes"]
        sim.inject("MISSING_SCOPES", scopes=scopes)
        assert natural.status_code == 403
        assert form(api("GET", LIST)) == form(natural)
        sim.inject("MISSING_SCOPES")
        assert api("GET", LIST).json["category"] == "MISSING_SCOPES"

    @pytest.mark.parametrize("sim", [{"rate_limits": True, "rate_limit": 1}], indirect=True)
    def test_ten_secondly_rolling(self, sim: Simulator, api: Api) -> None:
        assert api("GET", LIST).status_code == 200
        natural = api("GET", LIST)
        sim.clock.advance(seconds=10)
        sim.inject("TEN_SECONDLY_ROLLING")
        injected = api("GET", LIST)
        assert natural.status_code == 429
        assert [part for part in form(injected)[1] if part[0] != "Date"] == [
            part for part in form(natural)[1] if part[0] != "Date"
        ]
        assert form(injected)[2] == form(natural)[2]
        assert api("GET", LIST).status_code == 200

    @pytest.mark.parametrize("sim", [{"rate_limits": True, "rate_limit_daily": 1}], indirect=True)
    def test_daily(self, sim: Simulator, api: Api, as_token: AsToken) -> None:
        private = as_token(sim.add_private_app().access_token)
        assert private("GET", LIST).status_code == 200
        natural = private("GET", LIST)
        sim.inject("DAILY")
        injected = api("GET", LIST)
        assert (injected.status_code, form(injected)[2]) == (429, form(natural)[2])
        assert injected.json["policyName"] == "DAILY"
        # HubSpot gives the headers of the day to private apps alone
        daily = [name for name, _ in natural.headers if "Daily" in name]
        assert [name for name, _ in natural.headers if name not in daily] == [name for name, _ in injected.headers]

    @pytest.mark.parametrize("name", ["TEN_SECONDLY_ROLLING", "DAILY"])
    @pytest.mark.parametrize("sim", [{"rate_limits": True, "rate_limit_token": 1}], indirect=True)
    def test_the_token_endpoint_has_a_429_of_its_own(self, sim: Simulator, refresh: Ask, name: str) -> None:
        assert refresh().status_code == 200
        natural = refresh()
        sim.clock.advance(seconds=1)
        sim.inject(name, path="/oauth/*/token")
        assert natural.status_code == 429
        assert form(refresh())[2] == form(natural)[2]
        assert refresh().status_code == 200

    def test_locked(self, sim: Simulator, api: Api) -> None:
        sim.lock_portal()
        natural = api("GET", LIST)
        sim.end_condition()
        sim.inject("LOCKED")
        assert natural.status_code == 423
        assert form(api("GET", LIST)) == form(natural)

    def test_migration(self, sim: Simulator, api: Api) -> None:
        sim.migrate_portal(seconds=3600)
        natural = api("GET", LIST)
        sim.end_condition()
        sim.inject("MIGRATION")
        assert natural.status_code == 477
        assert natural.headers["Retry-After"] == "3600"
        assert form(api("GET", LIST)) == form(natural)

    def test_internal_error(self, sim: Simulator, api: Api, assert_refused: AssertAnswer) -> None:
        sim.inject("INTERNAL_ERROR")
        assert_refused(api("GET", LIST), 500, "internal error")

    @pytest.mark.parametrize("name", PAGES)
    def test_the_page_of_a_gateway(self, sim: Simulator, api: Api, name: str) -> None:
        status, phrase = PAGES[name]
        sim.inject(name)
        response = api("GET", LIST)
        assert response.status == f"{status} {phrase}"
        assert response.headers["Content-Type"] == "text/html"
        assert response.headers["Content-Length"] == str(len(response.get_data()))
        assert response.text.startswith(f"<html><head><title>{status} {phrase}</title>")
        assert "Retry-After" not in response.headers

    @pytest.mark.parametrize("sim", [{}, {"token_errors": "legacy"}], indirect=True, ids=["current", "legacy"])
    @pytest.mark.parametrize(
        ("name", "fields"),
        [
            ("BAD_CLIENT_ID", {"client_id": None}),
            ("BAD_CLIENT_SECRET", {"client_secret": None}),
            ("BAD_GRANT_TYPE", {"grant_type": "x"}),
            ("BAD_REFRESH_TOKEN", {"refresh_token": "na1-6f18f21e-a743-4509-b7fd-1a5e632fffa1"}),
        ],
    )
    def test_refusals_of_the_token_endpoint(
        self, sim: Simulator, refresh: Ask, name: str, fields: dict[str, Any]
    ) -> None:
        natural = refresh(**fields)
        sim.inject(name)
        injected = refresh()
        assert natural.json["status"] == name
        assert form(injected) == form(natural)
        assert refresh().status_code == 200

    @pytest.mark.parametrize("name", TOKEN_ERRORS)
    def test_every_name_of_the_token_endpoint(
        self, sim: Simulator, refresh: Ask, assert_token_error: AssertAnswer, name: str
    ) -> None:
        status, message, error = TOKEN_ERRORS[name]
        sim.inject(name)
        assert_token_error(refresh(), name, message, error, status)
        assert last(sim).why == f"injected: {name}: {message}"
        assert (last(sim).status, last(sim).faults) == (status, (name,))


class TestWhatIsCarriedOut:
    @pytest.mark.parametrize("name", API_REFUSALS)
    def test_a_refused_write_is_not(self, sim: Simulator, api: Api, name: str) -> None:
        sim.inject(name)
        response = api("POST", LIST, json=ADA)
        assert response.status_code == API_REFUSALS[name]
        assert (last(sim).status, last(sim).faults) == (API_REFUSALS[name], (name,))
        assert last(sim).why.startswith("injected: ")
        assert last(sim).served
        assert last(sim).response_body == response.get_data()
        assert contacts(api) == []

    @pytest.mark.parametrize("name", API_REFUSALS)
    def test_after_accepting_it_is_and_the_answer_is_the_same(self, sim: Simulator, api: Api, name: str) -> None:
        sim.inject(name)
        plain = form(api("POST", LIST, json=ADA))
        sim.inject(name, after_accepting=True)
        assert form(api("POST", LIST, json=ADA)) == plain
        assert last(sim).faults == (f"{name}:after_accepting",)
        assert last(sim).why.startswith("injected after the call was carried out (201): ")
        assert contacts(api) == ["ada@example.com"]

    def test_after_accepting_a_call_that_is_refused_anyway_is_refused_so(self, sim: Simulator, api: Api) -> None:
        sim.inject("INTERNAL_ERROR", after_accepting=True)
        assert api("POST", LIST, json=[]).status_code == 400
        assert last(sim).faults == ("INTERNAL_ERROR:after_accepting",)

    def test_a_token_that_was_issued_and_then_refused(self, sim: Simulator, refresh: Ask) -> None:
        sim.installation.access_token  # noqa: B018  # it is issued when it is first read
        before = _newest_ms(sim)
        sim.clock.advance(seconds=1)
        sim.inject("BAD_REFRESH_TOKEN")
        assert refresh().status_code == 400
        assert _newest_ms(sim) == before
        sim.inject("BAD_REFRESH_TOKEN", after_accepting=True)
        assert refresh().status_code == 400
        assert _newest_ms(sim) == before + 1000

    def test_it_comes_before_everything_else_that_is_wrong(self, sim: Simulator, client: Client) -> None:
        sim.inject("LOCKED", times=None)
        assert client.get(LIST).status_code == 423
        assert client.post(LIST, data="no JSON").status_code == 423

    @pytest.mark.parametrize("sim", [{"rate_limits": True, "rate_limit": 1}], indirect=True)
    def test_a_refused_call_does_not_count_against_the_limits(self, sim: Simulator, api: Api) -> None:
        sim.inject("INTERNAL_ERROR")
        assert [api("GET", LIST).status_code for _ in range(3)] == [500, 200, 429]

    @pytest.mark.parametrize("name", API_REFUSALS)
    def test_a_head_request_has_the_head_alone(self, sim: Simulator, api: Api, name: str) -> None:
        fault = sim.inject(name, method="HEAD")
        response = api("HEAD", LIST)
        assert response.status_code == API_REFUSALS[name]
        assert response.get_data() == b""
        assert len(fault.hits) == 1

    def test_a_head_request_is_no_get_request(self, sim: Simulator, api: Api) -> None:
        fault = sim.inject("INTERNAL_ERROR", method="GET")
        assert api("HEAD", LIST).status_code == 200
        assert fault.hits == []


class TestConnection:
    """Without a socket a connection that ends is an exception in the server."""

    def test_a_reset_happens_before_the_call_is_carried_out(self, sim: Simulator, api: Api) -> None:
        sim.inject("connection_reset")
        with pytest.raises(ConnectionResetError):
            api("POST", LIST, json=ADA)
        assert (last(sim).status, last(sim).faults) == (0, ("connection_reset",))
        assert last(sim).why == "injected: the connection was reset before the call was carried out"
        assert (last(sim).response_headers, last(sim).response_body) == ([], b"")
        assert json.loads(last(sim).request_body) == ADA
        assert f"POST {LIST} no answer: " in str(last(sim))
        assert contacts(api) == []

    def test_a_lost_answer_after_it(self, sim: Simulator, api: Api) -> None:
        sim.inject("answer_lost")
        with pytest.raises(ConnectionResetError):
            api("POST", LIST, json=ADA)
        assert (last(sim).status, last(sim).faults) == (201, ("answer_lost",))
        assert last(sim).why.endswith("; carried out (201), and the answer was lost")
        assert json.loads(last(sim).response_body)["properties"]["email"] == "ada@example.com"
        assert contacts(api) == ["ada@example.com"]
        assert api("POST", LIST, json=ADA).status_code == 409

    def test_a_truncated_body_ends_in_its_middle(self, sim: Simulator, api: Api) -> None:
        sim.inject("truncated_body")
        response = api("POST", LIST, json=ADA)
        chunks: list[bytes] = []
        with pytest.raises(ConnectionResetError):
            chunks.extend(response.iter_encoded())
        whole = last(sim).response_body
        assert (last(sim).status, last(sim).faults) == (201, ("truncated_body",))
        assert last(sim).why.endswith("; the answer was cut off in the middle of its body")
        assert response.headers["Content-Length"] == str(len(whole))
        assert contacts(api) == ["ada@example.com"]

    @pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("DELETE", 204)])
    def test_an_answer_without_a_body_comes_whole(self, sim: Simulator, api: Api, method: str, status: int) -> None:
        record = api.create("contacts", email="ada@example.com")
        fault = sim.inject("truncated_body", method=method)
        response = api(method, f"{LIST}/{record['id']}")
        assert (response.status_code, response.get_data()) == (status, b"")
        assert last(sim).why.endswith("the answer has no body that could be cut off")
        assert fault.hits == [last(sim)]

    @pytest.mark.parametrize("name", ["connection_reset", "answer_lost"])
    def test_head_requests_end_likewise(self, sim: Simulator, api: Api, name: str) -> None:
        sim.inject(name)
        with pytest.raises(ConnectionResetError):
            api("HEAD", LIST)


class TestAnswers:
    def test_a_member_is_left_out_and_the_others_keep_their_order(self, sim: Simulator, refresh: Ask) -> None:
        whole = refresh()
        sim.inject("without_members", members=["refresh_token", "expires_in"])
        response = refresh()
        expected = [name for name in whole.json if name not in ("refresh_token", "expires_in")]
        assert list(response.json) == expected
        assert response.text == json.dumps(response.json, separators=(",", ":"))
        assert response.headers["Content-Length"] == str(len(response.get_data()))
        assert [name for name, _ in response.headers] == [name for name, _ in whole.headers]
        assert last(sim).why.endswith("; answered without refresh_token, expires_in")
        assert list(refresh().json) == list(whole.json)

    def test_a_member_of_any_answer(self, sim: Simulator, api: Api) -> None:
        api.create("contacts", email="ada@example.com")
        sim.inject("without_members", members=["results"], path=LIST)
        assert "results" not in api.get(LIST)

    @pytest.mark.parametrize("name", ["old_token", "without_members"])
    def test_an_error_has_no_token_to_replace_and_no_member_to_leave_out(
        self, sim: Simulator, refresh: Ask, name: str
    ) -> None:
        plain = form(refresh(refresh_token="na1-6f18f21e-a743-4509-b7fd-1a5e632fffa1"))
        options = {"members": ["refresh_token", "expires_in"]} if name == "without_members" else {}
        sim.inject(name, **options)
        assert form(refresh(refresh_token="na1-6f18f21e-a743-4509-b7fd-1a5e632fffa1")) == plain
        assert last(sim).faults == (name,)

    @pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("DELETE", 204)])
    def test_an_answer_that_is_no_json_stays_as_it_is(self, sim: Simulator, api: Api, method: str, status: int) -> None:
        record = api.create("contacts", email="ada@example.com")
        sim.inject("without_members", members=["id", "results"], path=f"{LIST}/*")
        response = api(method, f"{LIST}/{record['id']}")
        assert (response.status_code, response.get_data()) == (status, b"")
        assert last(sim).why.endswith("; the answer has no id and no results that could be left out")

    def test_a_page_stays_as_it_is(self, sim: Simulator, refresh: Ask) -> None:
        sim.inject("BAD_GATEWAY", path=TOKEN, times=2)
        plain = form(refresh())
        sim.inject("without_members", members=["refresh_token"])
        assert form(refresh()) == plain

    @pytest.mark.parametrize("sim", [{"wire": "short"}], indirect=True)
    def test_spaces_are_kept_where_nothing_is_left_out(self, sim: Simulator, api: Api) -> None:
        sim.inject("EXPIRED_AUTHENTICATION", times=2)
        plain = form(api("GET", LIST))
        sim.inject("without_members", members=["results"], path=LIST)
        assert form(api("GET", LIST)) == plain

    @pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/v3/token"])
    def test_the_old_token_again(self, sim: Simulator, api: Api, refresh: Ask, path: str) -> None:
        api.get(LIST)
        sim.clock.advance(minutes=31)
        sim.inject("old_token")
        response = refresh(path)
        assert response.json["access_token"] == api.access_token
        assert response.json["expires_in"] == 1800
        assert response.headers["Content-Length"] == str(len(response.get_data()))
        assert last(sim).why.endswith("; answered with the token that was used before")
        assert api("GET", LIST).status_code == 401
        assert refresh(path).json["access_token"] != api.access_token

    def test_the_old_token_is_the_last_one_that_was_used(
        self, sim: Simulator, api: Api, as_token: AsToken, refresh: Ask
    ) -> None:
        api.get(LIST)
        second = refresh().json["access_token"]
        as_token(second).get(LIST)
        sim.inject("old_token")
        assert refresh().json["access_token"] == second

    def test_the_old_token_is_never_that_of_another_account(
        self, sim: Simulator, as_token: AsToken, api: Api, refresh: Ask
    ) -> None:
        api.get(LIST)
        as_token(sim.install(portal=sim.add_portal()).access_token).get(LIST)
        as_token(sim.install(sim.add_app()).access_token).get(LIST)
        as_token("garbage")("GET", LIST)
        sim.inject("old_token")
        assert refresh().json["access_token"] == api.access_token

    def test_other_calls_may_come_while_it_is_looked_for(self, sim: Simulator, api: Api, refresh: Ask) -> None:
        class Coming:
            bearer = True

            @property
            def access_token(self) -> str:
                sim.store.exchanges.append(self)  # as another thread does
                return "garbage"

        api.get(LIST)
        sim.store.exchanges.append(Coming())
        sim.inject("old_token")
        assert refresh().json["access_token"] == api.access_token

    def test_without_an_old_token_the_new_one_is_given(self, sim: Simulator, refresh: Ask, as_token: AsToken) -> None:
        sim.inject("old_token")
        token = refresh().json["access_token"]
        assert last(sim).why.endswith("; no other token of this account was used before: answered with the new one")
        assert as_token(token)("GET", LIST).status_code == 200


class TestTime:
    def test_a_delay_passes_on_the_clock_after_the_call_was_carried_out(self, sim: Simulator, api: Api) -> None:
        start = sim.clock.now
        sim.clock.advance(seconds=1795)
        sim.inject("delay", seconds=12)
        response = api("GET", LIST)
        assert response.status_code == 200
        assert sim.clock.now - start == timedelta(seconds=1807)
        assert last(sim).at_ms == sim.clock.now_ms() - 12_000
        assert last(sim).why.endswith("; the answer took 12 s")
        assert api("GET", LIST).status_code == 401

    def test_a_delay_that_is_waited_for_leaves_the_clock_alone(self, sim: Simulator, api: Api) -> None:
        before = sim.clock.now_ms()
        sim.inject("delay", real_seconds=0.01)
        assert api("GET", LIST).status_code == 200
        assert sim.clock.now_ms() == before
        assert last(sim).why.endswith("; the answer took 0.01 s")

    @pytest.mark.parametrize("minutes", [5, -5])
    def test_clock_skew_moves_the_clock_when_the_call_comes(self, sim: Simulator, api: Api, minutes: int) -> None:
        before = sim.clock.now
        sim.clock.advance(minutes=26)
        sim.inject("clock_skew", minutes=minutes)
        assert api("GET", LIST).status_code == (401 if minutes > 0 else 200)
        assert sim.clock.now - before == timedelta(minutes=26 + minutes)
        assert last(sim).at_ms == sim.clock.now_ms()
        assert "HubSpot's clock moved by " in last(sim).why
        assert last(sim).faults == ("clock_skew",)

    def test_expiry_comes_after_the_answer(self, sim: Simulator, api: Api) -> None:
        expires_at_ms = parse(api.access_token).expires_at_ms
        sim.inject("expiry")
        assert api("GET", LIST).status_code == 200
        assert sim.clock.now_ms() == expires_at_ms + 1000
        assert last(sim).why.endswith("; then HubSpot's clock moved by 0:30:01")
        response = api("GET", LIST)
        assert (response.status_code, response.json["category"]) == (401, "EXPIRED_AUTHENTICATION")

    def test_in_flight_it_comes_before(self, sim: Simulator, api: Api) -> None:
        expires_at_ms = parse(api.access_token).expires_at_ms
        sim.inject("in_flight")
        response = api("POST", LIST, json=ADA)
        assert response.status_code == 401
        assert response.json["message"] == "The OAuth token used to make this call expired 0 second(s) ago."
        assert sim.clock.now_ms() == expires_at_ms + 99
        assert last(sim).at_ms == expires_at_ms + 99
        assert "on its way HubSpot's clock moved by 0:30:00.099000" in last(sim).why

    @pytest.mark.parametrize("name", ["expiry", "in_flight"])
    def test_every_token_is_past_its_expiry_then(self, sim: Simulator, api: Api, as_token: AsToken, name: str) -> None:
        sim.clock.advance(minutes=10)
        later = as_token(sim.install(portal=sim.add_portal()).access_token)
        sim.inject(name)
        api("GET", LIST)
        assert [one("GET", LIST).status_code for one in (api, later)] == [401, 401]
        assert sim.clock.now_ms() - parse(later.access_token).expires_at_ms == (1000 if name == "expiry" else 99)

    @pytest.mark.parametrize("name", ["expiry", "in_flight"])
    def test_without_a_living_token_time_stands(
        self, sim: Simulator, client: Client, as_token: AsToken, name: str
    ) -> None:
        sim.inject(name, times=None)
        before = sim.clock.now_ms()
        assert client.get(LIST).status_code == 401
        assert sim.clock.now_ms() == before
        private = as_token(sim.add_private_app().access_token)
        assert private("GET", LIST).status_code == 200
        assert sim.clock.now_ms() == before

    def test_the_move_goes_through_move_time(self, build: Build) -> None:
        sim = build()
        moved: list[timedelta] = []
        sim.move_time = moved.append  # type: ignore[method-assign, assignment]
        sim.reset()  # the services are made anew, with the method as it is now
        assert sim.installation.access_token
        headers = {"Authorization": f"Bearer {sim.installation.access_token}"}
        sim.inject("expiry")
        sim.inject("delay", seconds=12, nth=2)
        client = Client(Application(sim))
        assert [client.get(LIST, headers=headers).status_code for _ in range(2)] == [200, 200]
        assert moved == [timedelta(minutes=30, seconds=1), timedelta(seconds=12)]


class TestTheTokenDies:
    @pytest.fixture
    def described(
        self, sim: Simulator, client: Client, ask: Ask, api: Api
    ) -> Callable[..., tuple[TestResponse, TestResponse]]:
        """Ask what HubSpot tells of the token: metadata, and introspection."""

        def described() -> tuple[TestResponse, TestResponse]:
            metadata = client.get(f"{METADATA}/{api.access_token}")
            return metadata, ask("/oauth/v3/token/introspect", token=api.access_token)

        return described

    def test_it_expires_at_hubspot_alone(
        self,
        sim: Simulator,
        api: Api,
        as_token: AsToken,
        refresh: Ask,
        described: Callable[..., tuple[TestResponse, TestResponse]],
        assert_refused: AssertAnswer,
    ) -> None:
        sim.clock.advance(minutes=10)
        before = sim.clock.now_ms()
        sim.inject("server_only")
        assert_refused(
            api("GET", LIST),
            401,
            "The OAuth token used to make this call expired 0 second(s) ago.",
            category="EXPIRED_AUTHENTICATION",
            context={"expire time": ["2023-02-27T21:50:17.518Z"]},
        )
        assert "injected: its token expires early" in last(sim).why
        assert sim.clock.now_ms() == before
        sim.clock.advance(seconds=90)
        again = api("GET", LIST).json
        assert again["message"] == "The OAuth token used to make this call expired 90 second(s) ago."
        assert again["context"] == {"expire time": ["2023-02-27T21:50:17.518Z"]}
        metadata, introspection = described()
        assert metadata.status_code == 401
        assert introspection.json == {"active": False}
        assert as_token(refresh().json["access_token"])("GET", LIST).status_code == 200

    def test_a_token_that_had_expired_keeps_its_own_expiry(self, sim: Simulator, api: Api) -> None:
        sim.clock.advance(minutes=35)
        plain = form(api("GET", LIST))
        sim.inject("server_only", times=None)
        assert form(api("GET", LIST)) == plain
        assert last(sim).why.endswith("; injected: its token was to expire early, and had expired before")

    def test_hit_again_it_keeps_its_early_expiry(self, sim: Simulator, api: Api) -> None:
        sim.inject("server_only", times=2)
        api("GET", LIST)
        sim.clock.advance(minutes=5)
        assert "expired 5 minute(s) ago" in api("GET", LIST).json["message"]

    def test_it_is_revoked(
        self,
        sim: Simulator,
        api: Api,
        as_token: AsToken,
        refresh: Ask,
        described: Callable[..., tuple[TestResponse, TestResponse]],
    ) -> None:
        natural = form(as_token("garbage!")("GET", LIST))
        sim.inject("revoked")
        assert form(api("GET", LIST)) == natural
        assert "was revoked" in last(sim).why
        assert last(sim).why.endswith("; injected: its token is revoked")
        assert api("GET", LIST).status_code == 401
        metadata, introspection = described()
        assert metadata.status_code == 401
        assert introspection.json == {"active": False}
        assert as_token(refresh().json["access_token"])("GET", LIST).status_code == 200

    @pytest.mark.parametrize("order", [("server_only", "revoked"), ("revoked", "server_only")])
    def test_revoked_and_expired_it_is_expired(self, sim: Simulator, api: Api, order: tuple[str, str]) -> None:
        for name in order:
            sim.inject(name)
        assert api("GET", LIST).json["category"] == "EXPIRED_AUTHENTICATION"
        assert last(sim).faults == order

    @pytest.mark.parametrize("name", ["server_only", "revoked"])
    @pytest.mark.parametrize("path", [LIST, ME])
    def test_one_that_is_no_token_is_refused_as_it_is(
        self, sim: Simulator, as_token: AsToken, name: str, path: str
    ) -> None:
        plain = form(as_token("garbage!")("GET", path))
        sim.inject(name)
        assert form(as_token("garbage!")("GET", path)) == plain
        assert "injected" not in last(sim).why

    @pytest.mark.parametrize("name", ["server_only", "revoked"])
    def test_other_tokens_live_on(self, sim: Simulator, api: Api, as_token: AsToken, refresh: Ask, name: str) -> None:
        other = as_token(refresh().json["access_token"])
        sim.inject(name)
        assert [one("GET", LIST).status_code for one in (api, other)] == [401, 200]

    @pytest.mark.parametrize("name", ["server_only", "revoked", "in_flight", "expiry"])
    def test_a_private_apps_token_has_no_expiry(self, sim: Simulator, as_token: AsToken, name: str) -> None:
        private = as_token(sim.add_private_app().access_token)
        sim.inject(name)
        assert private("GET", LIST).status_code == 200

    def test_one_without_an_expiry_stays_so(self, sim: Simulator, as_token: AsToken) -> None:
        text = issue(AccessToken(expires_at_ms=None, nonce=b"n" * 20), b"key")
        plain = form(as_token(text)("GET", LIST))
        sim.inject("server_only")
        assert form(as_token(text)("GET", LIST)) == plain
        assert "1970" in plain[2]


class TestHeldAnswers:
    def test_it_is_bounded(self, sim: Simulator, api: Api) -> None:
        sim.inject("held_answer", real_seconds=0.02)
        assert api("GET", LIST).status_code == 200
        assert last(sim).why.endswith("; the answer was held back for 0.02 s; no call of /oauth/*/token was answered")

    def test_not_at_all(self, sim: Simulator, api: Api) -> None:
        sim.inject("held_answer", real_seconds=0)
        assert api("GET", LIST).status_code == 200

    @pytest.mark.parametrize("until", ["/oauth/*/token", "/oauth/{oauth_version}/token", TOKEN])
    def test_it_comes_once_the_other_call_was_answered(
        self, sim: Simulator, api: Api, refresh: Ask, until: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refresh()  # one that was answered before does not count
        waits = threading.Event()
        [sleep] = behaviours._SLEEP

        def wait(seconds: float) -> None:
            waits.set()
            sleep(seconds)

        monkeypatch.setattr(behaviours, "_SLEEP", [wait])
        sim.inject("held_answer", until=until, real_seconds=60)
        statuses = []
        thread = threading.Thread(target=lambda: statuses.append(api("GET", LIST).status_code))
        thread.start()
        assert waits.wait(30)
        assert statuses == []
        assert refresh().status_code == 200
        thread.join(30)
        assert statuses == [200]
        token_call, held = sim.journal.exchanges[-2:]
        assert (token_call.path, held.path) == (TOKEN, LIST)
        assert held.why.endswith(f"; the answer was held back until {until} was answered")
        assert held.after < token_call.number < held.number


class TestSeveralOnOneCall:
    def test_the_first_refusal_is_the_answer_and_all_have_hit(self, sim: Simulator, api: Api) -> None:
        faults = [sim.inject("LOCKED"), sim.inject("INTERNAL_ERROR")]
        assert api("GET", LIST).status_code == 423
        assert last(sim).faults == ("LOCKED", "INTERNAL_ERROR")
        assert [fault.hits for fault in faults] == [[last(sim)], [last(sim)]]
        assert api("GET", LIST).status_code == 200

    @pytest.mark.parametrize("order", [("LOCKED", "clock_skew"), ("clock_skew", "LOCKED")])
    def test_what_moves_time_does_so_beside_a_refusal(self, sim: Simulator, api: Api, order: tuple[str, str]) -> None:
        before = sim.clock.now_ms()
        for name in order:
            sim.inject(name, **({"minutes": 5} if name == "clock_skew" else {}))
        response = api("GET", LIST)
        assert response.status_code == 423
        assert sim.clock.now_ms() == last(sim).at_ms == before + 300_000
        assert response.headers["Date"] == "Mon, 27 Feb 2023 21:45:17 GMT"

    def test_a_token_is_revoked_by_a_call_that_gets_no_answer(self, sim: Simulator, api: Api) -> None:
        sim.inject("connection_reset")
        sim.inject("revoked")
        with pytest.raises(ConnectionResetError):
            api("GET", LIST)
        assert api("GET", LIST).status_code == 401

    def test_a_refusal_and_then_the_token_expires(self, sim: Simulator, api: Api) -> None:
        sim.inject("INTERNAL_ERROR")
        sim.inject("expiry")
        assert [api("GET", LIST).status_code for _ in range(2)] == [500, 401]

    def test_a_late_answer_that_is_lost(self, sim: Simulator, api: Api) -> None:
        before = sim.clock.now_ms()
        sim.inject("delay", seconds=30)
        sim.inject("answer_lost")
        with pytest.raises(ConnectionResetError):
            api("POST", LIST, json=ADA)
        assert sim.clock.now_ms() == before + 30_000
        assert last(sim).why.endswith("; the answer took 30 s; carried out (201), and the answer was lost")

    def test_a_body_without_a_member_that_is_cut(self, sim: Simulator, refresh: Ask) -> None:
        sim.inject("truncated_body", path=TOKEN)
        sim.inject("without_members", members=["refresh_token"])
        response = refresh()
        with pytest.raises(ConnectionResetError):
            list(response.iter_encoded())
        assert "refresh_token" not in json.loads(last(sim).response_body)


def test_no_secret_is_in_what_people_read(sim: Simulator, api: Api, refresh: Ask) -> None:
    for name in ("server_only", "revoked", "expiry", "in_flight", "answer_lost"):
        sim.inject(name, nth=2 if name == "answer_lost" else None)
    sim.inject("old_token")
    api("GET", LIST)
    refresh()
    shown = repr([sim.journal.exchanges, sim.store.faults])
    for secret in (api.access_token, sim.installation.refresh_token, sim.app.client_secret):
        assert secret not in shown
