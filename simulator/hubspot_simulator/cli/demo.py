"""``hubspot-simulator demo``: how a token expires, on a real socket with a real HTTP client."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlencode

from ..core.protocol import FORM
from ..serving.server import SimulatorServer
from ..settings import Settings
from ..simulator import Simulator

_CONTACTS = "/crm/v3/objects/contacts"
_SHOWN_HEADERS = ("Content-Type", "Cache-Control", "X-HubSpot-Correlation-Id")


class _Client:
    """An HTTP client on one connection to the server."""

    def __init__(self, server: SimulatorServer) -> None:
        self._connection = HTTPConnection(server.host, server.port, timeout=10)

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        form: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> tuple[HTTPResponse, str]:
        """Send a request and return the response with its body."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        content = None
        if form is not None:
            headers["Content-Type"] = FORM
            content = urlencode(form)
        elif body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body)
        self._connection.request(method, path, content, headers)
        response = self._connection.getresponse()
        return response, response.read().decode()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def demo(settings: Settings, options: argparse.Namespace) -> int:
    """Run the demo. Return 0 if every response had the expected status, otherwise 1."""
    simulator = Simulator(settings)
    with SimulatorServer(simulator, port=0) as server:
        client = _Client(server)
        try:
            return 0 if _run_steps(simulator, server, client) else 1
        finally:
            client.close()


def _run_steps(simulator: Simulator, server: SimulatorServer, client: _Client) -> bool:
    app = simulator.app
    code = simulator.authorize()
    credentials = {"client_id": app.client_id, "client_secret": app.client_secret}
    ttl = simulator.settings.token_ttl
    statuses = []

    _tell(f"A HubSpot simulator is listening at {server.url}.\n")
    _tell("1. The integration exchanges its authorization code for tokens.")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri, **credentials}
    response, body = client.send("POST", "/oauth/v1/token", form=form)
    tokens = json.loads(body)
    statuses.append(response.status)
    _tell(f"   POST /oauth/v1/token -> {response.status}, an access token for {tokens['expires_in']} seconds\n")

    _tell("2. It calls the API. In development, this is all you ever see.")
    response, _ = client.send("GET", _CONTACTS, token=tokens["access_token"])
    statuses.append(response.status)
    _tell(f"   GET {_CONTACTS} -> {response.status}\n")

    _tell(f"3. {ttl // 60 + 5} minutes pass. Nobody waits: the demo moves the simulator's clock.")
    response, body = client.send("POST", "/_simulator/clock/advance", body={"seconds": ttl + 300})
    statuses.append(response.status)
    _tell(f"   POST /_simulator/clock/advance -> the simulator's time is now {json.loads(body)['now']}\n")

    _tell("4. It calls again with the same token. HubSpot's response, as recorded:\n")
    response, body = client.send("GET", _CONTACTS, token=tokens["access_token"])
    statuses.append(response.status)
    _show(response, body)
    _tell("   The same response in the short form of the integration guides (wire = short):\n")
    # With the same seed and clock, the other simulator accepts the token as its own.
    server.simulator = Simulator(replace(simulator.settings, wire="short"), clock=simulator.clock)
    response, body = client.send("GET", _CONTACTS, token=tokens["access_token"])
    server.simulator = simulator
    statuses.append(response.status)
    _show(response, body)

    _tell("5. It refreshes: the refresh token stays, the access token is new.")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **credentials}
    response, body = client.send("POST", "/oauth/v1/token", form=form)
    tokens = json.loads(body)
    statuses.append(response.status)
    _tell(f"   POST /oauth/v1/token -> {response.status}\n")

    _tell("6. The call works again.")
    response, _ = client.send("GET", _CONTACTS, token=tokens["access_token"])
    statuses.append(response.status)
    _tell(f"   GET {_CONTACTS} -> {response.status}\n")

    _tell("The requests that the simulator received:")
    for exchange in simulator.journal.exchanges:
        _tell(f"   {exchange}")
    _tell(
        "\nDoes your integration do step 5 on every path? The pytest fixtures tell you in milliseconds: see the README."
    )
    return statuses == [200, 200, 200, 401, 401, 200, 200]


def _show(response: HTTPResponse, body: str) -> None:
    headers = "".join(f"   {name}: {response.headers[name]}\n" for name in _SHOWN_HEADERS if name in response.headers)
    _tell(f"   HTTP/1.1 {response.status} {response.reason}\n{headers}\n   {body}\n")


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
