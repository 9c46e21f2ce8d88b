"""One scenario, tried on one integration: what a scenario's function gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from .adapter import REMEDIES
from .bench import Bench
from .connection import Connected, Connection
from .failures import SHOWN, AdapterError, NotApplicable, Runaway, ScenarioFailed, Stuck, brief, is_from, message
from .protocols import ClientDriver
from .traffic import Traffic, is_token_request

if TYPE_CHECKING:
    from ...core.connected_installation import ConnectedInstallation
    from ...core.exchange import Exchange
    from ...core.model import App, Portal
    from .scenario import Scenario


class Trial(Traffic):
    """One scenario on one integration.

    ``sim`` and ``clock`` are the simulator and both sides' clock. What the integration raises where it should not
    becomes ScenarioFailed, an AssertionError.
    """

    def __init__(self, scenario: Scenario, driver: ClientDriver, bench: Bench) -> None:
        super().__init__(bench.simulator)
        self.scenario = scenario
        self.driver = driver
        self.sim = bench.simulator
        self.clock = bench.clock
        self.concurrency = driver.concurrency
        self._server = bench.server
        self._connected: list[Connected] = []
        self._after_refresh: list[Callable[[], object]] = []

    def offers(self, name: str) -> bool:
        """Tell whether the adapter has an optional part."""
        return self.driver.offers(name)

    @property
    def units(self) -> list[str]:
        """The names of the adapter's units of work: work, work_*, write."""
        return self.driver.units

    @property
    def lifetime(self) -> timedelta:
        """How long an access token lives."""
        return timedelta(seconds=self.sim.settings.token_ttl)

    def outlive(self) -> None:
        """Let both clocks pass the end of every token by a minute: 31 minutes, if nothing else is set."""
        self.clock.advance(self.lifetime + timedelta(minutes=1))

    def connect(self, *, portal: Portal | None = None, app: App | None = None) -> Any:
        """Connect an account and return the integration's client: the default account first, then new ones."""
        if portal is None and self._connected:
            portal = self.sim.add_portal()
        first = portal is None and app is None
        installed = self.sim.installation if first else self.sim.install(app, portal)
        connection = Connection(
            base_url=self._server.url,
            client_id=installed.app.client_id,
            client_secret=installed.app.client_secret,
            redirect_uri=installed.app.redirect_uri,
            hub_id=installed.portal.hub_id,
            tokens=installed.token_response,
            obtained_at=installed.issued_at,
        )
        return self._build(connection, installed)

    def restart(self, client: Any) -> Any:
        """Close a client and return the one that is built from what it had stored."""
        if not self.offers("stored"):
            raise NotApplicable("the adapter has no stored()")
        known = self._known(client)
        stored = self.stored(client)
        self._close(known)
        return self._build(replace(known.connection, stored=stored), known.installed)

    def installed(self, client: Any) -> ConnectedInstallation:
        """Return the installation that a client was built for."""
        return self._known(client).installed

    def stored(self, client: Any) -> Any:
        """Return what a restart would find in storage."""
        stored = self._must("stored", client)
        if stored is None:
            self._wrong("stored() returned None: it must return what a restart would find in storage.", "stored")
        return stored

    def work(self, client: Any, unit: str = "work", *, when: str = "") -> None:
        """Have a unit of work done, which must succeed and call HubSpot. ``when`` goes into the failure's text."""
        before = self.mark()
        error = self.attempt(client, unit)
        at = f" {when}" if when else ""
        if error is not None:
            self.fail(f"{unit}() raised {brief(error)}{at}.", self.since(before), error)
        if not self.calls(before):
            self.fail(
                f"{unit}() returned without a call to HubSpot's API{at}: it must make at least one, to "
                f"{self._server.url} (Connection.base_url), or the kit can see nothing.",
                self.since(before),
            )

    def attempt(self, client: Any, unit: str = "work") -> BaseException | None:
        """Have a unit of work done, which may fail; return what it raised."""
        return self.tried(lambda: self.driver.part(unit)(client))

    def tried(self, function: Callable[[], Any]) -> BaseException | None:
        """Call what belongs to the integration, and return what it raised."""
        try:
            self.driver.run(function)
        except self.driver.errors as error:
            return error
        return None

    def prepare(self, client: Any) -> Callable[[], Any]:
        """Have a unit of work queued, and return the callable that does it later."""
        job = self._must("prepare", client)
        if not callable(job):
            self._wrong(f"prepare() returned {type(job).__name__}: it must return a callable.", "prepare")
        return job  # type: ignore[no-any-return]

    def is_connected(self, client: Any) -> bool:
        """Return what the integration says of the connection."""
        said = self._must("is_connected", client)
        if not isinstance(said, bool):
            self._wrong(f"is_connected() returned {said!r:.40}: it must return True or False.", "is_connected")
        return said

    def concurrently(self, clients: Sequence[Any], *, when: str = "") -> None:
        """Have work done by each of the clients (one may be there many times) at the same time; all must succeed."""
        before = self.mark()
        if self.concurrency not in ("threads", "tasks"):
            raise NotApplicable('the adapter does not set concurrency = "threads" or "tasks"')
        work = self.driver.part("work")
        calls = [partial(work, client) for client in clients]
        try:
            raised = self.driver.run_concurrently(calls)
        except Stuck:
            self.fail(f"work() from {len(calls)} {self.concurrency} did not come back: a deadlock?", self.since(before))
        errors = [error for error in raised if error is not None]
        if errors:
            did = f"{len(errors)} of {len(calls)} {self.concurrency} failed {when}: work() raised {brief(errors[0])}."
            self.fail(did.replace(" :", ":"), self.since(before), errors[0])

    def cut(self) -> None:
        """Break every connection from now on, so that an integration that would not stop gets no further."""
        self.sim.inject("connection_reset", path="*", times=None)

    def after_refresh(self, do: Callable[[], object]) -> None:
        """Call ``do`` whenever a refresh has succeeded, before its answer is released."""
        self._after_refresh.append(do)

    def hear(self, exchange: Exchange) -> None:
        """Take notice of an exchange, in the thread that answers it."""
        self.driver.saw(exchange)
        if self._after_refresh and is_token_request(exchange) and exchange.status == 200:
            for do in self._after_refresh:
                do()

    def fail(
        self,
        did: str,
        exchanges: Sequence[Exchange] | None = None,
        error: BaseException | None = None,
        should: str = "",
    ) -> NoReturn:
        """Fail the scenario.

        ``did`` is a sentence on what the integration did, ``should`` one on what it should have done (the scenario's
        title without it); ``exchanges`` show it, ``error`` is what the integration raised. Raises ScenarioFailed.
        """
        shown = self.since() if exchanges is None else exchanges
        raise ScenarioFailed(message(self.scenario, did, shown, error, should)) from None

    def expect_refreshes(self, most: int, since: int, when: str, least: int = 0) -> None:
        """Fail unless the token endpoint was called ``least`` to ``most`` times after a mark."""
        seen = self.token_requests(since)
        if least <= len(seen) <= most:
            return
        wanted = str(most) if least == most else f"at most {most}" if not least else f"{least} to {most}"
        count = {0: "no token request", 1: "1 token request"}.get(len(seen), f"{len(seen)} token requests")
        shown = self.since(since)
        if len(shown) > SHOWN and seen:
            shown = seen  # rather than the end of what came after them
        self.fail(f"it sent {count} {when}, where {wanted} should be.", shown)

    def not_applicable(self, reason: str) -> NoReturn:
        """End the scenario: it cannot be tried on this integration. Raises NotApplicable."""
        raise NotApplicable(reason)

    def close(self) -> BaseException | None:
        """Close every client and end what still runs; return what the adapter raised meanwhile."""
        raised: BaseException | None = None
        try:
            for known in reversed(self._connected):
                try:
                    self._close(known)
                except (ScenarioFailed, Runaway) as error:
                    raised = error
        finally:
            self.driver.close()
        return raised

    def _wrong(self, did: str, part: str, error: BaseException | None = None) -> NoReturn:
        raise AdapterError(self.driver.name, did, REMEDIES[part], self.since() if error else (), error) from None

    def _known(self, client: Any) -> Connected:
        return next(known for known in reversed(self._connected) if known.client is client)

    def _build(self, connection: Connection, installed: ConnectedInstallation) -> Any:
        client = self._must("connect", connection)
        self._connected.append(Connected(client, connection, installed))
        return client

    def _close(self, known: Connected) -> None:
        if not known.closed and self.offers("close"):
            known.closed = True
            self._must("close", known.client)
        known.closed = True

    def _must(self, part: str, argument: Any) -> Any:
        """Call a part of the adapter, which must not raise.

        What it raises is the adapter's mistake, save what comes out of the integration when it is built from storage.
        """
        function = self.driver.part(part)
        try:
            return self.driver.run(function, argument)
        except ScenarioFailed:
            raise
        except self.driver.errors as error:
            did = f"{part}() raised {brief(error)}."
            if part == "connect" and argument.stored is not None and not is_from(error, function):
                self.fail(did, error=error)
            self._wrong(did, part, error)
