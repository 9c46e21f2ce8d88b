"""Serves calls of `requests` to HubSpot's hosts in process, through `responses`."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable
from functools import partial
from http.client import responses as reasons
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import responses
from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import ProtocolError
from urllib3.response import HTTPResponse

from hubspot_simulator.hosts import matcher
from hubspot_simulator.http.app import Application
from hubspot_simulator.serving.server import SimulatorServer

from ..session_server import SessionServer
from .requests_connection import InProcessConnections
from .wsgi_environ import environ


class _CatchAll(responses.BaseResponse):
    """Matches every request to a HubSpot host that no other response of the same mock matches."""

    def __init__(self, app: Application, mock: responses.RequestsMock) -> None:
        super().__init__("any method", "https://*.hubapi.com and https://*.hubspot.com (hubspot_responses)")
        self._app = app
        self._mock = mock

    @property
    def call_count(self) -> int:
        """One, so that ``assert_all_requests_are_fired`` passes for a test that makes no request."""
        return 1

    def matches(self, request: PreparedRequest) -> tuple[bool, str]:
        """Tell whether the request is for HubSpot. If two responses match, `responses` removes the first for good."""
        if not matcher(self._app.simulator.settings.hosts)(urlsplit(request.url or "").hostname):
            return False, "not a HubSpot host"
        others = (other for other in self._mock.registered() if other is not self)
        if any(other.matches(request)[0] for other in others):
            return False, "another response matches"
        return True, ""

    def get_response(self, request: PreparedRequest) -> HTTPResponse:
        """Return the simulator's response."""
        try:
            return _send(self._app, request.method or "GET", request.url or "", request.headers, request.body)
        except ProtocolError as error:
            raise ConnectionError(error, request=request) from None


def _send(app: Application, method: str, url: str, headers: Any, body: Any) -> HTTPResponse:
    """Return the simulator's response. Raises ProtocolError if there is none."""
    text_headers = (
        (name, value.decode("latin-1") if isinstance(value, bytes) else str(value)) for name, value in headers.items()
    )
    response = app.respond(environ(method, url, text_headers, _body(body)))
    if response.delivered == "nothing":
        reset = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        raise ProtocolError("Connection aborted.", reset)
    return HTTPResponse(
        body=BytesIO(response.body if response.delivered == "whole" else response.body[: len(response.body) // 2]),
        headers=HTTPHeaderDict(response.headers),
        status=response.status,
        reason=reasons.get(response.status),
        preload_content=False,
        enforce_content_length=True,
        request_method=method,
    )


def _body(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode("utf-8")
    if isinstance(body, Iterable) and not isinstance(body, (bytes, bytearray)):
        return b"".join(part.encode("utf-8") if isinstance(part, str) else part for part in body)
    return bytes(body)


class HubspotResponses:
    """Routes calls of `requests` to HubSpot's hosts to the simulator. Other hosts are called as before.

    A mounted mock passes through calls to the URL of the simulator's own server.
    """

    def __init__(self, server: SimulatorServer) -> None:
        self._app = server.app
        self._server = server
        self._mounted: list[Callable[[str], None]] = []
        # with this argument an outer mock that is already active still sees the calls to other hosts
        self._mock = responses.RequestsMock(assert_all_requests_are_fired=False, real_adapter_send=HTTPAdapter.send)
        self._connections = InProcessConnections(
            lambda host: matcher(self._app.simulator.settings.hosts)(host), partial(_send, self._app)
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: requests to HubSpot's hosts go to {self._app.simulator!r}>"

    def start(self) -> None:
        """Start serving calls to HubSpot's hosts."""
        self._mock.add(_CatchAll(self._app, self._mock))
        self._mock.add_passthru(re.compile(""))
        self._mock.start()
        self._connections.start()

    def stop(self) -> None:
        """Stop serving them."""
        self._connections.stop()
        self._mock.stop()
        self._mock.reset()
        if isinstance(self._server, SessionServer):
            for add_passthru in self._mounted:
                self._server.forget(add_passthru)
        self._mounted.clear()

    def mount(self, mock: responses.RequestsMock) -> None:
        """Add the simulator to your own RequestsMock, or to ``responses.mock`` for ``@responses.activate``.

        Responses registered in that mock take precedence over the simulator.
        """
        mock.add(_CatchAll(self._app, mock))
        if isinstance(self._server, SessionServer):  # do not start it: most tests that mount need no socket
            self._mounted.append(mock.add_passthru)
            self._server.when_started(mock.add_passthru)
        else:
            mock.add_passthru(self._server.url)
