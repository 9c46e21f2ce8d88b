"""Which paths and object types are served, and what the others get."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from hubspot_simulator import Simulator

if TYPE_CHECKING:
    from tests.wire.conftest import Api, ApiOf, AssertAnswer, Build


PREFIXES = [
    "/crm/v3/objects",
    "/crm/objects/v3",
    "/crm/objects/2025-09",
    "/crm/objects/2026-03",
    "/crm/objects/2026-09",
    "/crm/objects/2026-09-beta",
    "/crm/objects/2027-03-beta",
]
SPELLINGS = {
    "contacts": ["contacts", "contact", "0-1", "CONTACT", "Contacts"],
    "companies": ["companies", "company", "0-2", "COMPANY"],
    "deals": ["deals", "deal", "0-3", "DEAL"],
    "tickets": ["tickets", "ticket", "0-5", "TICKETS"],
}
LIST = "/crm/v3/objects/contacts"


def test_every_spelling_of_path_and_type_leads_to_the_same_objects(build: Build, api_of: ApiOf) -> None:
    for type_name, spellings in SPELLINGS.items():
        for prefix, spelling in product(PREFIXES, spellings):
            api = api_of(build())  # a simulator each: one would soon answer 429
            record = api.get(f"/crm/v3/objects/{type_name}/{api.create(type_name)['id']}")
            for slash in ("", "/", "//"):
                path = f"{prefix}/{spelling}{slash}"
                assert api.get(path) == {"results": [record]}, path
                path = f"{prefix}/{spelling}/{record['id']}{slash}"
                assert api.get(path) == record, path


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_spelling_of_the_path_writes(api: Api, prefix: str) -> None:
    record_id = api("POST", f"{prefix}/deals/", json={"properties": {"dealname": "a"}}).json["id"]
    response = api("PATCH", f"{prefix}/deals/{record_id}/", json={"properties": {"dealname": "b"}})
    assert response.json["properties"]["dealname"] == "b"
    assert api("DELETE", f"{prefix}/deals/{record_id}/").status_code == 204


TYPE_ROUTES = pytest.mark.parametrize(
    ("method", "rest"), [("GET", ""), ("POST", ""), ("GET", "/1"), ("PATCH", "/1"), ("DELETE", "/1")]
)


@TYPE_ROUTES
@pytest.mark.parametrize(
    "name", ["widgets", "Widgets", "appointment", "course", "listing", "payment", "é", "con tacts"]
)
def test_an_unknown_type_cannot_be_inferred(
    api: Api, assert_refused: AssertAnswer, method: str, rest: str, name: str
) -> None:
    assert_refused(
        api(method, f"/crm/v3/objects/{name}{rest}", json={}), 400, f"Unable to infer object type from: {name}"
    )


@TYPE_ROUTES
@pytest.mark.parametrize("type_id", ["0-9999", "1-1", "0-0"])
def test_an_unknown_type_id_is_invalid(
    api: Api, assert_refused: AssertAnswer, method: str, rest: str, type_id: str
) -> None:
    assert_refused(
        api(method, f"/crm/v3/objects/{type_id}{rest}", json={}), 400, f"Invalid object or event type id: {type_id}"
    )


@TYPE_ROUTES
@pytest.mark.parametrize("name", ["products", "LINE_ITEM", "0-27", "2-123456", "p123_car", "p_car", "project"])
def test_a_type_that_only_hubspot_has_gets_the_page_and_is_noted(
    sim: Simulator, api: Api, assert_not_found_page: AssertAnswer, method: str, rest: str, name: str
) -> None:
    assert_not_found_page(api(method, f"/crm/v3/objects/{name}{rest}", json={}))
    assert [exchange.path for exchange in sim.journal.unserved] == [f"/crm/v3/objects/{name}{rest}"]


@pytest.mark.parametrize("name", ["widgets", "0-9999", "products"])
def test_authentication_comes_before_the_type(client: Client, name: str) -> None:
    assert client.get(f"/crm/v3/objects/{name}").json["category"] == "INVALID_AUTHENTICATION"


UNKNOWN = [
    "/",
    "/no/such/path",
    "/crm/v3/objects",
    "/crm/v3/objects/",
    "/crm/v2/objects/contacts",
    "/crm/objects/2024-01/contacts",
    "/CRM/v3/objects/contacts",
    "//crm/v3/objects/contacts",
    "/crm/v3//objects/contacts",
    "/crm/v3/objects/contacts/1/2",
    "/contacts/v1/lists/all/contacts/all",
    "/oauth",
    "/oauth/v1/access-tokens/",
    "/oauth/abc/authorize",
    "/oauth/²/authorize",
    "/oauth/-1/authorize",
    "/oauth/" + "9" * 20 + "/authorize",
    "/oauth/" + "9" * 5_000 + "/authorize",
    "/oauth/v1/authorize/user",
    "/appinstalls/v1/external-install",
    "/appinstalls/2025-09/external-install",
    "/.well-known/openid-configuration",
    "/_simulator",
    "/_simulator/",
    "/_simulator/nonsense",
    "/%00",
    "/é",
    "/%ff",
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_an_unknown_path_gets_the_gateways_page_whoever_asks(
    client: Client, api: Api, assert_not_found_page: AssertAnswer, path: str
) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        assert_not_found_page(client.open(path, method=method))
        assert_not_found_page(api(method, path, headers={"Accept": "application/json"}))


def test_a_path_that_is_not_served_is_noted_with_the_nearest_one(sim: Simulator, client: Client) -> None:
    client.get("/crm/v4/objects/contacts")
    (exchange,) = sim.journal.unserved
    assert exchange.status == 404
    assert "the nearest that it serves is GET /crm/v3/objects/{type}" in exchange.why


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", LIST, "GET, HEAD, POST"),
        ("POST", f"{LIST}/1", "DELETE, GET, HEAD, PATCH"),
        ("OPTIONS", LIST, "GET, HEAD, POST"),
        ("BREW", LIST, "GET, HEAD, POST"),
        ("PUT", "/oauth/authorize", "GET, HEAD, POST"),
        ("DELETE", "/oauth/123/authorize", "GET, HEAD, POST"),
        ("GET", "/oauth/2026-09/token/introspect", "POST"),
        ("GET", "/oauth/2026-09/token/revoke", "POST"),
        ("GET", "/appinstalls/v3/external-install", "DELETE"),
        ("POST", "/integrations/v1/me", "GET, HEAD"),
        ("POST", "/.well-known/oauth-authorization-server", "GET, HEAD"),
        ("GET", "/oauth/v1/token", "POST"),
        ("DELETE", "/_simulator/reset", "POST"),
    ],
)
def test_another_method_is_not_allowed(
    client: Client, assert_refused: AssertAnswer, method: str, path: str, allowed: str
) -> None:
    response = client.open(path, method=method)
    assert_refused(response, 405, "HTTP 405 Method Not Allowed")
    assert response.headers.getlist("Allow") == [allowed]


def test_head_is_a_get_without_the_body(api: Api) -> None:
    response = api("HEAD", LIST)
    assert (response.status_code, response.get_data()) == (200, b"")
    assert response.headers["Content-Length"] == str(len('{"results":[]}'))
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"
