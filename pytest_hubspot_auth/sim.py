"""The simulator as a test uses it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import ModuleType
from typing import TYPE_CHECKING, TypedDict, overload

from hubspot_simulator.core.clock import Clock
from hubspot_simulator.core.earlier_tests import EarlierTests
from hubspot_simulator.core.model import App
from hubspot_simulator.core.webhooks import Event
from hubspot_simulator.core.words import plural
from hubspot_simulator.hosts import matcher
from hubspot_simulator.serving.server import SimulatorServer
from hubspot_simulator.serving.socket_patch import SocketPatch
from hubspot_simulator.serving.webhook_delivery import Delivery, WebhookSender
from hubspot_simulator.settings import Settings
from hubspot_simulator.simulator import Simulator

from .routing.guard import routed_by
from .routing.httpx_transport import transport
from .routing.no_proxy import HUBSPOT, exempt
from .routing.unsupported_clients import refused
from .time.freezes import is_frozen, move_newest_freeze

if TYPE_CHECKING:
    from .routing.httpx_transport import Httpx2Module, Httpx2Transport, HttpxTransport


class ClientKwargs(TypedDict):
    """The arguments for the official client: ``hubspot.HubSpot(**hubspot_sim.client_kwargs)``."""

    access_token: str
    host: str
    base_url: str


class HubspotSim(Simulator):
    """A fresh simulator behind the session's server."""

    _settings_remedy = (
        "give them to the test, as in @pytest.mark.hubspot(token_ttl=60), or override the fixture hubspot_settings"
    )

    def __init__(self, server: SimulatorServer, settings: Settings, clock: Clock, name: str) -> None:
        super().__init__(settings, clock=clock, name=name)
        self._server = server
        previous = server.simulator  # of the previous test, which is over
        self.earlier_tests = previous.earlier_tests or EarlierTests()
        if previous.name:
            store = previous.store
            opaque = [*store.refresh_tokens, *store.private_apps, *store.codes]
            self.earlier_tests.remember(previous.name, previous.ids.signing_key, opaque)
        server.simulator = self

    @property
    def url(self) -> str:
        """The base URL to call instead of ``https://api.hubapi.com``."""
        return self._server.url

    @property
    def client_kwargs(self) -> ClientKwargs:
        """The arguments for the official client: ``hubspot.HubSpot(**hubspot_sim.client_kwargs)``.

        They point it here, and give it the access token of the default installation.
        """
        return {
            "access_token": self.installation.access_token,
            "host": self.url,  # the generated API classes
            "base_url": self.url,  # `api_request`
        }

    def move_time(self, delta: timedelta) -> str:
        """Move time for the code under test, if its time is frozen, and for the simulator, which follows."""
        self.clock.check_move(delta)
        return "both clocks" if move_newest_freeze(delta) else super().move_time(delta)

    @property
    def clocks(self) -> str:
        """What ``move_time`` moves, in words."""
        return "both clocks" if is_frozen() else super().clocks

    def assert_called(self, method: str, path: str, times: int | None = None) -> None:
        """Fail unless the call was made ``times`` times. None means at least once.

        ``path`` is a literal path without its query, or a route template such as ``/crm/v3/objects/{type}``.
        """
        __tracebackhide__ = True
        self.journal.assert_called(method, path, times)

    @overload
    def httpx_transport(self, library: Httpx2Module) -> Httpx2Transport: ...

    @overload
    def httpx_transport(self, library: ModuleType | None = None) -> HttpxTransport: ...

    def httpx_transport(self, library: ModuleType | Httpx2Module | None = None) -> HttpxTransport | Httpx2Transport:
        """Return a transport for ``httpx.Client(transport=...)`` or ``AsyncClient``, which answers in process.

        ``library`` is the module httpx or httpx2. The default is the one that is already imported, or httpx if both
        are; type checkers then assume httpx.
        """
        return transport(self._server.app, self._server.url_host, library)

    @contextmanager
    def intercept(self) -> Iterator[None]:
        """Redirect every Python HTTP client from HubSpot's hosts to this simulator, over TLS, at the socket.

        This includes clients that were imported and created before. Raises AuthorityUnavailable if the certificates
        cannot be created. A client with its own sockets (uvloop) raises UnreachableClient when it calls HubSpot.
        """
        matches = matcher(self.settings.hosts)
        authority, https = self._server.secure()
        http = (self._server.host, self._server.port)
        patch = SocketPatch(matches, https=https, http=http, authority=authority.certificate)
        with refused(matches), exempt([*HUBSPOT, *self.settings.hosts.split()]), routed_by("hubspot_intercept"):
            patch.install()
            try:
                yield
            finally:
                patch.uninstall()

    def deliver_webhook(self, url: str, events: Event | Sequence[Event], *, app: App | None = None) -> Delivery:
        """Post one event, or up to 100, to a URL, signed with an app's secret. Return the delivery and its attempts.

        ``app`` defaults to the default app. The first attempt is made immediately. If it fails, move the clock and call
        ``run_due()`` on the returned delivery. Raises ValueError for events that HubSpot cannot send.
        """
        return WebhookSender(self.clock).deliver(url, events, (app or self.app).client_secret)

    def __repr__(self) -> str:
        address = self._server.url if self._server.running else "not listening yet"  # url would start the server
        return f"<HubspotSim {address}, {plural(self.store.exchange_count, 'exchange')}>"
