"""A simulator on a clock that stands, and clients of its WSGI application: no sockets, no freezing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Settings, Simulator
from hubspot_simulator.core.clock import ManualClock
from hubspot_simulator.core.model import App
from hubspot_simulator.http.app import Application

NOW_MS = 1_677_534_017_518  # 2023-02-27T21:40:17.518Z, thirty minutes before the expiry in the recorded 401
RATE_LIMIT = "X-HubSpot-RateLimit-"

Build = Callable[..., Simulator]
Ask = Callable[..., TestResponse]
AssertAnswer = Callable[..., None]


@pytest.fixture
def build() -> Build:
    """Build a simulator with some settings, on a clock of its own that stands at ``now_ms``."""

    def build(*, now_ms: int = NOW_MS, name: str = "", **settings: Any) -> Simulator:
        return Simulator(Settings(**settings), clock=ManualClock(now_ms), name=name)

    return build


@pytest.fixture
def sim(request: pytest.FixtureRequest, build: Build) -> Simulator:
    """The simulator; an indirect parameter holds its settings."""
    return build(**getattr(request, "param", {}))


@pytest.fixture
def client(sim: Simulator) -> Client:
    """A client without credentials."""
    return Client(Application(sim))


class Api:
    """A client that sends an access token."""

    def __init__(self, client: Client, access_token: str) -> None:
        self.client = client
        self.access_token = access_token

    def __call__(self, method: str, path: str, **kwargs: Any) -> TestResponse:
        """Send a request with the access token."""
        headers = {"Authorization": f"Bearer {self.access_token}", **kwargs.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **kwargs)

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of a GET that must succeed; a list in ``query`` repeats the parameter."""
        response = self("GET", path, query_string=query or None)
        assert response.status_code == 200, f"GET {path}: {response.text}"
        return response.json

    def create(self, type_name: str, **properties: Any) -> Any:
        """Create an object and return its JSON."""
        response = self("POST", f"/crm/v3/objects/{type_name}", json={"properties": properties})
        assert response.status_code == 201, response.text
        return response.json


ApiOf = Callable[[Simulator], Api]
AsToken = Callable[[str], Api]


@pytest.fixture
def api(client: Client, sim: Simulator) -> Api:
    """A client with the access token of the default installation."""
    return Api(client, sim.installation.access_token)


@pytest.fixture
def api_of() -> ApiOf:
    """Return a client with the access token of the default installation of another simulator."""
    return lambda sim: Api(Client(Application(sim)), sim.installation.access_token)


@pytest.fixture
def as_token(client: Client) -> AsToken:
    """Return a client with another access token."""
    return lambda access_token: Api(client, access_token)


@pytest.fixture
def ask(client: Client, sim: Simulator) -> Ask:
    """Ask the token endpoint with the credentials of the default app; a field of None is left out."""

    def ask(path: str = "/oauth/v3/token", **fields: str | None) -> TestResponse:
        form = {"client_id": sim.app.client_id, "client_secret": sim.app.client_secret, **fields}
        return client.post(path, data={name: value for name, value in form.items() if value is not None})

    return ask


@pytest.fixture
def refresh(ask: Ask, sim: Simulator) -> Ask:
    """Refresh with the default app's credentials and refresh token; a field of None is left out."""

    def refresh(path: str = "/oauth/v3/token", **fields: str | None) -> TestResponse:
        known = {"grant_type": "refresh_token", "refresh_token": sim.installation.refresh_token}
        return ask(path, **{**known, **fields})

    return refresh


@pytest.fixture
def credentials() -> Callable[[App], dict[str, str]]:
    """Return the form fields that authenticate an app."""
    return lambda app: {"client_id": app.client_id, "client_secret": app.client_secret}


@pytest.fixture
def code(sim: Simulator) -> str:
    """An authorization code for the default app's redirect URI."""
    return sim.oauth.issue_code(sim.oauth.grant(sim.app, sim.portal), sim.app.redirect_uri).value


@pytest.fixture
def exchange(ask: Ask, sim: Simulator, code: str) -> Ask:
    """Exchange ``code`` with the default app's credentials; a field of None is left out."""

    def exchange(path: str = "/oauth/v3/token", **fields: str | None) -> TestResponse:
        known = {"grant_type": "authorization_code", "code": code, "redirect_uri": sim.app.redirect_uri}
        return ask(path, **{**known, **fields})

    return exchange


def _assert_refused(response: TestResponse, status: int, message: str, **members: object) -> None:
    """Assert that an answer is HubSpot's error envelope, byte for byte; its correlation id is that of the header."""
    body = {
        "status": "error",
        "message": message,
        "correlationId": response.headers["X-HubSpot-Correlation-Id"],
        **members,
    }
    assert response.text == json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"
    assert response.headers["Content-Length"] == str(len(response.get_data()))
    assert not [name for name in response.headers.keys() if name.startswith(RATE_LIMIT)]  # noqa: SIM118
    assert "WWW-Authenticate" not in response.headers


@pytest.fixture
def assert_refused() -> AssertAnswer:
    """Assert that an answer is an error envelope: ``assert_refused(response, status, message, **members)``."""
    return _assert_refused


def _assert_token_error(response: TestResponse, name: str, message: str, error: str, status: int = 400) -> None:
    body = {"status": name, "message": message, "error": error, "error_description": message}
    assert response.text == json.dumps(body, separators=(",", ":"))
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"
    assert response.headers["Content-Length"] == str(len(response.get_data()))
    names = {name.lower() for name in response.headers.keys()}  # noqa: SIM118
    assert not names & {"www-authenticate", "cache-control", "pragma"}
    assert not [name for name in names if name.startswith(RATE_LIMIT.lower())]


@pytest.fixture
def assert_token_error() -> AssertAnswer:
    """Assert that an answer is the token endpoint's refusal, byte for byte: name, message, error, HTTP status."""
    return _assert_token_error


def _assert_not_found_page(response: TestResponse) -> None:
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "text/html;charset=iso-8859-1"
    assert response.text.startswith("<html><head>")
    assert "<title>Error 404 Not Found</title>" in response.text


@pytest.fixture
def assert_not_found_page() -> AssertAnswer:
    """Assert that an answer is the HTML 404 of HubSpot's gateway."""
    return _assert_not_found_page
