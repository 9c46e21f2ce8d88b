"""The clock that a simulator has in a test: it follows whoever freezes the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from freezegun import api

from hubspot_simulator.core.clock import SystemClock
from hubspot_simulator.core.instants import iso_instant, to_ms

from . import freezes


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
    # calling a factory that steps by itself would move it
    moment = factory() if isinstance(factory, api.TickingDateTimeFactory) else factory.time_to_freeze
    return to_ms(moment - freezes.EPOCH)
