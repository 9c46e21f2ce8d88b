"""The HTTP server of a simulator."""

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

    ``host`` and ``port`` default to the simulator's settings, which are loopback and a free port by default. With an
    ``ssl_context``, the server uses HTTPS. Starting raises ServerStartError (an OSError) if it cannot bind.

    ``secure()`` opens a second port, which serves HubSpot's hosts over TLS.
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
        """The simulator behind the server. A new one takes effect with the next request."""
        return self.app.simulator

    @simulator.setter
    def simulator(self, simulator: Simulator) -> None:
        self.app.simulator = simulator

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return self._server.url

    @property
    def host(self) -> str:
        """The bound address."""
        return self._server.host

    @property
    def port(self) -> int:
        """The bound port."""
        return self._server.port

    @property
    def running(self) -> bool:
        """Whether the server is running."""
        return self._server.ready

    @property
    def url_host(self) -> str:
        """The host in ``url``. It is known before the start."""
        return urlsplit(self._server.url).hostname or ""

    def start(self) -> None:
        """Bind, and serve in the background. The server accepts connections when this returns."""
        self._server.start()

    def secure(self) -> tuple[Authority, tuple[str, int]]:
        """Return the certificate authority for HubSpot's hosts, and the address that serves them over TLS.

        The first call opens the port. It is closed with the server. Raises AuthorityUnavailable.
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
        address = self.url if self._server.ready else "not running"
        return f"<{type(self).__name__} {address}: {self.simulator!r}>"

    def __enter__(self) -> SimulatorServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
