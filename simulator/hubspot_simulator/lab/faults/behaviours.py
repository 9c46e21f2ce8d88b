"""What can go wrong with a call other than a refusal: the connection, the answer, the time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from ...core.bodies import json_object
from ...core.clock import unpatched
from ...core.endpoint_table import TOKEN_ENDPOINTS
from ...core.endpoints import is_reachable
from ...core.exchange import NO_EFFECT, Effect, Exchange
from ...core.glob import is_path
from ...core.instants import ClockOutOfRange, duration
from ...core.store import Store
from ...core.tokens import try_parse
from ...core.wire_response import WireResponse
from .injection import Arrival, Fault
from .refusals import check_seconds

_SLEEP = unpatched("sleep")
_GLANCE_SECONDS = 0.005
_LONGEST_SECONDS = 86_400 * 366
_LONGEST_SKEW = timedelta(days=366)


class ConnectionReset(Fault):
    """The connection ends; the call was not carried out."""

    effect = Effect(unread=True)

    def arrive(self, arrival: Arrival) -> None:
        raise NoResponse("injected: the connection was reset before the call was carried out")


class NoResponse(Exception):
    """A call is not carried out and gets no response."""


class AnswerLost(Fault):
    """The call is carried out, and the connection ends without a response."""

    effect = Effect(unread=True, carried_out=True)

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        arrival.why.append(f"carried out ({response.status}), and the answer was lost")
        return response._replace(delivered="nothing")


class TruncatedBody(Fault):
    """The connection ends in the middle of the response's body."""

    effect = Effect(unread=True, carried_out=True)

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        if not response.body:
            arrival.why.append("the answer has no body that could be cut off")
            return response
        arrival.why.append("the answer was cut off in the middle of its body")
        return response._replace(delivered="cut")


@dataclass
class Delay(Fault):
    """The response takes ``seconds`` on the clocks of both sides, and ``real_seconds`` of waiting."""

    effect = Effect(delayed=True)

    move_time: Callable[[timedelta], str]
    seconds: float = 0
    real_seconds: float = 0

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds, most=_LONGEST_SECONDS)
        check_seconds("real_seconds", self.real_seconds)
        if not (self.seconds or self.real_seconds):
            raise ValueError("delay by how much? seconds=12 passes on the clocks, real_seconds=0.2 waits really")

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        arrival.why.append(f"the answer took {self.seconds + self.real_seconds:g} s")
        if self.seconds:
            self.move_time(timedelta(seconds=self.seconds))
        if self.real_seconds:
            _SLEEP[0](self.real_seconds)
        return response


@dataclass
class HeldAnswer(Fault):
    """The response is held back until a call of the path ``until`` was answered, at most ``real_seconds``."""

    effect = Effect(delayed=True)

    store: Store
    until: str = TOKEN_ENDPOINTS
    real_seconds: float = 2

    def __post_init__(self) -> None:
        check_seconds("real_seconds", self.real_seconds)
        if not is_reachable(None, self.until):
            raise ValueError(f"until={self.until!r}: expected a path that is served, a route template, or one with *")

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        for _ in range(int(self.real_seconds / _GLANCE_SECONDS)):
            if any(is_path(self.until, exchange.path, exchange.route) for exchange in self._since(arrival.number)):
                arrival.why.append(f"the answer was held back until {self.until} was answered")
                return response
            _SLEEP[0](_GLANCE_SECONDS)
        arrival.why.append(
            f"the answer was held back for {self.real_seconds:g} s; no call of {self.until} was answered"
        )
        return response

    def _since(self, number: int) -> list[Exchange]:
        with self.store.lock:
            recent = list(islice(reversed(self.store.exchanges), 100))
        return [exchange for exchange in recent if exchange.number > number and not exchange.stranger]


class OldToken(Fault):
    """A refresh is answered with the access token that was issued before, as from a cache that is too slow."""

    path = TOKEN_ENDPOINTS
    bound = True
    effect = Effect(altered=True)

    def __init__(self, store: Store) -> None:
        self._store = store

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        fields = json_object(response.body)
        new = fields.get("access_token")
        if not isinstance(new, str):
            return response
        with self._store.lock:
            exchanges = list(self._store.exchanges)
        for exchange in reversed(exchanges):
            old = exchange.access_token
            if exchange.bearer and old != new and _are_of_one_installation(old, new):
                arrival.why.append("answered with the token that was used before")
                return _with_fields(response, {**fields, "access_token": old})
        arrival.why.append("no other token of this account was used before: answered with the new one")
        return response


@dataclass
class WithoutMembers(Fault):
    """The JSON of the response lacks ``members``."""

    effect = Effect(altered=True)

    members: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError(f'members={self.members!r}: expected a list of names, as in members=["refresh_token"]')

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        fields = json_object(response.body)
        left_out = [name for name in self.members if name in fields]
        if not left_out:
            arrival.why.append(f"the answer has no {' and no '.join(self.members)} that could be left out")
            return response
        arrival.why.append(f"answered without {', '.join(left_out)}")
        return _with_fields(response, {name: value for name, value in fields.items() if name not in left_out})


class WithoutTokenMembers(WithoutMembers):
    """The token endpoint's response lacks members."""

    path = TOKEN_ENDPOINTS


class ClockSkew(Fault):
    """HubSpot's clock moves when the call comes, the caller's does not."""

    effect = NO_EFFECT

    def __init__(self, advance: Callable[[timedelta], None], **parts: float) -> None:
        self._advance = advance
        try:
            self._delta = duration(None, parts)
        except TypeError:
            given = f"{parts!r}: " if parts else ""
            raise ValueError(f"{given}by how much? minutes=5 puts HubSpot's clock ahead, minutes=-5 behind") from None
        except ClockOutOfRange:
            self._delta = timedelta.max
        if abs(self._delta) > _LONGEST_SKEW:
            raise ValueError(f"{parts!r}: expected at most {_LONGEST_SKEW.days} days, ahead or behind")

    def arrive(self, arrival: Arrival) -> None:
        try:
            self._advance(self._delta)
        except ClockOutOfRange as error:
            arrival.why.append(f"no clock moved: {error}")
        else:
            arrival.why.append(f"HubSpot's clock moved by {self._delta}")


def _are_of_one_installation(one: str, other: str) -> bool:
    first, second = try_parse(one), try_parse(other)
    if first is None or second is None:
        return False
    return (first.app_id, first.hub_id) == (second.app_id, second.hub_id)


def _with_fields(response: WireResponse, fields: dict[str, object]) -> WireResponse:
    body = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    headers = [(name, str(len(body)) if name == "Content-Length" else value) for name, value in response.headers]
    return response._replace(headers=headers, body=body)
