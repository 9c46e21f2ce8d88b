"""Watches freezes of other code: those of freezegun and time-machine, and when they are moved."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from weakref import WeakSet

from freezegun import api

EPOCH = api.real_datetime(1970, 1, 1)  # naive, as freezegun's own times are
_REGISTRY = "_hubspot_movers"
_lock = threading.Lock()


class Mover:
    """Calls its actions before each move of a freeze, for as long as this object is alive."""

    def __init__(self) -> None:
        self.actions: list[Callable[[], object]] = []
        with _lock:
            for owner, method in _move_methods():
                _watch(owner, method).add(self)

    def about_to_move(self) -> None:
        """Call the actions."""
        for action in self.actions:
            action()


def newest() -> object | None:
    """Return the newest freeze of any code; None if time runs."""
    return next((freeze for stack in _stacks() for freeze in stack[-1:]), None)


def is_on(freeze: object) -> bool:
    """Tell whether a freeze is still active."""
    return any(freeze is active for stack in _stacks() for active in tuple(stack))


def move_newest_freeze(delta: timedelta) -> bool:
    """Move freezegun's newest freeze, of any code. Return whether there is one."""
    factories = api.freeze_factories[-1:]
    for factory in factories:
        factory.tick(delta)
    return bool(factories)


def is_frozen() -> bool:
    """Tell whether time is frozen with freezegun."""
    return bool(api.freeze_factories)


def _stacks() -> list[list[Any]]:
    machine = sys.modules.get("time_machine")
    travellers = getattr(machine, "traveller_stack", None) or getattr(machine, "coordinates_stack", None)
    return [api.freeze_factories, travellers or []]


def _move_methods() -> list[tuple[type, str]]:
    """Return the methods that move a freeze. Every other way to move one calls one of these."""
    methods: list[tuple[type, str]] = [
        (api.FrozenDateTimeFactory, "tick"),
        (api.TickingDateTimeFactory, "move_to"),
        (api.StepTickTimeFactory, "tick"),
    ]
    machine = sys.modules.get("time_machine")
    traveller = getattr(machine, "Traveller", None) or getattr(machine, "Coordinates", None)
    if traveller is not None:
        methods += [(traveller, "shift"), (traveller, "move_to")]
    return methods


def _watch(owner: type, name: str) -> WeakSet[Mover]:
    """Make a method notify movers before it runs. Return the set of movers that it notifies."""
    method = getattr(owner, name)
    registered: WeakSet[Mover] | None = getattr(method, _REGISTRY, None)
    if registered is not None:
        return registered
    movers: WeakSet[Mover] = WeakSet()

    @functools.wraps(method)
    def moving(self: object, *args: Any, **kwargs: Any) -> Any:
        # an auto-ticking freeze calls its own tick() without a delta: that is passing time, not a move
        if args or kwargs or not isinstance(self, api.StepTickTimeFactory):
            with _lock:
                notified = list(movers)
            for mover in notified:
                mover.about_to_move()
        return method(self, *args, **kwargs)

    setattr(moving, _REGISTRY, movers)
    setattr(owner, name, moving)
    return movers
