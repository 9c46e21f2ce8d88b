"""The clock of a test: freezes time with freezegun for the code under test, and moves the simulator along."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from types import ModuleType

from freezegun import api, freeze_time

from hubspot_simulator.core import tokens
from hubspot_simulator.core.clock import OffsetClock
from hubspot_simulator.core.connected_installation import ConnectedInstallation
from hubspot_simulator.core.instants import duration, from_datetime, iso_instant, to_datetime, to_ms

from .freezegun_types import patch_fake_types
from .freezes import EPOCH
from .local_time import local_time
from .waiting.imports import ImportsWhileFrozen
from .waiting.passed_over import NAMES, PassedOver
from .waiting.real_waits import RealWaits, measures_its_waits
from .waiting.simulated import SimulatedWaiting

# freezegun gives real time to every caller with one of these modules in the nearest five stack frames.
_REAL_TIME_CALLERS = (
    "cheroot",
    "hubspot_simulator.serving.wsgi_",
    "_pytest.runner",  # otherwise moves of the clock would count as the test's duration
    "_pytest.timing",
)


@contextmanager
def _real_event_loops() -> Iterator[None]:
    """Make asyncio's event loops read real time; otherwise ``asyncio.sleep`` would hang.

    freezegun's ``real_asyncio`` does the same, but creates an event loop to find its class, which needs sockets.
    """
    original = asyncio.BaseEventLoop.time
    asyncio.BaseEventLoop.time = lambda self: api.real_monotonic()  # type: ignore[method-assign]
    try:
        yield
    finally:
        asyncio.BaseEventLoop.time = original  # type: ignore[method-assign]


class ClientSide:
    """The clock of the code under test."""

    def __init__(self, clock: HubspotClock) -> None:
        self._clock = clock

    @property
    def now(self) -> datetime:
        """The current time as the code under test sees it: an aware datetime in UTC."""
        return self._clock.now

    def advance(self, delta: timedelta | None = None, /, **parts: float) -> None:
        """Move only this side, by a ``timedelta`` or its keywords. A negative one makes this clock slow."""
        moved = duration(delta, parts)
        self._clock.server.hold(lambda: self._clock._tick(moved))


class HubspotClock:
    """One frozen clock for the code under test and the simulator. It changes only when it is moved.

    ``server`` and ``client`` move one side only, to create clock skew. ``now`` is the start time; the default is the
    present. ``utc_offset`` is how many hours the local time of the code under test is ahead of UTC. ``waiting`` is
    ``real``, or ``simulated`` for the effect of ``simulate_waiting()``.
    """

    def __init__(
        self, server: OffsetClock, now: datetime | None = None, utc_offset: float = 0, waiting: str = "real"
    ) -> None:
        self.server = server
        self.client = ClientSide(self)
        start_ms = server.base.now_ms() if now is None else from_datetime(now)
        if now is not None:
            server.check_instant(start_ms)
        self._freezer = freeze_time(to_datetime(start_ms), tz_offset=timedelta(hours=utc_offset))
        self._factory: api.FrozenDateTimeFactory | None = None
        self._utc_offset = utc_offset
        self._exits = ExitStack()
        self._starts_simulated = waiting == "simulated"
        self._waiting = SimulatedWaiting(self._frozen_seconds, self._tick_factory)
        self._waits = RealWaits()
        self._passed_over = PassedOver()
        self._imports = ImportsWhileFrozen(self._on_import)

    def __repr__(self) -> str:
        if self._factory is None:
            return f"<{type(self).__name__}, not frozen>"
        ahead = timedelta(milliseconds=self.server.now_ms() - from_datetime(self.now))
        skew = f", HubSpot's clock {abs(ahead)} {'ahead' if ahead > timedelta(0) else 'behind'}" if ahead else ""
        return f"<{type(self).__name__} at {iso_instant(from_datetime(self.now))}{skew}>"

    def start(self) -> None:
        """Freeze time."""
        patch_fake_types()
        if self._utc_offset:
            self._exits.enter_context(local_time(self._utc_offset))
        # first, because freezegun reads every attribute of every module, and pydantic imports some of its own on access
        self._imports.start()
        factory = self._freezer.start()
        self._exits.enter_context(_real_event_loops())
        assert isinstance(factory, api.FrozenDateTimeFactory)  # neither tick nor auto_tick_seconds is set
        self._factory = factory
        # freezegun must ignore NAMES while it patches modules (or Condition.wait_for would hang), but not afterwards:
        # code in a thread or an executor has `threading` on its stack and must see frozen time.
        ignored = tuple(name for name in api.ignore_lists[-1] if name not in NAMES)
        api.ignore_lists[-1] = ignored + _REAL_TIME_CALLERS
        self._waits.start()
        self._passed_over.start()
        if self._starts_simulated:
            self._waiting.start()

    def stop(self) -> None:
        """Let time run again."""
        while self._waiting.is_on:
            self._waiting.stop()
        self._factory = None
        self._imports.stop()
        self._passed_over.stop()
        self._freezer.stop()
        self._waits.stop()
        self._exits.close()

    def _on_import(self, module: ModuleType) -> None:
        if measures_its_waits(module.__name__):
            self._waits.keep(module)

    @property
    def now(self) -> datetime:
        """The current time as the code under test sees it: an aware datetime in UTC."""
        frozen = self._frozen.time_to_freeze
        return to_datetime(to_ms(frozen - EPOCH))

    def advance(self, delta: timedelta | None = None, /, **parts: float) -> None:
        """Move both sides, by a ``timedelta`` or its keywords: ``advance(minutes=31)``.

        Raises TypeError for anything else, and ClockOutOfRange (a ValueError) if a clock would leave 1970 to 9999.
        """
        self._move(duration(delta, parts))

    def advance_to(self, when: datetime) -> None:
        """Move the code under test to an instant, and the simulator by the same duration. Naive datetimes are UTC."""
        self._move(timedelta(milliseconds=from_datetime(when)) - timedelta(milliseconds=from_datetime(self.now)))

    def simulate_waiting(self) -> SimulatedWaiting:
        """Make waits pass simulated time, from now until the end of the test or of a ``with`` block.

        ``time.sleep`` in the thread that calls this moves both sides and returns immediately. asyncio's timers and
        ``threading.Timer`` end when the clock passes them. When an event loop in this thread waits only for timers, the
        clock moves to the nearest one. Other waits stay real: see docs/waiting.md.
        """
        assert self._frozen
        return self._waiting.start()

    def expire(self, what: str | ConnectedInstallation) -> None:
        """Move both sides to one second after an access token expires. Do nothing if it has already expired.

        ``what`` is an access token, or an installation, which stands for its ``access_token``. Raises ValueError for a
        text that is not an access token with an expiry.
        """
        text = what if isinstance(what, str) else what.access_token
        token = tokens.try_parse(text)
        if token is None or token.expires_at_ms is None:
            raise ValueError(
                f"expire() got {tokens.shorten(text)!r}, which is not an access token with an expiry: pass "
                "hubspot_installation, or an access token that the simulator issued"
            )
        left_ms = token.expires_at_ms - self.server.now_ms()
        if left_ms > 0:
            self._move(timedelta(milliseconds=left_ms, seconds=1))

    @property
    def _frozen(self) -> api.FrozenDateTimeFactory:
        if self._factory is None:
            raise RuntimeError(
                "the clock was used outside its test, or its `with hubspot_simulation()`: time is not frozen there"
            )
        return self._factory

    def _move(self, delta: timedelta) -> None:
        self.server.check_move(delta)
        self._tick(delta)

    def _tick(self, delta: timedelta) -> None:
        factory = self._frozen
        if api.freeze_factories[-1] is not factory:
            raise RuntimeError(
                "time was frozen a second time after hubspot_clock froze it (freeze_time, pytest-freezer): moving "
                "hubspot_clock would have no effect. Move the newer freeze instead, which the simulator follows, "
                "or remove it"
            )
        if self._waiting.is_on and delta > timedelta(0):
            self._waiting.move(delta)
        else:
            factory.tick(delta)

    def _tick_factory(self, delta: timedelta) -> None:
        self._frozen.tick(delta)

    def _frozen_seconds(self) -> float:
        return (self._frozen.time_to_freeze - EPOCH).total_seconds()
