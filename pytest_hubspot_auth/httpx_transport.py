"""A transport for those who inject one into httpx."""

from __future__ import annotations

import httpx

from hubspot_simulator.hosts import matcher
from hubspot_simulator.http.app import Application

from .in_process import environ


class HubspotTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers httpx in process, for sync and async clients: requests to HubSpot's hosts and to ``url``."""

    def __init__(self, app: Application, url: str) -> None:
        self._app = app
        self._own = httpx.URL(url).host

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the simulator's answer. Raises httpx.ConnectError for another host."""
        request.read()
        return self._answer(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the simulator's answer. Raises httpx.ConnectError for another host."""
        await request.aread()
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if host != self._own and not matcher(self._app.simulator.settings.hosts)(host):
            raise httpx.ConnectError(
                f"{host} is no host of HubSpot, and this transport reaches no other", request=request
            )
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        answer = self._app.respond(environ(request.method, str(request.url), headers, request.content))
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body, request=request)
