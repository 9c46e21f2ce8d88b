"""The catalogue of faults, and the service that injects them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from difflib import get_close_matches
from functools import partial
from typing import Any

from ...core import endpoints
from ...core.clock import OffsetClock
from ...core.ids import Ids
from ...core.limits import RateLimits
from ...core.store import Store
from . import behaviours, expiries, refusals
from . import options as options_of
from .injection import Arrival, Fault, FaultTarget, InjectedFault

Factory = Callable[..., Fault]


class Faults:
    """Injects faults, and finds those that a request is hit by."""

    def __init__(
        self, store: Store, clock: OffsetClock, ids: Ids, limits: RateLimits, move_time: Callable[[timedelta], str]
    ) -> None:
        self._store = store
        self._ids = ids
        self.catalogue: dict[str, Factory] = {
            "EXPIRED_AUTHENTICATION": refusals.expired,
            "INVALID_AUTHENTICATION": refusals.invalid,
            "MISSING_SCOPES": refusals.missing_scopes,
            **{name: partial(refusals.rate_limited, limits, limit) for name, limit in refusals.LIMITS.items()},
            **{name: partial(refusals.status, *parts) for name, parts in refusals.STATUSES.items()},
            **{name: partial(refusals.gateway, code) for name, code in refusals.GATEWAY.items()},
            **{name: partial(refusals.token_error, name) for name in refusals.TOKEN_NAMES},
            "connection_reset": behaviours.ConnectionReset,
            "answer_lost": behaviours.AnswerLost,
            "truncated_body": behaviours.TruncatedBody,
            "delay": partial(behaviours.Delay, move_time),
            "held_answer": partial(behaviours.HeldAnswer, store),
            "old_token": partial(behaviours.OldToken, store),
            "without_members": behaviours.WithoutTokenMembers,
            "clock_skew": partial(behaviours.ClockSkew, clock.advance),
            "expiry": partial(expiries.Expiry, store, clock, move_time),
            "in_flight": partial(expiries.InFlight, store, clock, move_time),
            "server_only": partial(expiries.ServerOnly, store),
            "revoked": partial(expiries.Revoked, store),
        }

    def inject(
        self,
        name: str,
        *,
        method: str | None = None,
        path: str | None = None,
        nth: int | None = None,
        times: int | None = 1,
        probability: float | None = None,
        **options: Any,
    ) -> InjectedFault:
        """Inject a fault by its name; see ``Simulator.inject``."""
        fault = self.make(name, **options)
        target = _target(fault, method, path)
        if fault.bound and not endpoints.is_reachable(target.method, target.path, fault.path):
            raise ValueError(f"path={path!r}: the fault {name!r} can do nothing there, it is for {_calls(fault)}")
        if nth is not None and not _is_count(nth):
            raise ValueError(f"nth={nth!r}: expected the number of the call to hit, from 1")
        if times is not None and not _is_count(times):
            raise ValueError(f"times={times!r}: expected how many calls to hit, or None for all")
        if probability is not None and (
            isinstance(probability, bool) or not isinstance(probability, (int, float)) or not 0 <= probability <= 1
        ):
            raise ValueError(f"probability={probability!r}: expected a number from 0 to 1")
        return self.add(
            InjectedFault(
                f"{name}:after_accepting" if options.get("after_accepting") else name,
                fault,
                target,
                nth=nth,
                times=times,
                chance=(1, None) if probability is None else (probability, self._ids.faults),
            )
        )

    def add(self, injected: InjectedFault) -> InjectedFault:
        """Inject a fault that is made already."""
        with self._store.lock:
            self._store.faults.append(injected)
        return injected

    @property
    def injected(self) -> list[InjectedFault]:
        """All faults that were injected, in that order (a copy)."""
        with self._store.lock:
            return [row for row in self._store.faults if isinstance(row, InjectedFault)]

    def hitting(self, arrival: Arrival) -> list[InjectedFault]:
        """Return the faults that hit a request, in the order in which they were injected."""
        with self._store.lock:
            arrival.number = self._store.exchange_count
            return [injected for injected in self.injected if injected.takes(arrival)]

    def make(self, name: str, /, **options: Any) -> Fault:
        """Return the fault of a name, without injecting it. Raises ValueError."""
        factory = self.catalogue.get(name) if isinstance(name, str) else None
        if factory is None:
            spelt = {_letters(known): known for known in self.catalogue}
            near = get_close_matches(_letters(str(name)), spelt, n=1)
            hint = f" (did you mean {spelt[near[0]]!r}?)" if near else ""
            raise ValueError(f"there is no fault {name!r}{hint}; there are: {', '.join(self.catalogue)}")
        options_of.check(name, factory, options)
        try:
            return factory(**options)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"the fault {name!r}: {error}") from None


def _target(fault: Fault, method: str | None, path: str | None) -> FaultTarget:
    """Return which calls a fault is for. Raises ValueError when there can be none."""
    if method is not None and not (isinstance(method, str) and method):
        raise ValueError(f"method={method!r}: expected the name of one, such as POST")
    if path is not None and not (isinstance(path, str) and path.startswith(("/", "*")) and "?" not in path):
        raise ValueError(f"path={path!r}: expected a path without its query, a route template, or one with *")
    target = FaultTarget(method.upper() if method else None, fault.path if path is None else path)
    if endpoints.is_reachable(target.method, target.path):
        return target
    if path is not None and path.startswith("/_simulator"):
        raise ValueError(f"path={path!r}: a fault hits calls of HubSpot's API, not those of the control API")
    if path is not None and not endpoints.is_reachable(None, path):
        near = endpoints.suggested(path)
        hint = f"did you mean {near}?" if near else 'nothing that it serves comes near; "*" stands for any characters'
        raise ValueError(f"path={path!r}: the simulator serves no such path, so that no call could be hit; {hint}")
    methods = ", ".join(endpoints.methods(target.path))
    what = _calls(target)
    raise ValueError(f"method={method!r}: no call could be hit, since the simulator serves {what} with {methods} only")


def _calls(one: Fault | FaultTarget) -> str:
    return one.path or "authenticated calls"


def _letters(name: str) -> str:
    """Return a name without its spelling: BadGateway, bad-gateway and BAD_GATEWAY are the same."""
    return "".join(filter(str.isalnum, name.lower()))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
