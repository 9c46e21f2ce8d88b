"""The clock of a test: freezegun for the code under test, and the simulator with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from typing import Any

from freezegun import api, freeze_time

from hubspot_simulator.core import tokens
from hubspot_simulator.core.clock import OffsetClock, SystemClock, duration, from_datetime, to_datetime, to_ms
from hubspot_simulator.core.connected import ConnectedInstallation

from . import freezes
from .freezegun_types import make_stand_ins_equal
from .local_time import local_time

_EPOCH = api.real_datetime(1970, 1, 1)  # naive, as freezegun's own times are

# freezegun gives real time to every caller that has one of these modules within five stack frames.
_KEPT_REAL = (
    "cheroot",
    "hubspot_simulator.wsgi_server",
    "_pytest.runner",  # or the duration of a test would be how far its clock was moved
    "_pytest.timing",
)


class FollowingClock:
    """A clock that shows the time of the newest freeze, whoever froze it, and the machine's otherwise.

    It reads no function that freezegun replaces, so that a server thread may use it while a freeze ends.
    """

    def __init__(self) -> None:
        self._system = SystemClock()
        self._mover = freezes.Mover()

    def before_move(self, act: Callable[[], object]) -> None:
        """Have ``act`` called before each move of a freeze, whoever froze it."""
        self._mover.acts.append(act)

    def stage(self) -> object | None:
        """Return the newest freeze; None when there is none."""
        return freezes.newest()

    def left_at_ms(self, stage: object) -> int | None:
        """Return the instant at which a freeze ended, in epoch milliseconds; None while it is on."""
        if freezes.is_on(stage):
            return None
        if hasattr(stage, "time_ns"):  # time-machine's
            return int(stage.time_ns()) // 1_000_000
        return _shown_ms(stage)

    def now_ms(self) -> int:
        """Return the current instant in epoch milliseconds."""
        try:
            factory = api.freeze_factories[-1]
        except IndexError:
            return self._system.now_ms()
        return _shown_ms(factory)


def _shown_ms(factory: Any) -> int:
    # calling a factory that steps by itself would move it
    moment = factory() if isinstance(factory, api.TickingDateTimeFactory) else factory.time_to_freeze
    return to_ms(moment - _EPOCH)


def move_newest_freeze(delta: timedelta) -> bool:
    """Move the newest freeze, whoever froze it. Return whether there is one."""
    factories = api.freeze_factories[-1:]
    for factory in factories:
        factory.tick(delta)
    return bool(factories)


def is_frozen() -> bool:
    """Tell whether freezegun holds the time."""
    return bool(api.freeze_factories)


class ClientSide:
    """The clock of the code under test."""

    def __init__(self, clock: HubspotClock) -> None:
        self._clock = clock

    @property
    def now(self) -> datetime:
        """What the code under test takes for now, aware, in UTC."""
        return self._clock.now

    def advance(self, delta: timedelta | None = None, /, **parts: float) -> None:
        """Move this side only, by a ``timedelta`` or its keywords; a negative one makes it late."""
        moved = duration(delta, parts)
        self._clock.server.hold(lambda: self._clock._tick(moved))


class HubspotClock:
    """One clock for the code under test and the simulator. It stands still except when it is moved.

    ``server`` and ``client`` move one side alone, for skew between the two. ``now`` is where it starts, the present
    without it. ``utc_offset`` is how many hours the local time of the code under test is ahead of UTC.
    """

    def __init__(self, server: OffsetClock, now: datetime | None = None, utc_offset: float = 0) -> None:
        self.server = server
        self.client = ClientSide(self)
        start_ms = server.base.now_ms() if now is None else from_datetime(now)
        self._freezer = freeze_time(to_datetime(start_ms), tz_offset=timedelta(hours=utc_offset), real_asyncio=True)
        self._factory: api.FrozenDateTimeFactory | None = None
        self._utc_offset = utc_offset
        self._local_time = ExitStack()

    def start(self) -> None:
        """Freeze time."""
        make_stand_ins_equal()
        if self._utc_offset:
            self._local_time.enter_context(local_time(self._utc_offset))
        factory = self._freezer.start()
        assert isinstance(factory, api.FrozenDateTimeFactory)  # neither tick nor auto_tick_seconds is set
        self._factory = factory
        # "threading" must be ignored while freezegun patches modules (or Condition.wait_for would hang), but not
        # afterwards: code in a thread or an executor has `threading` on its stack and must see the frozen time.
        kept = tuple(name for name in api.ignore_lists[-1] if name != "threading")
        api.ignore_lists[-1] = kept + _KEPT_REAL

    def stop(self) -> None:
        """Let time run again."""
        self._factory = None
        self._freezer.stop()
        self._local_time.close()

    @property
    def now(self) -> datetime:
        """What the code under test takes for now, aware, in UTC."""
        frozen = self._frozen.time_to_freeze
        return to_datetime(to_ms(frozen - _EPOCH))

    def advance(self, delta: timedelta | None = None, /, **parts: float) -> None:
        """Move both sides, by a ``timedelta`` or its keywords: ``advance(minutes=31)``.

        Raises TypeError for anything else.
        """
        self._tick(duration(delta, parts))

    def advance_to(self, when: datetime) -> None:
        """Move the code under test to an instant, and the simulator as far. A naive datetime is taken as UTC."""
        self._tick(timedelta(milliseconds=from_datetime(when)) - timedelta(milliseconds=from_datetime(self.now)))

    def expire(self, what: str | ConnectedInstallation) -> None:
        """Move both sides to one second after the expiry of an access token; not if it is expired already.

        ``what`` is an access token or an installation, whose ``access_token`` is meant. Raises ValueError for a
        text that is no access token or carries no expiry.
        """
        text = what if isinstance(what, str) else what.access_token
        try:
            expires_at_ms = tokens.parse(text).expires_at_ms
        except tokens.MalformedToken:
            expires_at_ms = None
        if expires_at_ms is None:
            raise ValueError(
                f"expire() got {tokens.shorten(text)!r}, which is no access token with an expiry: pass "
                "hubspot_installation, or an access token that the simulator issued"
            )
        left_ms = expires_at_ms - self.server.now_ms()
        if left_ms > 0:
            self._tick(timedelta(milliseconds=left_ms, seconds=1))

    @property
    def _frozen(self) -> api.FrozenDateTimeFactory:
        if self._factory is None:
            raise RuntimeError("hubspot_clock was used after its test")
        return self._factory

    def _tick(self, delta: timedelta) -> None:
        factory = self._frozen
        if api.freeze_factories[-1] is not factory:
            raise RuntimeError(
                "time was frozen a second time after hubspot_clock froze it (freeze_time, pytest-freezer): moving "
                "hubspot_clock would have no effect. Move the newer freeze instead, which the simulator follows, "
                "or leave it out"
            )
        factory.tick(delta)


def parse_utc_offset(value: object) -> float:
    """Return the hours that the mark's ``utc_offset=`` names. Raises ValueError with the accepted ones."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -24 < value < 24:
        raise ValueError(f"utc_offset={value!r}: expected hours ahead of UTC, such as 9 (Tokyo) or -5 (New York)")
    return value


def parse_now(value: object) -> datetime:
    """Return the instant that the mark's ``now=`` names: ISO 8601 text or a datetime, naive ones in UTC.

    Raises ValueError with the accepted forms.
    """
    expected = f"now={value!r}: expected an ISO 8601 instant such as '2026-11-23T10:00:00Z', or a datetime"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise ValueError(expected) from None
    if not isinstance(value, datetime):
        raise ValueError(expected)
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
