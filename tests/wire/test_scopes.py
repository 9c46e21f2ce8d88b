"""403 MISSING_SCOPES: what a call needs and the token has not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import TestResponse

from hubspot_simulator import Simulator

if TYPE_CHECKING:
    from tests.wire.conftest import Api, AsToken


PREFIXES = ["/crm/v3/objects", "/crm/objects/v3", "/crm/objects/2025-09", "/crm/objects/2026-09-beta"]
CALLS = [
    ("GET", "", "read"),
    ("GET", "/1", "read"),
    ("POST", "", "write"),
    ("PATCH", "/1", "write"),
    ("DELETE", "/1", "write"),
]
SCOPES = {
    "contacts": ("crm.objects.contacts.read", "crm.objects.contacts.write"),
    "companies": ("crm.objects.companies.read", "crm.objects.companies.write"),
    "deals": ("crm.objects.deals.read", "crm.objects.deals.write"),
    "tickets": ("tickets", "tickets"),
}
EVERY_SCOPE = sorted({scope for pair in SCOPES.values() for scope in pair})


def needed(type_name: str, kind: str) -> str:
    return SCOPES[type_name][kind == "write"]


@pytest.fixture
def with_scopes(sim: Simulator, as_token: AsToken) -> Callable[..., Api]:
    """Return a client of an app that has these scopes."""

    def with_scopes(*scopes: Any) -> Api:
        app = sim.add_app(scopes=["oauth", *scopes])
        return as_token(sim.install(app).access_token)

    return with_scopes


def refused(response: TestResponse, scope: str) -> bool:
    assert response.status_code == 403
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"
    assert response.text == json.dumps(
        {
            "status": "error",
            "message": "This app hasn't been granted all required scopes to make this call. Read more about required "
            "scopes here: https://developers.hubspot.com/scopes.",
            "correlationId": response.headers["X-HubSpot-Correlation-Id"],
            "errors": [
                {
                    "message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": [scope]},
                }
            ],
            "links": {"scopes": "https://developers.hubspot.com/scopes"},
            "category": "MISSING_SCOPES",
        },
        separators=(",", ":"),
    )
    return True


ROUTES = [
    (method, f"{prefix}/{type_name}{rest}", needed(type_name, kind))
    for prefix in PREFIXES
    for type_name in SCOPES
    for method, rest, kind in CALLS
]


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_every_crm_route_needs_its_scope(with_scopes: Callable[..., Api], method: str, path: str, scope: str) -> None:
    api = with_scopes(*(other for other in EVERY_SCOPE if other != scope))
    refused(api(method, path, json={"properties": {}}), scope)
    assert with_scopes(scope)(method, path, json={"properties": {}}).status_code in (200, 201, 204, 404)


@pytest.mark.parametrize("spelling", ["ticket", "0-5", "TICKETS"])
def test_every_spelling_of_a_type_needs_the_same_scope(with_scopes: Callable[..., Api], spelling: str) -> None:
    refused(with_scopes()("GET", f"/crm/v3/objects/{spelling}"), "tickets")


def test_nothing_is_written_without_the_scope(api: Api, with_scopes: Callable[..., Api]) -> None:
    path = f"/crm/v3/objects/contacts/{api.create('contacts', firstname='a')['id']}"
    record = api.get(path)
    reader = with_scopes("crm.objects.contacts.read")
    for method in ("PATCH", "DELETE"):
        refused(reader(method, path, json={"properties": {"firstname": "b"}}), "crm.objects.contacts.write")
    assert reader.get(path) == record


def test_the_scopes_that_were_granted_count_and_not_those_of_the_app(sim: Simulator, as_token: AsToken) -> None:
    app = sim.add_app(scopes=["oauth"], optional_scopes=["tickets"])
    without = as_token(sim.install(app, scopes=["oauth"]).access_token)
    refused(without("GET", "/crm/v3/objects/tickets"), "tickets")
    assert as_token(sim.install(app).access_token)("GET", "/crm/v3/objects/tickets").status_code == 200


def test_a_private_app_has_scopes_too(sim: Simulator, as_token: AsToken) -> None:
    api = as_token(sim.add_private_app(scopes=["tickets"]).access_token)
    assert api("GET", "/crm/v3/objects/tickets").status_code == 200
    refused(api("GET", "/crm/v3/objects/deals"), "crm.objects.deals.read")


@pytest.mark.parametrize(("name", "status"), [("widgets", 400), ("0-9999", 400), ("products", 404)])
def test_the_type_comes_before_the_scope(with_scopes: Callable[..., Api], name: str, status: int) -> None:
    assert with_scopes()("GET", f"/crm/v3/objects/{name}").status_code == status


def test_the_scope_comes_before_the_body(with_scopes: Callable[..., Api]) -> None:
    response = with_scopes()("POST", "/crm/v3/objects/tickets", data="{", content_type="text/plain")
    refused(response, "tickets")


def test_an_expired_token_is_named_before_a_missing_scope(sim: Simulator, with_scopes: Callable[..., Api]) -> None:
    api = with_scopes()
    sim.clock.advance(minutes=30)
    assert api("GET", "/crm/v3/objects/tickets").json["category"] == "EXPIRED_AUTHENTICATION"


def test_the_why_tells_both(sim: Simulator, with_scopes: Callable[..., Api]) -> None:
    with_scopes("files")("GET", "/crm/v3/objects/tickets")
    assert sim.journal.exchanges[-1].why == "the call needs tickets; granted: oauth files"


def test_account_information_needs_no_scope(with_scopes: Callable[..., Api]) -> None:
    assert with_scopes()("GET", "/integrations/v1/me").status_code == 200
