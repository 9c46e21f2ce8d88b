"""The end of OAuth v1 on 2027-02-16, and what its token metadata answers of a token that is no good."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from hubspot_simulator import Simulator

if TYPE_CHECKING:
    from tests.wire.conftest import Api, Ask, AssertAnswer


LIST = "/crm/v3/objects/contacts"
MESSAGE = "The v1 OAuth API was turned off on 2027-02-16."
END = datetime(2027, 2, 16, tzinfo=timezone.utc)
V1 = [
    ("POST", "/oauth/v1/token"),
    ("GET", "/oauth/v1/access-tokens/x"),
    ("GET", "/oauth/v1/refresh-tokens/x"),
    ("DELETE", "/oauth/v1/refresh-tokens/x"),
]
NEWER = ["/oauth/v3/token", "/oauth/2026-03/token", "/oauth/2026-09/token"]


@pytest.mark.parametrize("sim", [{"v1_sunset": "now"}], indirect=True)
class TestNow:
    @pytest.mark.parametrize(("method", "path"), V1)
    def test_every_v1_endpoint_is_gone(
        self, client: Client, assert_refused: AssertAnswer, method: str, path: str
    ) -> None:
        assert_refused(client.open(path, method=method), 410, MESSAGE)

    def test_whatever_is_sent(self, sim: Simulator, client: Client, refresh: Ask, assert_refused: AssertAnswer) -> None:
        assert_refused(refresh("/oauth/v1/token"), 410, MESSAGE)
        assert_refused(client.post("/oauth/v1/token", json={}), 410, MESSAGE)
        assert_refused(client.get(f"/oauth/v1/access-tokens/{sim.installation.access_token}"), 410, MESSAGE)

    def test_a_refused_deletion_deletes_nothing(self, sim: Simulator, client: Client, refresh: Ask) -> None:
        client.delete(f"/oauth/v1/refresh-tokens/{sim.installation.refresh_token}")
        assert refresh().status_code == 200

    @pytest.mark.parametrize("path", NEWER)
    def test_the_newer_generations_go_on(self, refresh: Ask, exchange: Ask, path: str) -> None:
        assert refresh(path).status_code == exchange(path).status_code == 200

    def test_private_apps_and_legacy_paths_go_on(self, sim: Simulator, client: Client, api: Api) -> None:
        key = {"tokenKey": sim.add_private_app().access_token}
        assert client.post("/oauth/v2/private-apps/get/access-token-info", json=key).status_code == 200
        assert api("GET", "/integrations/v1/me").status_code == 200


@pytest.mark.parametrize("sim", [{"v1_sunset": "clock"}], indirect=True)
def test_by_the_clock_it_ends_to_the_millisecond(sim: Simulator, refresh: Ask, assert_refused: AssertAnswer) -> None:
    sim.clock.advance_to(END)
    sim.clock.advance(milliseconds=-1)
    assert refresh("/oauth/v1/token").status_code == 200
    sim.clock.advance(milliseconds=1)
    assert_refused(refresh("/oauth/v1/token"), 410, MESSAGE)
    assert refresh("/oauth/v3/token").status_code == 200


@pytest.mark.parametrize("sim", [{}, {"v1_sunset": "never"}], indirect=True)
def test_by_default_it_never_ends(sim: Simulator, refresh: Ask) -> None:
    sim.clock.advance_to(END)
    sim.clock.advance(days=1000)
    assert refresh("/oauth/v1/token").status_code == 200


@pytest.mark.parametrize(
    ("sim", "message"),
    [({"metadata_error": 404}, "resource not found"), ({"metadata_error": 400}, "Bad request")],
    indirect=["sim"],
)
def test_the_metadata_of_a_token_that_is_no_good_can_be_set(
    sim: Simulator, client: Client, assert_refused: AssertAnswer, message: str
) -> None:
    status = sim.settings.metadata_error
    token = sim.installation.access_token
    assert_refused(client.get("/oauth/v1/access-tokens/garbage"), status, message)
    assert client.get(f"/oauth/v1/access-tokens/{token}").status_code == 200
    sim.clock.advance(minutes=30)
    assert_refused(client.get(f"/oauth/v1/access-tokens/{token}"), status, message)


@pytest.mark.parametrize("sim", [{"bearer_case": "exact"}], indirect=True)
@pytest.mark.parametrize(("scheme", "status"), [("Bearer", 200), ("bearer", 401), ("BEARER", 401), ("Bearer ", 200)])
def test_the_case_of_bearer_can_be_enforced(sim: Simulator, client: Client, scheme: str, status: int) -> None:
    headers = {"Authorization": f"{scheme} {sim.installation.access_token}"}
    response = client.get(LIST, headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.headers["Content-Length"] == "299"
