"""What a test holds of the simulator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import ModuleType
from typing import Any

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

from .routing.guard import answering
from .routing.httpx_transport import transport
from .routing.no_proxy import HUBSPOT, exempt
from .routing.unsupported_clients import refused
from .time.freezes import is_frozen, move_newest_freeze


class HubspotSim(Simulator):
    """A fresh simulator behind the session's server."""

    def __init__(self, server: SimulatorServer, settings: Settings, clock: Clock, name: str) -> None:
        super().__init__(settings, clock=clock, name=name)
        self._server = server
        before = server.simulator  # that of the test before, which is over
        self.earlier_tests = before.earlier_tests or EarlierTests()
        if before.name:
            kept = before.store
            opaque = [*kept.refresh_tokens, *kept.private_apps, *kept.codes]
            self.earlier_tests.remember(before.name, before.ids.signing_key, opaque)
        server.simulator = self

    @property
    def url(self) -> str:
        """The base URL to call instead of ``https://api.hubapi.com``."""
        return self._server.url

    @property
    def client_kwargs(self) -> dict[str, Any]:
        """The arguments for the official client: ``hubspot.HubSpot(**hubspot_sim.client_kwargs)``.

        They point it here, and give it the access token of the default installation.
        """
        return {
            "access_token": self.installation.access_token,
            "host": self.url,  # the generated API classes
            "base_url": self.url,  # `api_request`
        }

    def move_time(self, delta: timedelta) -> str:
        """Let time pass for the code under test, if its time is frozen, and for the simulator, which follows."""
        self.clock.check_move(delta)
        return "both clocks" if move_newest_freeze(delta) else super().move_time(delta)

    @property
    def clocks(self) -> str:
        """What ``move_time`` moves, in words."""
        return "both clocks" if is_frozen() else super().clocks

    def assert_called(self, method: str, path: str, times: int | None = None) -> None:
        """Fail unless the call was made ``times`` times; None means at least once.

        ``path`` is literal, without its query, or a route template such as ``/crm/v3/objects/{type}``.
        """
        __tracebackhide__ = True
        self.journal.assert_called(method, path, times)

    def httpx_transport(self, library: ModuleType | None = None) -> Any:
        """Return a transport for ``httpx.Client(transport=...)`` or ``AsyncClient``, which answers in process.

        ``library`` is the module httpx or httpx2; without it, the one that is imported, httpx if both are.
        """
        return transport(self._server.app, self._server.url_host, library)

    @contextmanager
    def intercept(self) -> Iterator[None]:
        """Have every Python HTTP client reach this simulator at HubSpot's hosts, over TLS, at the socket.

        Clients that were imported and built before are reached, too. Raises AuthorityUnavailable when the
        certificates cannot be made. UnreachableClient is raised in a client that has sockets of its own (uvloop).
        """
        matches = matcher(self.settings.hosts)
        authority, https = self._server.secure()
        http = (self._server.host, self._server.port)
        patch = SocketPatch(matches, https=https, http=http, authority=authority.certificate)
        with refused(matches), exempt([*HUBSPOT, *self.settings.hosts.split()]), answering("hubspot_intercept"):
            patch.install()
            try:
                yield
            finally:
                patch.uninstall()

    def deliver_webhook(self, url: str, events: Event | Sequence[Event], *, app: App | None = None) -> Delivery:
        """Post one event or up to 100 to a URL, signed with the secret of an app, and return how that went.

        Without ``app`` it is the default one. The first attempt is made at once. When it fails, move the clock and call
        ``run_due()`` on what is returned.
        Raises ValueError for what HubSpot cannot send.
        """
        return WebhookSender(self.clock).deliver(url, events, (app or self.app).client_secret)

    def __repr__(self) -> str:
        where = self._server.url if self._server.running else "not on a socket yet"  # url would start the server
        return f"<HubspotSim {where}, {plural(self.store.exchange_count, 'exchange')}>"
