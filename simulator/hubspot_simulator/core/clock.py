"""Clocks: where every instant of the simulator comes from.

All clocks speak epoch milliseconds (``int``), the unit of a HubSpot token's expiry.
"""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections.abc import Callable
from datetime import datetime, timedelta
from types import BuiltinFunctionType
from typing import Any, Protocol, cast

from .instants import END_MS, duration, from_datetime, iso_instant, to_datetime, to_ms
from .instants import ClockOutOfRange as ClockOutOfRange


def unpatched(name: str) -> list[Callable[..., Any]]:
    """Return ``time.<name>`` in a list, as it was before freezegun replaced it.

    freezegun replaces the attributes of modules, and a server thread that reads a replaced function while
    a freeze ends raises IndexError (spulec/freezegun#345). It does not look into lists. time-machine works
    in C, so what is kept here still follows it.
    """
    function = getattr(time, name)
    if not isinstance(function, BuiltinFunctionType):  # imported while frozen
        function = getattr(sys.modules.get("freezegun.api"), f"real_{name}", function)
    return [function]


_TIME_NS = unpatched("time_ns")


class Clock(Protocol):
    """Anything that tells the time."""

    def now_ms(self) -> int:
        """Return the current instant in epoch milliseconds."""
        ...


class FollowedClock(Clock, Protocol):
    """A clock that others move too: it shows a time that somebody else holds.

    A ``stage`` is what holds the time now (a freeze), None while it runs by itself.
    """

    def before_move(self, act: Callable[[], object]) -> None:
        """Have ``act`` called before each move."""
        ...

    def stage(self) -> object | None:
        """Return the stage that is on."""
        ...

    def left_at_ms(self, stage: object) -> int | None:
        """Return the last instant of a stage that has ended, in epoch milliseconds; None while it is on."""
        ...


class SystemClock:
    """The machine's clock. It ignores freezegun."""

    def now_ms(self) -> int:
        """Return the current instant in epoch milliseconds."""
        ns: int = _TIME_NS[0]()
        return ns // 1_000_000

    def __repr__(self) -> str:
        return _repr(self)


class ManualClock:
    """A clock that stands still.

    ``start_ms`` is its instant in epoch milliseconds; without one it stands at the instant of its creation.
    """

    def __init__(self, start_ms: int | None = None) -> None:
        self._now_ms = SystemClock().now_ms() if start_ms is None else start_ms

    def now_ms(self) -> int:
        """Return the instant at which the clock stands, in epoch milliseconds."""
        return self._now_ms

    def __repr__(self) -> str:
        return _repr(self)


def _repr(clock: Clock) -> str:
    return f"<{type(clock).__name__} at {iso_instant(clock.now_ms())}>"


class OffsetClock:
    """A clock that can be moved, on top of one that tells the time.

    It runs from 1970 to the end of the year 9999, less ``longest_life_ms``, the longest life of what is issued by it.
    """

    longest_life_ms = 0

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._offset_ms = 0
        self._lock = threading.RLock()
        self._holder: int | None = None
        self._acts: list[weakref.WeakMethod[Callable[[], object]]] = []
        self._followed = cast(FollowedClock, base) if hasattr(base, "before_move") else None  # isinstance() is slow
        if self._followed is not None:
            self._followed.before_move(self.about_to_move)

    def before_move(self, act: Callable[[], object]) -> None:
        """Have a method called before each move of this clock, whoever makes it; the clock does not keep its object.

        That time passes is no move, nor that a freeze starts.
        """
        self._acts.append(weakref.WeakMethod(act))

    def about_to_move(self) -> None:
        """Call what is to be called before a move."""
        if self._holder == threading.get_ident():  # within hold(), which has done so
            return
        for reference in list(self._acts):
            act = reference()
            if act is None:
                self._acts.remove(reference)
            else:
                act()

    def stage(self) -> object | None:
        """Return what holds the time now, for ``instant_in``; None while it runs by itself."""
        return self._followed.stage() if self._followed else None

    def instant_in(self, stage: object | None) -> int:
        """Return the current instant, or the last one of a stage that has ended since, in epoch milliseconds."""
        if stage is not None and self._followed is not None:
            left_at_ms = self._followed.left_at_ms(stage)
            if left_at_ms is not None:
                return left_at_ms + self._offset_ms
        return self.now_ms()

    @property
    def base(self) -> Clock:
        """The clock underneath."""
        return self._base

    @property
    def offset_ms(self) -> int:
        """How far this clock has been moved from the one underneath, in milliseconds."""
        return self._offset_ms

    def now_ms(self) -> int:
        """Return the current instant in epoch milliseconds."""
        with self._lock:
            return self._base.now_ms() + self._offset_ms

    @property
    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return to_datetime(self.now_ms())

    def advance(self, delta: timedelta | None = None, /, **parts: float) -> None:
        """Move the clock by a ``timedelta`` or its keywords (``minutes=31``); a negative one moves it back.

        Raises TypeError for anything else, ClockOutOfRange (a ValueError) for a move to where the clock does not run.
        """
        moved = duration(delta, parts)
        self.check_move(moved)
        self.about_to_move()
        with self._lock:
            self.check_move(moved, self._base.now_ms() + self._offset_ms)
            self._offset_ms += to_ms(moved)

    def advance_to(self, when: datetime) -> None:
        """Move the clock to an instant. A naive datetime is taken as UTC. Raises as ``advance`` does."""
        target_ms = from_datetime(when)
        self.check_instant(target_ms)
        self.about_to_move()
        with self._lock:
            self._offset_ms = target_ms - self._base.now_ms()

    def check_move(self, delta: timedelta, now_ms: int | None = None) -> None:
        """Raise ClockOutOfRange when a move, from now or from ``now_ms``, ends where the clock does not run."""
        now_ms = self.now_ms() if now_ms is None else now_ms
        if not 0 <= now_ms + to_ms(delta) <= self._latest_ms:
            raise ClockOutOfRange(f"cannot move HubSpot's clock by {delta} from {iso_instant(now_ms)}: {self._range}")

    def check_instant(self, ms: int) -> None:
        """Raise ClockOutOfRange when the clock does not run at an instant (epoch milliseconds)."""
        if not 0 <= ms <= self._latest_ms:
            raise ClockOutOfRange(f"cannot set HubSpot's clock to {to_datetime(ms).isoformat()}: {self._range}")

    @property
    def _latest_ms(self) -> int:
        return END_MS - 1 - self.longest_life_ms

    @property
    def _range(self) -> str:
        return f"it runs from 1970 to {iso_instant(self._latest_ms)}: what is issued later would outlive the year 9999"

    def hold(self, change: Callable[[], object]) -> None:
        """Call ``change``, which moves the clock underneath, while this one stays where it is."""
        self.about_to_move()
        with self._lock:
            before_ms = self._base.now_ms()
            self._holder = threading.get_ident()
            try:
                change()
            finally:
                self._holder = None
            self._offset_ms += before_ms - self._base.now_ms()

    def __repr__(self) -> str:
        moved = f", moved by {timedelta(milliseconds=self._offset_ms)}" if self._offset_ms else ""
        return f"<{type(self).__name__} at {iso_instant(self.now_ms())}{moved}>"

    def reset(self) -> None:
        """Undo every move."""
        with self._lock:
            self._offset_ms = 0
