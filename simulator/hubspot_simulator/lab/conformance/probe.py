"""The probe: does an adapter work at all, with a good token and a fresh HubSpot? Tried before any scenario."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NoReturn

from ...core.clock import unpatched
from .adapter import REMEDIES, look_at
from .adapter_driver import AdapterDriver
from .bench import Bench
from .failures import AdapterError, Runaway, brief
from .fuse import LIMIT
from .scenario import Scenario
from .traffic import listening
from .trial import Trial

if TYPE_CHECKING:
    from ...core.exchange import Exchange

_WORKS = "_hubspot_works"
_LAST = "_hubspot_failed"
_TRIES = 2
_ENOUGH_SECONDS = 10.0  # of real time: what fails as long as that is not tried for every scenario
_MONOTONIC = unpatched("monotonic")
_CONTEXT = "That was with a good token and a fresh HubSpot, before any scenario. No scenario was tried."
_SERVED = "the simulator serves contacts, companies, deals and tickets: list, create, get, update and archive"
_WAYS = 'concurrency is "threads" for a plain `def work`, "tasks" for an `async def work`, or None.'
_REACH = (
    "send its calls to Connection.base_url; an integration that calls https://api.hubapi.com whatever it is told is "
    'reached with @pytest.mark.usefixtures("hubspot_intercept") on the class.'
)


def probe(
    driver: AdapterDriver,
    base: type,
    ignored: Callable[[object], bool],
    new_bench: Callable[[], AbstractContextManager[Bench]],
) -> AdapterError | None:
    """Return what is wrong with an adapter, whose class inherits from ``base``; None when it works.

    It is tried for each class until it works, each time on a new bench: a failure may be of the moment, so it is tried
    twice, and again for the next scenario. ``ignored`` tells which attributes of it are not the adapter's.
    """
    adapter = driver.adapter
    kind = type(adapter)
    if vars(kind).get(_WORKS):
        return None
    seconds, found = vars(kind).get(_LAST, (0.0, None))
    if found is not None and seconds >= _ENOUGH_SECONDS:
        return found  # type: ignore[no-any-return]
    began = _MONOTONIC[0]()
    found = _looked_at(adapter, base, ignored) or _tried(driver, new_bench)
    if found is None:
        setattr(kind, _WORKS, True)
    else:
        setattr(kind, _LAST, (seconds + _MONOTONIC[0]() - began, found))
    return found


def _looked_at(adapter: Any, base: type, ignored: Callable[[object], bool]) -> AdapterError | None:
    try:
        look_at(adapter, base, ignored)
    except AdapterError as error:
        return _bare(error)
    return None


def _tried(driver: AdapterDriver, new_bench: Callable[[], AbstractContextManager[Bench]]) -> AdapterError | None:
    found: AdapterError | None = None
    for _ in range(_TRIES):
        try:
            with new_bench() as bench:
                trial = _Probe(_SCENARIO, driver, bench)
                with driver.attached(trial.cut), listening(bench.server.app, trial.hear):
                    trial.run()
        except AdapterError as error:
            found = _bare(error)
        else:
            return None
    return found


def _bare(error: AdapterError) -> AdapterError:
    """Return an error without what would keep the client alive."""
    error.__context__ = None
    return error.with_traceback(None)


class _Probe(Trial):
    """A trial whose failures are the adapter's."""

    def run(self) -> None:
        """Connect and do every unit of work once. Raises AdapterError."""
        name = "connect"
        try:
            try:
                client = self.connect()
                if client is None or inspect.isgenerator(client):
                    self.fail(f"connect() returned {_kind(client)}.", should=REMEDIES["connect"])
                for name in self.units:
                    self._unit(client, name)
            except Runaway:
                self.fail(
                    f"{name}() made more than {LIMIT} requests, and was stopped.",
                    should="keep a unit of work small: one page or a few, and no waiting for something to happen.",
                )
        finally:
            raised = self.close()
        if isinstance(raised, AdapterError):
            raise raised

    def fail(
        self,
        did: str,
        exchanges: Sequence[Exchange] | None = None,
        error: BaseException | None = None,
        should: str = "",
    ) -> NoReturn:
        """Raise AdapterError: ``should`` says what to do."""
        shown = self.since() if exchanges is None else exchanges
        remedy = should or self._remedy(shown)
        raise AdapterError(self.driver.name, did, remedy, shown, error, _CONTEXT) from None

    def _wrong(self, did: str, part: str, error: BaseException | None = None) -> NoReturn:
        self.fail(did, error=error)

    def _unit(self, client: Any, name: str) -> None:
        """Do a unit of work, which must succeed and make a call that HubSpot accepts."""
        before = self.mark()
        returned: list[Any] = []
        error = self.tried(_noting(lambda: self.driver.part(name)(client), returned))
        made = self.since(before)
        if error is not None:
            self.fail(f"{name}() raised {brief(error)}.", made, error)
        self._check_value(name, returned[0], made)
        calls = [exchange for exchange in made if exchange.bearer]
        if not calls:
            asked = "it only asked for what follows" if made else "it made no request at all"
            self.fail(f"{name}() returned without a call to HubSpot's API: {asked}.", made, should=self._reach(made))
        if all(exchange.status == 401 for exchange in calls):
            self.fail(f"{name}() returned, but HubSpot answered 401 to every call.", made)
        if name == "write" and not any(exchange.method == "POST" for exchange in calls):
            self.fail("write() made no POST: it must create one record.", made, should="create a contact, say.")

    def _check_value(self, name: str, value: Any, made: Sequence[Exchange]) -> None:
        awaitable = inspect.isawaitable(value)
        if (inspect.isgenerator(value) or inspect.isasyncgen(value)) and not made:
            self.fail(
                f"{name}() returned {_kind(value)}, and made no call: nobody goes through it.",
                made,
                should="go through it to its end in the unit of work, with list(...) for instance.",
            )
        if name != "work":
            return
        if self.concurrency == "tasks" and not awaitable:
            self.fail('concurrency is "tasks", which wants `async def work`: work is no coroutine.', made, should=_WAYS)
        if self.concurrency == "threads" and awaitable:
            self.fail('work is a coroutine: set concurrency = "tasks", not "threads".', made, should=_WAYS)

    def _reach(self, exchanges: Sequence[Exchange]) -> str:
        return self._remedy(exchanges) if exchanges else _REACH

    def _remedy(self, exchanges: Sequence[Exchange]) -> str:
        if any(not exchange.served or exchange.status == 404 for exchange in exchanges):
            return f"{_SERVED}. Call these only, and of records only those that exist in a fresh account."
        if any(exchange.status == 401 for exchange in exchanges):
            return 'build the client with connection.tokens["access_token"]: HubSpot accepts that token.'
        return "fix the adapter, or what it calls, until this works with a token that is good."


_SCENARIO = Scenario("probe", (), "", "", lambda trial: None)


def _noting(call: Callable[[], Any], values: list[Any]) -> Callable[[], Any]:
    """Return a call that notes what it returns, before it is awaited."""

    def noted() -> Any:
        value = call()
        values.append(value)
        return value

    return noted


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__.replace('_', ' ')}"
