"""What a test holds of the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hubspot_simulator.core.journal import Journal
from hubspot_simulator.core.simulator import Simulator
from hubspot_simulator.core.webhooks import Event
from hubspot_simulator.server import SimulatorServer
from hubspot_simulator.webhook_delivery import Delivery, WebhookSender


class HubspotSim:
    """A fresh simulator behind the session's server.

    ``install``, ``uninstall``, ``authorize``, ``add_portal``, ``add_app``, ``add_private_app``, ``delete_portal``,
    ``migrate``, ``lock``, ``misroute``, ``clear``, ``webhook_event`` and ``sign_webhook`` are those of ``Simulator``.
    """

    def __init__(self, simulator: Simulator, server: SimulatorServer) -> None:
        self.simulator = simulator
        self._server = server
        self.install = simulator.install
        self.uninstall = simulator.uninstall
        self.authorize = simulator.authorize
        self.add_portal = simulator.add_portal
        self.add_app = simulator.add_app
        self.add_private_app = simulator.add_private_app
        self.delete_portal = simulator.delete_portal
        self.migrate = simulator.migrate
        self.lock = simulator.lock
        self.misroute = simulator.misroute
        self.clear = simulator.clear
        self.webhook_event = simulator.webhook_event
        self.sign_webhook = simulator.sign_webhook

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
            "access_token": self.simulator.installation.access_token,
            "host": self.url,  # the generated API classes
            "base_url": self.url,  # `api_request`
        }

    @property
    def journal(self) -> Journal:
        """What was asked and answered, and why."""
        return self.simulator.journal

    def assert_called(self, method: str, path: str, times: int | None = None) -> None:
        """Fail unless the call was made ``times`` times; None means at least once.

        ``path`` is literal, without its query, or a route template such as ``/crm/v3/objects/{type}``.
        """
        __tracebackhide__ = True
        self.journal.assert_called(method, path, times)

    def deliver_webhook(self, url: str, events: Event | Sequence[Event]) -> Delivery:
        """Post one event or up to 100 to a URL, signed by the default app, and return how that went.

        The first attempt is made at once. When it fails, move the clock and call ``run_due()`` on what is returned.
        Raises ValueError for what HubSpot cannot send.
        """
        sender = WebhookSender(self.simulator.clock)
        return sender.deliver(url, events, self.simulator.app.client_secret)

    def __repr__(self) -> str:
        return f"<HubspotSim {self.url}, {self.simulator.store.exchange_count} exchanges>"
