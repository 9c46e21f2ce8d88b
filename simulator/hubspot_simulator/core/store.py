"""All state of a simulator, in memory, in one place."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Protocol

from .exchange import Exchange
from .model import (
    App,
    AuthorizationCode,
    Condition,
    FirstToken,
    Installation,
    Portal,
    PrivateApp,
    RefreshToken,
    TokenOverride,
)
from .records import Records

EXCHANGES_KEPT = 50_000  # a standalone server may run for weeks
BYTES_KEPT = 256 * 1024 * 1024


class ExchangeKeeper(Protocol):
    """Keeps exchanges of its own, and lets go of those that the store drops. Called under the store's lock."""

    def keep(self, exchange: Exchange) -> None:
        """Keep an exchange."""

    def drop(self, exchange: Exchange) -> None:
        """Let go of an exchange, which is no longer in the journal."""


class Store:
    """What the services read and write. They hold no state of their own.

    ``lock`` guards every write that must be seen whole by other threads.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.portals: dict[int, Portal] = {}
        self.apps: dict[int, App] = {}
        self.apps_by_client_id: dict[str, App] = {}
        self.installations: dict[tuple[int, int], Installation] = {}
        self.private_apps: dict[str, PrivateApp] = {}
        self.deleted_hub_ids: set[int] = set()
        self.conditions: dict[int, Condition] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.unread: dict[int, FirstToken] = {}  # by id() of the grant: what is not issued yet
        self.handed_over = False  # whether somebody read the access token of an installation
        self.token_overrides: dict[bytes, TokenOverride] = {}  # by what identifies a token
        self.last_expiry_ms = 0  # of all access tokens that were issued, as they say themselves
        self.app_tokens: dict[bytes, tuple[str, ...]] = {}
        self.records: defaultdict[tuple[int, str], Records] = defaultdict(Records)
        self.calls: defaultdict[tuple[object, ...], deque[int]] = defaultdict(deque)
        self.faults: list[ExchangeKeeper] = []  # whose they are knows what else they do
        self.exchanges: deque[Exchange] = deque()
        self.exchange_count = 0
        self.exchange_bytes = 0

    def add_exchange(self, exchange: Exchange, kept_by: Iterable[ExchangeKeeper] = ()) -> None:
        """Keep an exchange, also with ``kept_by``, give it its number, and drop the oldest ones that are too much."""
        with self.lock:  # number and place are given in one
            self.exchange_count += 1
            exchange.number = self.exchange_count
            self.exchanges.append(exchange)
            self.exchange_bytes += exchange.weight
            for keeper in kept_by:
                keeper.keep(exchange)
            while len(self.exchanges) > EXCHANGES_KEPT or (
                self.exchange_bytes > BYTES_KEPT and len(self.exchanges) > 1
            ):
                oldest = self.exchanges.popleft()
                self.exchange_bytes -= oldest.weight
                for keeper in self.faults:
                    keeper.drop(oldest)

    def add_portal(self, portal: Portal) -> None:
        """Keep a portal."""
        with self.lock:
            self.portals[portal.hub_id] = portal

    def add_app(self, app: App) -> None:
        """Keep an app, found by its id and by its client id."""
        with self.lock:
            self.apps[app.app_id] = app
            self.apps_by_client_id[app.client_id] = app

    def installation(self, app: App, portal: Portal) -> Installation:
        """Return the app's installation in the portal; make one when there is none."""
        key = (app.app_id, portal.hub_id)
        with self.lock:
            if key not in self.installations:
                self.installations[key] = Installation(app, portal)
            return self.installations[key]
