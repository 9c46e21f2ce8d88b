"""A simulator on a socket."""

from __future__ import annotations

import ssl
import threading
from types import TracebackType
from urllib.parse import urlsplit

from ..http.app import Application
from ..http.request import MAX_BODY
from ..simulator import Simulator
from .authority import Authority
from .wsgi_server import WSGIServer


class SimulatorServer:
    """Serves a simulator over HTTP/1.1 in threads, from ``start()`` or ``with`` to ``stop()``.

    ``host`` and ``port`` are those of the simulator's settings without them: loopback and a free port.
    ``ssl_context`` makes it HTTPS. Raises ServerStartError (an OSError) when it cannot bind.

    ``secure()`` gives it a second port, on which it is HubSpot's hosts.
    """

    def __init__(
        self,
        simulator: Simulator | None = None,
        *,
        host: str | None = None,
        port: int | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.app = Application(simulator or Simulator())
        settings = self.app.simulator.settings
        host = settings.host if host is None else host
        self._server = WSGIServer(
            self.app.served_on(host),
            host=host,
            port=settings.port if port is None else port,
            ssl_context=ssl_context,
            max_body=MAX_BODY,
        )
        self._secure: tuple[Authority, WSGIServer] | None = None
        self._lock = threading.Lock()

    @property
    def simulator(self) -> Simulator:
        """The simulator that answers. Setting another one takes effect with the next request."""
        return self.app.simulator

    @simulator.setter
    def simulator(self, simulator: Simulator) -> None:
        self.app.simulator = simulator

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return self._server.url

    @property
    def host(self) -> str:
        """The address that is bound."""
        return self._server.host

    @property
    def port(self) -> int:
        """The port that is bound."""
        return self._server.port

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return self._server.ready

    @property
    def url_host(self) -> str:
        """The host in ``url``, which is known before the start."""
        return urlsplit(self._server.url).hostname or ""

    def start(self) -> None:
        """Bind, and serve in the background. Connections are accepted from when it returns."""
        self._server.start()

    def secure(self) -> tuple[Authority, tuple[str, int]]:
        """Return who vouches for HubSpot's hosts here, and the address at which they answer over TLS.

        The port is opened at the first call and closed with the server. Raises AuthorityUnavailable.
        """
        with self._lock:
            if self._secure is None:
                authority = Authority(self.simulator.settings.hosts.split())
                server = WSGIServer(
                    self.app.served_on(self.host),
                    host=self.host,
                    ssl_context=authority.context,
                    max_body=MAX_BODY,
                )
                server.start()
                self._secure = authority, server
        authority, server = self._secure
        return authority, (server.host, server.port)

    def stop(self) -> None:
        """Close every connection and end every thread."""
        with self._lock:
            if self._secure is not None:
                self._secure[1].stop()
                self._secure = None
        self._server.stop()

    def __repr__(self) -> str:
        where = self.url if self._server.ready else "not running"
        return f"<{type(self).__name__} {where}: {self.simulator!r}>"

    def __enter__(self) -> SimulatorServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
