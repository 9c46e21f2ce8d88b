"""How a token can die: on both clocks, in flight, or at HubSpot alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from ...core.clock import OffsetClock
from ...core.exchange import NO_EFFECT, Effect
from ...core.instants import ClockOutOfRange
from ...core.model import TokenOverride
from ...core.store import Store
from ...core.tokens import try_parse
from ...core.wire_response import WireResponse
from .injection import Arrival, Fault

_PAST = timedelta(seconds=1)
_IN_FLIGHT = timedelta(milliseconds=99)  # as late as the one that airbyte#26515 recorded

MoveTime = Callable[[timedelta], str]


class Expiry(Fault):
    """Both clocks pass the expiry of every access token, just before the answer of the call is released.

    So the caller can know, if it looks at its clock before the next call.
    """

    effect = Effect(delayed=True)

    def __init__(self, store: Store, clock: OffsetClock, move_time: MoveTime) -> None:
        self._store = store
        self._clock = clock
        self._move_time = move_time

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        arrival.why.append(f"then {expire_all(self._store, self._clock, self._move_time)}")
        return response


class InFlight(Expiry):
    """Both clocks pass the expiry of every access token when the call comes: its sender cannot have known."""

    effect = NO_EFFECT

    def arrive(self, arrival: Arrival) -> None:
        arrival.why.append(f"on its way {expire_all(self._store, self._clock, self._move_time, past=_IN_FLIGHT)}")

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        return response


class ServerOnly(Fault):
    """The access token of the call expires at HubSpot as the call comes, earlier than its answer had promised."""

    bound = True
    effect = NO_EFFECT

    def __init__(self, store: Store) -> None:
        self._store = store

    def arrive(self, arrival: Arrival) -> None:
        token = try_parse(arrival.access_token)
        if token is None:  # it is refused as it is
            return
        with self._store.lock:
            override = self._store.token_overrides.get(token.identity, TokenOverride())
            expires_at_ms = token.expires_at_ms if override.expires_at_ms is None else override.expires_at_ms
            if expires_at_ms is None or expires_at_ms <= arrival.now_ms:
                arrival.why.append("injected: its token was to expire early, and had expired before")
                return
            self._store.token_overrides[token.identity] = replace(override, expires_at_ms=arrival.now_ms)
        arrival.why.append("injected: its token expires early")


class Revoked(ServerOnly):
    """The access token of the call is revoked as the call comes; the refresh token is not."""

    def arrive(self, arrival: Arrival) -> None:
        token = try_parse(arrival.access_token)
        if token is None:  # it is refused as it is
            return
        with self._store.lock:
            override = self._store.token_overrides.get(token.identity, TokenOverride())
            self._store.token_overrides[token.identity] = replace(override, revoked=True)
        arrival.why.append("injected: its token is revoked")


def expire_all(store: Store, clock: OffsetClock, move_time: MoveTime, *, past: timedelta = _PAST) -> str:
    """Move both clocks past the expiry of every access token that was issued; say what moved, and how far."""
    clock.about_to_move()  # issues what nobody has read
    left = timedelta(milliseconds=store.last_expiry_ms - clock.now_ms())
    if left <= timedelta():
        return "no clock moved: no access token was left to expire"
    try:
        return f"{move_time(left + past)} moved by {left + past}"
    except ClockOutOfRange as error:
        return f"no clock moved: {error}"
