"""A transport for those who inject one into httpx, or into httpx2."""

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
    """What tells the module httpx2 from httpx."""

    @property
    def Client(self) -> type[httpx2.Client]: ...  # noqa: N802


@overload
def transport(app: Application, own_host: str, library: Httpx2Module) -> Httpx2Transport: ...


@overload
def transport(app: Application, own_host: str, library: ModuleType | None = None) -> HttpxTransport: ...


def transport(app: Application, own_host: str, library: ModuleType | Httpx2Module | None = None) -> Any:
    """Return a transport that answers requests to HubSpot's hosts and to ``own_host`` in process, sync and async.

    ``library`` is httpx or httpx2; without it, the one that is imported, httpx if both are. Raises ImportError when
    there is neither.
    """
    loaded = [name for name in _LIBRARIES if name in sys.modules]
    module: Any = library or import_module((loaded or _LIBRARIES)[0])
    return _transport_class(module)(app, own_host)


@lru_cache
def _transport_class(library: Any) -> Any:
    """Return the class for a library: each accepts only its own requests and answers."""

    class HubspotTransport(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]
        """Answers in process. Raises ConnectError for a host that is not HubSpot's."""

        def __init__(self, app: Application, own_host: str) -> None:
            self._app = app
            self._own = own_host

        def handle_request(self, request: Any) -> Any:
            request.read()
            return self._answer(request)

        async def handle_async_request(self, request: Any) -> Any:
            await request.aread()
            return self._answer(request)

        def _answer(self, request: Any) -> Any:
            host = request.url.host
            if host != self._own and not matcher(self._app.simulator.settings.hosts)(host):
                message = f"{host} is no host of HubSpot, and this transport reaches no other"
                raise library.ConnectError(message, request=request)
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
            answer = self._app.respond(environ(request.method, str(request.url), headers, request.content))
            if answer.delivered == "nothing":
                raise library.ReadError("Connection reset by peer (an injected fault)", request=request)
            if answer.delivered == "cut":
                message = "peer closed connection without sending complete message body (an injected fault)"
                raise library.RemoteProtocolError(message, request=request)
            return library.Response(answer.status, headers=answer.headers, content=answer.body, request=request)

    return HubspotTransport
