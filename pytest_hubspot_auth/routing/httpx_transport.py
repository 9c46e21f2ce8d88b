"""A transport for clients of httpx or httpx2."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, overload

from hubspot_simulator.hosts import matcher
from hubspot_simulator.http.app import Application

from .wsgi_environ import environ

if TYPE_CHECKING:  # neither is a dependency; type checkers read a missing one as Any
    import httpx
    import httpx2

    class HttpxTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
        """A transport for a client of httpx, sync or async."""

    class Httpx2Transport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
        """A transport for a client of httpx2, sync or async."""


_LIBRARIES = ("httpx", "httpx2")


class Httpx2Module(Protocol):
    """The module httpx2, as type checkers tell it from httpx."""

    @property
    def Client(self) -> type[httpx2.Client]: ...  # noqa: N802


@overload
def transport(app: Application, own_host: str, library: Httpx2Module) -> Httpx2Transport: ...


@overload
def transport(app: Application, own_host: str, library: ModuleType | None = None) -> HttpxTransport: ...


def transport(app: Application, own_host: str, library: ModuleType | Httpx2Module | None = None) -> Any:
    """Return a transport, sync and async, that serves HubSpot's hosts and ``own_host`` in process.

    ``library`` is the module httpx or httpx2. The default is the one that is already imported, or httpx if both are.
    Raises ImportError if neither is installed.
    """
    loaded = [name for name in _LIBRARIES if name in sys.modules]
    module: Any = library or import_module((loaded or _LIBRARIES)[0])
    return _transport_class(module)(app, own_host)


@lru_cache
def _transport_class(library: Any) -> Any:
    """Return the transport class of a library: each accepts only its own requests and responses."""

    class HubspotTransport(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]
        """Sends requests to the simulator in process. Raises ConnectError for a host that is not HubSpot's."""

        def __init__(self, app: Application, own_host: str) -> None:
            self._app = app
            self._own_host = own_host

        def handle_request(self, request: Any) -> Any:
            request.read()
            return self._send(request)

        async def handle_async_request(self, request: Any) -> Any:
            await request.aread()
            return self._send(request)

        def _send(self, request: Any) -> Any:
            host = request.url.host
            if host != self._own_host and not matcher(self._app.simulator.settings.hosts)(host):
                message = f"{host} is not a HubSpot host, and this transport serves no other"
                raise library.ConnectError(message, request=request)
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
            response = self._app.respond(environ(request.method, str(request.url), headers, request.content))
            if response.delivered == "nothing":
                raise library.ReadError("Connection reset by peer (an injected fault)", request=request)
            if response.delivered == "cut":
                message = "peer closed connection without sending complete message body (an injected fault)"
                raise library.RemoteProtocolError(message, request=request)
            return library.Response(response.status, headers=response.headers, content=response.body, request=request)

    return HubspotTransport
