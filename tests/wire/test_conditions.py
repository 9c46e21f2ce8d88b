"""What can be the matter with a whole account: 477, 423 and 488."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from hubspot_simulator import Simulator

if TYPE_CHECKING:
    from tests.wire.conftest import Api, Ask, AssertAnswer, AsToken


LIST = "/crm/v3/objects/contacts"
CALLS = [
    ("GET", LIST),
    ("POST", LIST),
    ("DELETE", f"{LIST}/1"),
    ("GET", "/crm/objects/2026-09/tickets/1"),
    ("GET", "/integrations/v1/me"),
    ("DELETE", "/appinstalls/v3/external-install"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
class TestEveryCall:
    def test_a_migration_is_477_with_retry_after(
        self, sim: Simulator, api: Api, assert_refused: AssertAnswer, method: str, path: str
    ) -> None:
        sim.migrate_portal()
        response = api(method, path)
        assert_refused(response, 477, "Migration in Progress")
        assert response.headers["Retry-After"] == "86400"

    def test_a_lock_is_423(
        self, sim: Simulator, api: Api, assert_refused: AssertAnswer, method: str, path: str
    ) -> None:
        sim.lock_portal()
        response = api(method, path)
        assert_refused(response, 423, "Locked")
        assert "Retry-After" not in response.headers

    def test_a_wrong_region_is_488(
        self, sim: Simulator, api: Api, assert_refused: AssertAnswer, method: str, path: str
    ) -> None:
        sim.wrong_region()
        message = f"Hub {sim.portal.hub_id} is unknown to this Hublet, but it appears to exist in Hublet eu1"
        assert_refused(api(method, path), 488, message, correctHublet="eu1")


@pytest.mark.parametrize(
    ("after_ms", "retry_after"),
    [(0, "3600"), (1, "3600"), (1_000, "3599"), (1_001, "3599"), (3_599_000, "1"), (3_599_999, "1"), (3_600_000, None)],
)
def test_retry_after_counts_down_on_the_simulators_clock(
    sim: Simulator, api: Api, after_ms: int, retry_after: str | None
) -> None:
    sim.migrate_portal(seconds=3600)
    sim.clock.advance(milliseconds=after_ms)
    sim.oauth.issue_access_token(sim.store.refresh_tokens[sim.installation.refresh_token])
    api.access_token = sim.install().access_token
    response = api("GET", LIST)
    assert (response.status_code, response.headers.get("Retry-After")) == (477 if retry_after else 200, retry_after)


@pytest.mark.parametrize(("after_ms", "status"), [(0, 423), (1_999, 423), (2_000, 200)])
def test_a_lock_lasts_two_seconds(sim: Simulator, api: Api, after_ms: int, status: int) -> None:
    sim.lock_portal()
    sim.clock.advance(milliseconds=after_ms)
    assert api("GET", LIST).status_code == status


def test_a_wrong_region_lasts_until_it_is_cleared(sim: Simulator, api: Api) -> None:
    sim.wrong_region(correct_hublet="na2")
    assert api("GET", LIST).json["correctHublet"] == "na2"
    sim.clock.advance(minutes=29)
    assert api("GET", LIST).status_code == 488
    sim.end_condition()
    assert api("GET", LIST).status_code == 200


@pytest.mark.parametrize("condition", ["migrate_portal", "lock_portal", "wrong_region"])
class TestScope:
    def test_clearing_ends_it(self, sim: Simulator, api: Api, condition: str) -> None:
        getattr(sim, condition)()
        sim.end_condition()
        assert api("GET", LIST).status_code == 200

    def test_other_accounts_are_not_affected(self, sim: Simulator, as_token: AsToken, condition: str) -> None:
        there = sim.install(portal=sim.add_portal())
        getattr(sim, condition)()
        assert as_token(there.access_token)("GET", LIST).status_code == 200
        getattr(sim, condition)(there.portal)
        assert as_token(there.access_token)("GET", LIST).status_code >= 400

    def test_it_holds_for_private_apps(self, sim: Simulator, as_token: AsToken, condition: str) -> None:
        getattr(sim, condition)()
        assert as_token(sim.add_private_app().access_token)("GET", LIST).status_code in (477, 423, 488)

    def test_the_oauth_endpoints_go_on(
        self, sim: Simulator, refresh: Ask, exchange: Ask, client: Client, condition: str
    ) -> None:
        getattr(sim, condition)()
        token = refresh().json["access_token"]
        assert exchange().status_code == 200
        assert client.get(f"/oauth/v1/access-tokens/{token}").status_code == 200

    def test_credentials_are_looked_at_first(self, sim: Simulator, client: Client, api: Api, condition: str) -> None:
        assert api.access_token
        getattr(sim, condition)()
        assert client.get(LIST).status_code == 401
        sim.clock.advance(minutes=30)
        getattr(sim, condition)()
        assert api("GET", LIST).status_code == 401

    def test_it_comes_before_the_scopes(self, sim: Simulator, as_token: AsToken, condition: str) -> None:
        app = sim.add_app(scopes=["oauth"])
        getattr(sim, condition)()
        assert as_token(sim.install(app).access_token)("GET", LIST).status_code != 403


def test_the_last_condition_counts(sim: Simulator, api: Api) -> None:
    sim.migrate_portal()
    sim.lock_portal()
    assert api("GET", LIST).status_code == 423
    sim.clock.advance(seconds=2)
    assert api("GET", LIST).status_code == 200
