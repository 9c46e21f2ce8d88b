"""The expiry sweep: repeats something that passes once per call, each time with a fault on that call.

SQLite is tested this way: count the operations, then run again and fail the first, the second, and so on.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.bodies import form_fields
from ..core.endpoint_table import TOKEN_ENDPOINTS, is_token_endpoint
from ..core.exchange import NO_EFFECT, Exchange
from ..core.redaction import shown, shown_url
from ..core.wire_response import WireResponse
from ..core.words import plural
from .faults.expiries import expire_all
from .faults.injection import Arrival, Fault, FaultTarget, InjectedFault

if TYPE_CHECKING:
    from ..simulator import Simulator

_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_EVERY_CALL = FaultTarget(method=None, path=None)


@dataclass(frozen=True)
class SweepKind:
    """What happens to a call. ``name`` is the name of its points, with ``{}`` for the call's number.

    ``description`` completes "call 2: ...". ``fault`` is a name for ``inject``; with ``before`` it hits the response
    before the call. ``token_fault`` also hits the token endpoint. ``kills`` tells that the call's token is dead.
    """

    name: str
    description: str
    fault: str
    before: bool = False
    token_fault: str = ""
    only_writes: bool = False
    kills: bool = False


_CLOCKS = "{clocks} passed the expiry just before {next_event}"
KINDS = {
    "expiry": SweepKind(
        "expired-before-{}", f"the access token had expired: {_CLOCKS}", "expiry", before=True, kills=True
    ),
    "in_flight": SweepKind(
        "expired-in-flight-{}",
        "its access token expired in flight: {clocks} passed the expiry after the call was sent",
        "in_flight",
        kills=True,
    ),
    "server_only": SweepKind(
        "expired-early-{}",
        "its access token had expired at HubSpot, earlier than expires_in promised",
        "server_only",
        kills=True,
    ),
    "revoked": SweepKind("revoked-before-{}", "its access token had been revoked at HubSpot", "revoked", kills=True),
    "429": SweepKind("429-at-{}", "it got 429 TEN_SECONDLY_ROLLING, once", "TEN_SECONDLY_ROLLING"),
    "500": SweepKind("500-at-{}", "it got 500, once", "INTERNAL_ERROR"),
    "503": SweepKind("503-at-{}", "it got 503, once", "SERVICE_UNAVAILABLE"),
    "connection_reset": SweepKind("connection-reset-at-{}", "its connection was reset, once", "connection_reset"),
    "answer_lost": SweepKind(
        "answer-lost-of-{}", "it was carried out, but its response was lost", "answer_lost", only_writes=True
    ),
    "slow_token": SweepKind(
        "slow-token-before-{}",
        f"the access token had expired ({_CLOCKS}), and the token endpoint took 12 s on the clocks",
        "expiry",
        before=True,
        token_fault="delay",
        kills=True,
    ),
}


@dataclass(frozen=True)
class Point:
    """One run of a sweep: the number of the call that is hit, from 1, and the kind of hit (a name in ``KINDS``)."""

    kind: str
    call: int

    @property
    def name(self) -> str:
        """The name of the point, such as ``expired-before-3``."""
        return KINDS[self.kind].name.format(self.call)

    def description(self, clocks: str) -> str:
        """Describe what happened to the call. ``clocks`` names the clocks that moved."""
        next_event = f"the response to call {self.call - 1} was released" if self.call > 1 else "the first call"
        return KINDS[self.kind].description.format(next_event=next_event, clocks=clocks)


def read_kinds(kinds: Iterable[object]) -> list[str]:
    """Return the names of kinds; the number 429 counts as "429". Raises ValueError for an unknown name, or for none."""
    names = [kinds] if isinstance(kinds, str) else [str(kind) for kind in kinds]
    for name in names:
        if name not in KINDS:
            raise ValueError(f"unknown kind of sweep {name!r}: expected one of: {', '.join(KINDS)}")
    if not names:
        raise ValueError(f"no kind of sweep: expected one or more of: {', '.join(KINDS)}")
    return list(dict.fromkeys(names))


def points(calls: int, kinds: Sequence[str] = ("expiry",), stride: int = 1) -> list[Point]:
    """Return the points of a sweep over ``calls`` calls: each call, or the first of every ``stride`` and the last."""
    numbers = sorted({*range(1, calls + 1, stride), *([calls] if calls else [])})
    return [Point(kind, number) for kind in kinds for number in numbers]


class _Watch(Fault):
    """Changes nothing, and only records hits."""

    effect = NO_EFFECT


@dataclass
class _OnlyWrites(Fault):
    """Applies a fault only to calls that write."""

    fault: Fault

    def __post_init__(self) -> None:
        self.effect = self.fault.effect

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        return self.fault.release(arrival, response) if arrival.method in _WRITES else response


class Sweep:
    """One run of a sweep on a simulator, watched from ``begin()`` on. Without a point it only counts calls.

    ``usual_fetches`` are the calls before which a run without a fault fetches a token, as far as known.
    """

    def __init__(self, simulator: Simulator, point: Point | None = None, usual_fetches: Collection[int] = ()) -> None:
        self._usual_fetches = usual_fetches
        self._simulator = simulator
        self.point = point
        self._calls: InjectedFault | None = None
        self._watch: InjectedFault | None = None
        self._expired_first = False
        self._begun_after = 0

    def begin(self) -> None:
        """Inject the fault, and start counting calls."""
        faults = self._simulator.faults
        self._begun_after = self._simulator.store.exchange_count
        self._calls = faults.add(InjectedFault("counted", _Watch(), _EVERY_CALL, times=None, shown=False))
        if self.point is None:
            return
        kind, call = KINDS[self.point.kind], self.point.call
        # added first, so that the journal names the point before the faults
        self._watch = faults.add(InjectedFault(self.point.name, _Watch(), _EVERY_CALL, nth=call))
        fault = faults.make(kind.fault)
        if kind.token_fault:
            self._simulator.inject(kind.token_fault, path=TOKEN_ENDPOINTS, seconds=12)
        if kind.before and call == 1:
            self._simulator.installation  # noqa: B018  # created on first use: its token must be issued before time moves
            expire_all(self._simulator.store, self._simulator.clock, self._simulator.move_time)
            self._expired_first = True
        else:
            number = call - 1 if kind.before else call
            fault = _OnlyWrites(fault) if kind.only_writes else fault
            faults.add(InjectedFault(kind.fault, fault, _EVERY_CALL, nth=number))

    @property
    def calls(self) -> int:
        """The number of authenticated calls so far."""
        return self._calls.hit_count if self._calls else 0

    def fetches(self) -> frozenset[int]:
        """Return the numbers of the calls that a token request precedes, whoever made that request."""
        if self._calls is None:
            return frozenset()
        numbers = [call.number for call in self._calls.hits]
        fetched = [exchange.number for exchange in self._simulator.journal.exchanges if _gives_token(exchange)]
        return frozenset(bisect(numbers, number) + 1 for number in fetched)

    @property
    def hit(self) -> Exchange | None:
        """The call that was hit; None before that."""
        return self._watch.hits[0] if self._watch and self._watch.hits else None

    def void(self) -> str:
        """Return why this run shows nothing; an empty text if it does."""
        if self.point is None:
            return ""
        if self.hit is None:
            return f"call {self.point.call} was never made: this run made {plural(self.calls, 'authenticated call')}"
        if KINDS[self.point.kind].only_writes and self.hit.method not in _WRITES:
            return f"call {self.point.call} ({target(self.hit)}) writes nothing: there is nothing to lose"
        if KINDS[self.point.kind].kills and self.hit.access_token.startswith("pat-"):
            return f"call {self.point.call} ({target(self.hit)}) used a private app's token, which does not expire"
        kind, call = KINDS[self.point.kind], self.point.call
        if kind.before and not kind.token_fault and call in self._usual_fetches and self.hit.status != 401:
            return (
                f"a token is always fetched before call {call}, so no token in use had expired; "
                "the kind server_only hits the fetched token"
            )
        if self._expired_first and self.hit.status != 401 and not (self._had_a_token() and self._refreshed(self.hit)):
            return "no token existed that could expire before call 1: the first was issued later"
        return ""

    def _had_a_token(self) -> bool:
        """Tell whether the code under test could have an access token before its first call."""
        exchanges = self._simulator.journal.exchanges
        responses = (
            exchange for exchange in exchanges if exchange.number <= self._begun_after and _gives_token(exchange)
        )
        return self._simulator.store.handed_over or next(responses, None) is not None

    def _refreshed(self, hit: Exchange) -> bool:
        return any(
            "refresh_token" in (exchange.form.get("grant_type"), form_fields(exchange.query).get("grant_type"))
            for exchange in self._simulator.journal.exchanges
            if exchange.number < hit.number and not exchange.stranger
        )

    def headline(self) -> str:
        """Return which call was hit, and how."""
        if self.point is None:
            return ""
        if self.hit is None:
            return f"call {self.point.call} was never made: the run ended before it"
        void = self.void()
        if void:
            return f"this point shows nothing: {void}"
        headline = f"{target(self.hit)} (call {self.point.call}): {self.point.description(self._simulator.clocks)}"
        refused = self.refused_later()
        return f"{headline}; then {target(refused)} got 401" if refused else headline

    def refused_later(self) -> Exchange | None:
        """Return the first call with a 401 after the call that was hit; None if the hit call itself got a 401."""
        if self.hit is None or self._calls is None or self.hit.status == 401:
            return None
        later = (call for call in self._calls.hits if call.number > self.hit.number and call.status == 401)
        return next(later, None)


def _gives_token(exchange: Exchange) -> bool:
    return exchange.status == 200 and exchange.method == "POST" and is_token_endpoint(exchange.path)


def target(exchange: Exchange) -> str:
    """Return the method and path of a call, for people."""
    return f"{shown(exchange.method, 20)} {shown_url(exchange.path)}"
