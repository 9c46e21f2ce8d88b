"""``hubspot-simulator demo``: the story of an expiring token, on a real socket with a real HTTP client."""

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
    """A client that shows what it sends and what comes back."""

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
        """Send a request and return the answer with its body."""
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
    """Tell the story. Returns 0 when everything went as told, 1 otherwise."""
    simulator = Simulator(settings)
    with SimulatorServer(simulator, port=0) as server:
        client = _Client(server)
        try:
            return 0 if _story(simulator, server, client) else 1
        finally:
            client.close()


def _story(simulator: Simulator, server: SimulatorServer, client: _Client) -> bool:
    app = simulator.app
    code = simulator.authorize()
    credentials = {"client_id": app.client_id, "client_secret": app.client_secret}
    ttl = simulator.settings.token_ttl
    statuses = []

    _tell(f"A HubSpot simulator is listening at {server.url}.\n")
    _tell("1. The integration exchanges its authorization code for tokens.")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri, **credentials}
    answer, body = client.send("POST", "/oauth/v1/token", form=form)
    tokens = json.loads(body)
    statuses.append(answer.status)
    _tell(f"   POST /oauth/v1/token -> {answer.status}, a token that lives {tokens['expires_in']} seconds\n")

    _tell("2. It calls the API. All afternoon in development, this is all that anybody sees.")
    answer, _ = client.send("GET", _CONTACTS, token=tokens["access_token"])
    statuses.append(answer.status)
    _tell(f"   GET {_CONTACTS} -> {answer.status}\n")

    _tell(f"3. {ttl // 60 + 5} minutes pass. Nobody waits for them: the simulator's clock is moved.")
    answer, body = client.send("POST", "/_simulator/clock/advance", body={"seconds": ttl + 300})
    statuses.append(answer.status)
    _tell(f"   POST /_simulator/clock/advance -> it is now {json.loads(body)['now']} there\n")

    _tell("4. It calls again, with the token that it has. As HubSpot answers it (the recorded form):\n")
    answer, body = client.send("GET", _CONTACTS, token=tokens["access_token"])
    statuses.append(answer.status)
    _show(answer, body)
    _tell("   The same in the short form that integration guides print (wire = short):\n")
    # The same seed and clock, other settings: it takes the token for its own.
    server.simulator = Simulator(replace(simulator.settings, wire="short"), clock=simulator.clock)
    answer, body = client.send("GET", _CONTACTS, token=tokens["access_token"])
    server.simulator = simulator
    statuses.append(answer.status)
    _show(answer, body)

    _tell("5. It refreshes: same refresh token, new access token.")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **credentials}
    answer, body = client.send("POST", "/oauth/v1/token", form=form)
    tokens = json.loads(body)
    statuses.append(answer.status)
    _tell(f"   POST /oauth/v1/token -> {answer.status}\n")

    _tell("6. And the call works again.")
    answer, _ = client.send("GET", _CONTACTS, token=tokens["access_token"])
    statuses.append(answer.status)
    _tell(f"   GET {_CONTACTS} -> {answer.status}\n")

    _tell("What the simulator saw:")
    for exchange in simulator.journal.exchanges:
        _tell(f"   {exchange}")
    _tell("\nDoes your integration do step 5 on every path? The fixtures find out in milliseconds: see the README.")
    return statuses == [200, 200, 200, 401, 401, 200, 200]


def _show(answer: HTTPResponse, body: str) -> None:
    headers = "".join(f"   {name}: {answer.headers[name]}\n" for name in _SHOWN_HEADERS if name in answer.headers)
    _tell(f"   HTTP/1.1 {answer.status} {answer.reason}\n{headers}\n   {body}\n")


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
