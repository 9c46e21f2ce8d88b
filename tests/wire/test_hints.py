"""What is said about calls that are not served, and faults that could hit none: issue A13."""

from __future__ import annotations

from http.client import HTTPConnection

import pytest

from hubspot_simulator import Simulator, SimulatorServer
from hubspot_simulator.core.endpoints import is_reachable
from hubspot_simulator.http.routes import ROUTES


def test_a_fault_can_hit_every_route_of_hubspots() -> None:
    for route in ROUTES:
        assert is_reachable(route.method, route.template) != route.template.startswith("/_simulator/")
        assert is_reachable(route.method, None) or not route.bearer


@pytest.mark.parametrize("action", ["search", "merge", "gdpr-delete"])
@pytest.mark.parametrize("prefix", ["/crm/v3/objects", "/crm/objects/v3", "/crm/objects/2026-03"])
def test_what_hubspot_has_beside_the_objects_is_not_read_as_an_id(sim, api, action: str, prefix: str) -> None:
    assert api("POST", f"{prefix}/contacts/{action}", json={}).status_code == 404
    (exchange,) = sim.journal.unserved
    assert "does not serve POST" in exchange.why
    assert f"/{{type}}/{action}, which HubSpot does" in exchange.why


def test_a_word_where_an_id_stands(sim, api) -> None:
    assert api("POST", "/crm/v3/objects/contacts/everything").status_code == 405
    assert sim.journal.exchanges[-1].why == (
        "the simulator serves this path with DELETE, GET, PATCH only ('everything' stands where it reads an id)"
    )
    assert api("POST", "/crm/v3/objects/contacts/51").status_code == 405
    assert sim.journal.exchanges[-1].why == "the simulator serves this path with DELETE, GET, PATCH only"


@pytest.mark.parametrize(
    ("method", "path", "near"),
    [
        ("GET", "/crm/v3/objcts/contacts", "GET /crm/v3/objects/{type}"),
        ("POST", "/crm/v3/object/contacts", "POST /crm/v3/objects/{type}"),
        ("GET", "/crm/v3/contacts", "GET /crm/v3/objects/{type}"),
        ("GET", "/crm/v4/objects/contacts", "GET /crm/v3/objects/{type}"),
        ("GET", "/oauth/v1/tokens", "POST /oauth/v1/token"),
        ("POST", "/oauth/v2/token", "POST /oauth/v1/token"),
        ("GET", "/crm/v3/owners", ""),
        ("GET", "/crm/v3/owners/12", ""),
        ("POST", "/crm/v3/objects/contacts/batch/read", ""),
        ("GET", "/crm/v3/objects/contacts/1/associations/deals", ""),
        ("GET", "/crm/v3/properties/contacts", ""),
        ("GET", "/crm/v3/pipelines/deals", ""),
        ("GET", "/contacts/v1/lists/all/contacts/all", ""),
        ("GET", "/files/v3/files", ""),
        ("GET", "/automation/v4/flows", ""),
        ("GET", "/", ""),
    ],
)
def test_the_nearest_is_one_that_may_have_been_meant(sim, api, method: str, path: str, near: str) -> None:
    assert api(method, path).status_code == 404
    hint = f"the nearest that it serves is {near}" if near else "nothing that it serves comes near"
    assert sim.journal.exchanges[-1].why == f"the simulator does not serve this path; {hint}"


@pytest.mark.parametrize(
    "path", ["//crm/v3/objects/contacts", "///crm/v3/objects/contacts?limit=1", "/crm/v3//objects/contacts"]
)
def test_doubled_slashes_are_in_the_journal_and_explained(path: str) -> None:
    """A base URL that ends with a slash: the server library took //crm for a host, and no request was seen."""
    with SimulatorServer(Simulator()) as server:
        simulator = server.simulator
        connection = HTTPConnection(server.host, server.port, timeout=10)
        connection.request("GET", path, headers={"Authorization": f"Bearer {simulator.installation.access_token}"})
        assert connection.getresponse().status == 404
        connection.close()
    (exchange,) = simulator.journal.unserved
    assert exchange.path == path.partition("?")[0]
    assert exchange.why == (
        "the simulator does not serve a path with //, as of a base URL that ends with a slash; "
        "the nearest that it serves is GET /crm/v3/objects/{type}"
    )


