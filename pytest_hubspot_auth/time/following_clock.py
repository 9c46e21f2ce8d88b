"""The simulator's clock in a test, which follows every freeze."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from freezegun import api

from hubspot_simulator.core.clock import SystemClock
from hubspot_simulator.core.instants import iso_instant, to_ms

from . import freezes


class FollowingClock:
    """A clock that shows the time of the newest freeze of any code, or real time if there is none.

    It calls no function that freezegun replaces, so server threads can use it while a freeze ends.
    """

    def __init__(self) -> None:
        self._system = SystemClock()
        self._mover = freezes.Mover()

    def before_move(self, act: Callable[[], object]) -> None:
        """Call ``act`` before each move of any freeze."""
        self._mover.actions.append(act)

    def stage(self) -> object | None:
        """Return the newest freeze; None if time is not frozen."""
        return freezes.newest()

    def left_at_ms(self, stage: object) -> int | None:
        """Return the instant that a freeze showed when it ended, in epoch milliseconds; None while it is active."""
        if freezes.is_on(stage):
            return None
        if hasattr(stage, "time_ns"):  # time-machine's
            return int(stage.time_ns()) // 1_000_000
        return _shown_ms(stage)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {iso_instant(self.now_ms())}>"

    def now_ms(self) -> int:
        """Return the current instant in epoch milliseconds."""
        try:
            factory = api.freeze_factories[-1]
        except IndexError:
            return self._system.now_ms()
        return _shown_ms(factory)


def _shown_ms(factory: Any) -> int:
    # calling an auto-ticking factory would move it
    moment = factory() if isinstance(factory, api.TickingDateTimeFactory) else factory.time_to_freeze
    return to_ms(moment - freezes.EPOCH)
