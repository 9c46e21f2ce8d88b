"""Moves the clock between a child's calls."""

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
_LONGEST = timedelta(days=10_000)  # the clock stays between 1970 and 9999
_UNAUTHORIZED = 401


def read_duration(text: str) -> timedelta:
    """Return the duration of a text like ``31m``, ``-90s`` or ``1.5h``; a number is seconds. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no duration: expected a number with ms, s, m, h or d behind it, as in 31m")
    sign, number, unit = found.groups()
    try:
        delta = timedelta(**{_UNITS[unit or "s"]: float(number)})
    except OverflowError:
        delta = timedelta.max
    if delta > _LONGEST:
        raise ValueError(f"{text!r} is too long a duration: the most is {_LONGEST.days}d")
    return -delta if sign == "-" else delta


def read_child_clock(text: str) -> timedelta | str:
    """Return the duration of a text, or ``follow``. Raises ValueError."""
    return FOLLOW if text == FOLLOW else read_duration(text)


def read_advance(text: str) -> tuple[int, timedelta]:
    """Return the calls and the duration of ``3:31m``. Raises ValueError."""
    calls, colon, duration = text.partition(":")
    if not colon or not (calls.isascii() and calls.isdecimal()):
        raise ValueError(f"{text!r}: expected a number of calls and a duration, as in 3:31m")
    return int(calls), read_duration(duration)


class Schedule:
    """Moves a simulator's time when so many authenticated calls have been answered. Called with every exchange.

    ``expire_after`` counts calls after which it moves past the expiry of the token that was last used,
    ``advance_after`` those after which it moves by a duration. ``notes`` say what was done, by number of the exchange.
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
            return "the token of this call does not expire: the simulator's clock was not moved"
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
