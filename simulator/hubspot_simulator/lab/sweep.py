"""The expiry sweep: something that passes is done again, once for each of its calls, with that call hit by a fault.

SQLite is tested so: count the operations, then run again and fail the first, the second, and so on.
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
from .faults.injection import Arrival, Fault, FaultTarget, Injected

if TYPE_CHECKING:
    from ..simulator import Simulator

_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_EVERY_CALL = FaultTarget(method=None, path=None)


@dataclass(frozen=True)
class SweepKind:
    """What happens to a call. ``name`` is that of its points, with the call's number in it; ``said`` tells people.

    ``fault`` is a name of ``inject``. Some hit the answer ``before`` the call; ``token_fault`` hits
    the token endpoint as well. A kind that ``kills`` leaves no token that the call could be made with.
    """

    name: str
    said: str
    fault: str
    before: bool = False
    token_fault: str = ""
    only_writes: bool = False
    kills: bool = False


_CLOCKS = "{clocks} passed the expiry just before {previous}"
KINDS = {
    "expiry": SweepKind(
        "expired-before-{}", f"the access token had expired before it: {_CLOCKS}", "expiry", before=True, kills=True
    ),
    "in_flight": SweepKind(
        "expired-in-flight-{}",
        "its access token expired on the way: {clocks} passed the expiry after the call was sent",
        "in_flight",
        kills=True,
    ),
    "server_only": SweepKind(
        "expired-early-{}",
        "its access token had expired at HubSpot, earlier than expires_in had promised",
        "server_only",
        kills=True,
    ),
    "revoked": SweepKind("revoked-before-{}", "its access token had been revoked at HubSpot", "revoked", kills=True),
    "429": SweepKind("429-at-{}", "it was answered 429 TEN_SECONDLY_ROLLING, once", "TEN_SECONDLY_ROLLING"),
    "500": SweepKind("500-at-{}", "it was answered 500, once", "INTERNAL_ERROR"),
    "503": SweepKind("503-at-{}", "it was answered 503, once", "SERVICE_UNAVAILABLE"),
    "connection_reset": SweepKind("connection-reset-at-{}", "its connection was reset, once", "connection_reset"),
    "answer_lost": SweepKind(
        "answer-lost-of-{}", "it was carried out, and its answer was lost", "answer_lost", only_writes=True
    ),
    "slow_token": SweepKind(
        "slow-token-before-{}",
        f"the access token had expired before it ({_CLOCKS}), and the token endpoint took 12 s by the clocks",
        "expiry",
        before=True,
        token_fault="delay",
        kills=True,
    ),
}


@dataclass(frozen=True)
class Point:
    """One run of a sweep: the call that is hit, from 1, and how (a name of ``KINDS``)."""

    kind: str
    call: int

    @property
    def name(self) -> str:
        """Its name, such as ``expired-before-3``."""
        return KINDS[self.kind].name.format(self.call)

    def said(self, clocks: str) -> str:
        """Say what happened to the call; ``clocks`` are those that can be moved, in words."""
        previous = f"the answer of call {self.call - 1} was released" if self.call > 1 else "anything was called"
        return KINDS[self.kind].said.format(previous=previous, clocks=clocks)


def read_kinds(kinds: Iterable[object]) -> list[str]:
    """Return the names of kinds; 429 stands for "429". Raises ValueError for one that does not exist, or for none."""
    names = [kinds] if isinstance(kinds, str) else [str(kind) for kind in kinds]
    for name in names:
        if name not in KINDS:
            raise ValueError(f"there is no kind {name!r} of sweep; there are: {', '.join(KINDS)}")
    if not names:
        raise ValueError(f"no kind of sweep is given; there are: {', '.join(KINDS)}")
    return list(dict.fromkeys(names))


def points(calls: int, kinds: Sequence[str] = ("expiry",), stride: int = 1) -> list[Point]:
    """Return the points of a sweep over so many calls: each of them, or the first of every ``stride`` and the last."""
    hit = sorted({*range(1, calls + 1, stride), *([calls] if calls else [])})
    return [Point(kind, call) for kind in kinds for call in hit]


class _Watch(Fault):
    """Does nothing: its hits are what it is for."""

    effect = NO_EFFECT


@dataclass
class _OnlyWrites(Fault):
    """Lets a fault act on calls that write."""

    fault: Fault

    def __post_init__(self) -> None:
        self.effect = self.fault.effect

    def release(self, arrival: Arrival, response: WireResponse) -> WireResponse:
        return self.fault.release(arrival, response) if arrival.method in _WRITES else response


class Sweep:
    """One run of a sweep on a simulator, which it begins to watch at ``begin()``. Without a point it only counts.

    ``usual`` are the calls before which a run without a fault fetches a token, as far as that is known.
    """

    def __init__(self, simulator: Simulator, point: Point | None = None, usual: Collection[int] = ()) -> None:
        self._usual = usual
        self._simulator = simulator
        self.point = point
        self._calls: Injected | None = None
        self._watch: Injected | None = None
        self._expired_first = False
        self._begun_after = 0

    def begin(self) -> None:
        """Arm the fault, and count calls from here on."""
        faults = self._simulator.faults
        self._begun_after = self._simulator.store.exchange_count
        self._calls = faults.add(Injected("counted", _Watch(), _EVERY_CALL, times=None, shown=False))
        if self.point is None:
            return
        kind, call = KINDS[self.point.kind], self.point.call
        # watched first, so that the name of the point comes first among those of the faults
        self._watch = faults.add(Injected(self.point.name, _Watch(), _EVERY_CALL, nth=call))
        fault = faults.make(kind.fault)
        if kind.token_fault:
            self._simulator.inject(kind.token_fault, path=TOKEN_ENDPOINTS, seconds=12)
        if kind.before and call == 1:
            self._simulator.installation  # noqa: B018  # made when first asked for; its token is issued before the move
            expire_all(self._simulator.store, self._simulator.clock, self._simulator.move_time)
            self._expired_first = True
        else:
            hit = call - 1 if kind.before else call
            fault = _OnlyWrites(fault) if kind.only_writes else fault
            faults.add(Injected(kind.fault, fault, _EVERY_CALL, nth=hit))

    @property
    def calls(self) -> int:
        """How many authenticated calls came."""
        return self._calls.count if self._calls else 0

    def fetches(self) -> frozenset[int]:
        """Return the calls before which a token was fetched: after the call before them, whoever asked for it."""
        if self._calls is None:
            return frozenset()
        numbers = [call.number for call in self._calls.hits]
        fetched = [exchange.number for exchange in self._simulator.journal.exchanges if _gives_token(exchange)]
        return frozenset(bisect(numbers, number) + 1 for number in fetched)

    @property
    def hit(self) -> Exchange | None:
        """The call that was hit."""
        return self._watch.hits[0] if self._watch and self._watch.hits else None

    def void(self) -> str:
        """Say why this run has shown nothing; empty when it has."""
        if self.point is None:
            return ""
        if self.hit is None:
            return f"call {self.point.call} was never made: this run made {plural(self.calls, 'authenticated call')}"
        if KINDS[self.point.kind].only_writes and self.hit.method not in _WRITES:
            return f"call {self.point.call} ({target(self.hit)}) writes nothing: there is nothing to lose"
        if KINDS[self.point.kind].kills and self.hit.access_token.startswith("pat-"):
            return f"call {self.point.call} ({target(self.hit)}) came with a private app's token, which does not expire"
        kind, call = KINDS[self.point.kind], self.point.call
        if kind.before and not kind.token_fault and call in self._usual and self.hit.status != 401:
            return (
                f"before call {call} it fetches a token in any case, so none that it used had expired; "
                "server_only hits the one that it fetched"
            )
        if self._expired_first and self.hit.status != 401 and not (self._had_a_token() and self._refreshed(self.hit)):
            return "no token was at hand that could have expired before call 1: it was issued later"
        return ""

    def _had_a_token(self) -> bool:
        """Tell whether the code under test can have held an access token before its first call."""
        exchanges = self._simulator.journal.exchanges
        given = (exchange for exchange in exchanges if exchange.number <= self._begun_after and _gives_token(exchange))
        return self._simulator.store.handed_over or next(given, None) is not None

    def _refreshed(self, hit: Exchange) -> bool:
        return any(
            "refresh_token" in (exchange.form.get("grant_type"), form_fields(exchange.query).get("grant_type"))
            for exchange in self._simulator.journal.exchanges
            if exchange.number < hit.number and not exchange.stranger
        )

    def headline(self) -> str:
        """Say which call was hit, and how."""
        if self.point is None:
            return ""
        if self.hit is None:
            return f"call {self.point.call} was never made: this run ended before it"
        void = self.void()
        if void:
            return f"this point shows nothing: {void}"
        said = f"{target(self.hit)} (call {self.point.call}): {self.point.said(self._simulator.clocks)}"
        refused = self.refused_later()
        return f"{said}; after it {target(refused)} was answered 401" if refused else said

    def refused_later(self) -> Exchange | None:
        """Return the first call after the one that was hit that was answered 401, if that one was not."""
        if self.hit is None or self._calls is None or self.hit.status == 401:
            return None
        later = (call for call in self._calls.hits if call.number > self.hit.number and call.status == 401)
        return next(later, None)


def _gives_token(exchange: Exchange) -> bool:
    return exchange.status == 200 and exchange.method == "POST" and is_token_endpoint(exchange.path)


def target(exchange: Exchange) -> str:
    """Write the method and path of a call."""
    return f"{shown(exchange.method, 20)} {shown_url(exchange.path)}"
