"""Moves the simulator's clock between a child's calls, as ``--expire-after`` and ``--advance-after`` say."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from datetime import timedelta

from ..core.exchange import Exchange
from ..core.instants import ClockOutOfRange
from ..core.tokens import try_parse
from ..core.words import plural
from ..simulator import Simulator
from .shared_clock import FOLLOW

_DURATION = re.compile(r"([+-]?)(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MAX_DURATION = timedelta(days=10_000)  # the clock stays between 1970 and 9999
_UNAUTHORIZED = 401


def read_duration(text: str) -> timedelta:
    """Read a duration such as ``31m``, ``-90s`` or ``1.5h``. Without a unit, it is in seconds. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a duration: expected a number followed by ms, s, m, h or d, as in 31m")
    sign, number, unit = match.groups()
    try:
        delta = timedelta(**{_UNITS[unit or "s"]: float(number)})
    except OverflowError:
        delta = timedelta.max
    if delta > _MAX_DURATION:
        raise ValueError(f"{text!r} is too long a duration: the maximum is {_MAX_DURATION.days}d")
    return -delta if sign == "-" else delta


def read_child_clock(text: str) -> timedelta | str:
    """Read the value of ``--child-clock``: a duration, or ``follow``. Raises ValueError."""
    return FOLLOW if text == FOLLOW else read_duration(text)


def read_advance(text: str) -> tuple[int, timedelta]:
    """Read a number of calls and a duration, such as ``3:31m``. Raises ValueError."""
    calls, colon, duration = text.partition(":")
    if not colon or not (calls.isascii() and calls.isdecimal()):
        raise ValueError(f"{text!r}: expected a number of calls and a duration, as in 3:31m")
    return int(calls), read_duration(duration)


class Schedule:
    """Moves a simulator's time after given numbers of authenticated calls. Must be called with every exchange.

    After each number of calls in ``expire_after``, the time moves past the expiry of the token that was last used.
    ``advance_after`` pairs numbers of calls with durations to move by. ``notes`` describes the moves, by the number of
    the exchange before them.
    """

    def __init__(
        self, simulator: Simulator, expire_after: Iterable[int], advance_after: Sequence[tuple[int, timedelta]]
    ) -> None:
        self.notes: dict[int, list[str]] = {}
        self._simulator = simulator
        self._expire_after = set(expire_after)
        self._advance_after = advance_after
        self._calls = 0
        self._lock = threading.Lock()
        self._move(0, simulator.installation.access_token)

    def __call__(self, exchange: Exchange) -> None:
        token = exchange.access_token
        if not token or exchange.status == _UNAUTHORIZED or exchange.route is None:
            return
        with self._lock:
            self._calls += 1
            self._move(exchange.number, token)

    def _move(self, number: int, token: str) -> None:
        if self._calls in self._expire_after:
            self._note(number, self._expire(token))
        for calls, delta in self._advance_after:
            if calls == self._calls:
                self._note(number, self._move_time(delta))

    def _expire(self, token: str) -> str:
        parsed = try_parse(token)
        if parsed is None or parsed.expires_at_ms is None:
            return "the token of this call never expires, so the simulator's clock was not moved"
        delta = timedelta(milliseconds=max(0, parsed.expires_at_ms + 1000 - self._simulator.clock.now_ms()))
        return f"the token expired: {self._move_time(delta)}"

    def _move_time(self, delta: timedelta) -> str:
        try:
            clocks = self._simulator.move_time(delta).replace("HubSpot's", "the simulator's")
        except ClockOutOfRange as error:
            return str(error)
        return f"{clocks} moved by {_text(delta)}"

    def _note(self, number: int, text: str) -> None:
        calls = plural(self._calls, "authenticated call")
        self.notes.setdefault(number, []).append(f"after {calls}, {text}")


def _text(delta: timedelta) -> str:
    sign = "-" if delta < timedelta() else ""
    return f"{sign}{timedelta(seconds=round(abs(delta).total_seconds()))}"