class TestAFaultThatCouldHitNothing:
    @pytest.mark.parametrize(
        ("path", "hint"),
        [
            ("*/contcts", "did you mean */contacts?"),
            ("/crm/v3/objcts/contacts", "did you mean /crm/v3/objects/contacts?"),
            ("/crm/v3/objects/contcts", "did you mean /crm/v3/objects/contacts?"),
            ("/crm/v3/objects/{objectType}", "did you mean /crm/v3/objects/{type}?"),
            ("/oauth/*/tokn", "did you mean /oauth/*/token?"),
            ("/CRM/v3/objects/contacts", "did you mean /crm/v3/objects/contacts?"),
            ("/crm/v3/owners", "nothing that it serves comes near"),
            ("/crm/v3/objects/contacts/search", "nothing that it serves comes near"),
            ("/crm/v3/objects/products", "nothing that it serves comes near"),
            ("*search*", "nothing that it serves comes near"),
            ("/_simulator/health", "a fault hits calls of HubSpot's API"),
            ("/_simulator/*", "a fault hits calls of HubSpot's API"),
        ],
    )
    def test_the_path(self, sim, path: str, hint: str) -> None:
        with pytest.raises(ValueError, match="path=") as caught:
            sim.inject("LOCKED", path=path)
        assert hint in str(caught.value)

    @pytest.mark.parametrize(
        ("options", "methods"),
        [
            ({"method": "PUT"}, "authenticated calls with DELETE, GET, PATCH, POST only"),
            ({"method": "PUT", "path": "/crm/v3/objects/contacts"}, "/crm/v3/objects/contacts with GET, POST only"),
            ({"method": "GET", "path": "/oauth/*/token"}, "/oauth/*/token with POST only"),
            ({"method": "FETCH", "path": "*"}, "* with DELETE, GET, PATCH, POST only"),
        ],
    )
    def test_the_method(self, sim, options: dict[str, str], methods: str) -> None:
        with pytest.raises(ValueError, match="method=") as caught:
            sim.inject("LOCKED", **options)
        assert methods in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "path", "calls"),
        [
            ("old_token", "/crm/v3/objects/contacts", "/oauth/*/token"),
            ("old_token", "/oauth/authorize", "/oauth/*/token"),
            ("server_only", "/oauth/v1/token", "authenticated calls"),
            ("revoked", "/oauth/v1/access-tokens/*", "authenticated calls"),
        ],
    )
    def test_a_path_where_it_can_do_nothing(self, sim, name: str, path: str, calls: str) -> None:
        with pytest.raises(ValueError, match="can do nothing there") as caught:
            sim.inject(name, path=path)
        assert str(caught.value).endswith(f"it is for {calls}")

    @pytest.mark.parametrize(
        ("name", "path"),
        [("old_token", "*"), ("old_token", "/oauth/v3/token"), ("server_only", "*"), ("revoked", "/crm/*/contacts")],
    )
    def test_a_path_where_it_can(self, sim, name: str, path: str) -> None:
        sim.inject(name, path=path)

    def test_a_token_fault_with_another_method(self, sim) -> None:
        with pytest.raises(ValueError, match="with POST only"):
            sim.inject("BAD_REFRESH_TOKEN", method="GET")

    @pytest.mark.parametrize(
        "path",
        [
            "*",
            "/*",
            "*/contacts",
            "*contacts*",
            "/oauth/*/token",
            "/oauth/v3/token",
            "/oauth/{oauth_version}/token",
            "/crm/v3/objects/{type}",
            "/crm/v3/objects/{type}/{id}",
            "/crm/v3/objects/contacts/",
            "/crm/v3/objects/Contacts",
            "/crm/v3/objects/0-1",
            "/crm/v3/objects/contacts/123",
            "/crm/v3/objects/contacts/ada@example.com",
            "*/123",
            "*@example.com",
            "/crm/*/contacts/51*",
            "/oauth/1234567/authorize",
            "/oauth/v1/access-tokens/*",
            "/crm/objects/2026-03/*",
        ],
    )
    def test_what_can_be_hit_is_taken(self, sim, path: str) -> None:
        sim.inject("LOCKED", path=path)

    def test_the_control_api_says_it(self, client) -> None:
        answer = client.post("/_simulator/faults", json={"name": "LOCKED", "path": "*/contcts"})
        assert answer.status_code == 400
        assert answer.json
        assert "did you mean */contacts?" in answer.json["message"]
