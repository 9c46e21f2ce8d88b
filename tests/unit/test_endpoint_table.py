"""The table of endpoints, and what is derived from it."""

from __future__ import annotations

import inspect

import pytest

from hubspot_simulator.core import endpoint_table
from hubspot_simulator.core.endpoint_table import ENDPOINTS, TOKEN_ENDPOINTS, VERSIONS, is_token_endpoint
from hubspot_simulator.core.glob import matches
from hubspot_simulator.http import routes


def test_each_operation_is_a_function_of_its_module() -> None:
    for endpoint in ENDPOINTS:
        (route,) = [
            route for route in routes.ROUTES if (route.method, route.template) == (endpoint.method, endpoint.template)
        ]
        assert f"{route.handler.__module__.rpartition('.')[2]}.{route.handler.__name__}" == endpoint.operation
        assert list(inspect.signature(route.handler).parameters) == ["context"]


def test_no_endpoint_stands_twice() -> None:
    assert len({(endpoint.method, endpoint.template) for endpoint in ENDPOINTS}) == len(ENDPOINTS)


def test_every_placeholder_of_a_version_has_its_values() -> None:
    used = {part for endpoint in ENDPOINTS for part in endpoint.template.split("/") if part.endswith("version}")}
    assert used == set(VERSIONS)


@pytest.mark.parametrize("version", ["v1", *VERSIONS["{oauth_version}"], "2099-01"])
def test_the_token_endpoint_of_any_version(version: str) -> None:
    path = f"/oauth/{version}/token"
    assert is_token_endpoint(path)
    assert is_token_endpoint(f"{path}/")
    assert matches(TOKEN_ENDPOINTS, path)


@pytest.mark.parametrize(
    "path", ["/oauth//token", "/oauth/token", "/oauth/v1/token/revoke", "/x/oauth/v1/token", "/oauth/v1/tokens"]
)
def test_other_paths(path: str) -> None:
    assert not is_token_endpoint(path)


def test_the_token_endpoints_of_the_table_are_recognised() -> None:
    named = [endpoint.template for endpoint in ENDPOINTS if endpoint.operation.startswith("token.")]
    assert len(named) == 2
    assert all(map(is_token_endpoint, named))
    assert endpoint_table.OAUTH_V1 in named[0]
