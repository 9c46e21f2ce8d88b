"""The freezes of freezegun and time-machine, whoever made them, and when somebody moves one."""

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
    """Calls its acts before each move of a freeze, from when it is made for as long as somebody keeps it."""

    def __init__(self) -> None:
        self.acts: list[Callable[[], object]] = []
        with _lock:
            for owner, method in _moving():
                _watch(owner, method).add(self)

    def about_to_move(self) -> None:
        """Call the acts."""
        for act in self.acts:
            act()


def newest() -> object | None:
    """Return the newest freeze, whoever made it; None when time runs."""
    return next((freeze for stack in _stacks() for freeze in stack[-1:]), None)


def is_on(freeze: object) -> bool:
    """Tell whether a freeze has not ended."""
    return any(freeze is one for stack in _stacks() for one in tuple(stack))


def move_newest_freeze(delta: timedelta) -> bool:
    """Move the newest freeze, whoever froze it. Return whether there is one."""
    factories = api.freeze_factories[-1:]
    for factory in factories:
        factory.tick(delta)
    return bool(factories)


def is_frozen() -> bool:
    """Tell whether freezegun holds the time."""
    return bool(api.freeze_factories)


def _stacks() -> list[list[Any]]:
    machine = sys.modules.get("time_machine")
    travellers = getattr(machine, "traveller_stack", None) or getattr(machine, "coordinates_stack", None)
    return [api.freeze_factories, travellers or []]


def _moving() -> list[tuple[type, str]]:
    """Return the methods by which a freeze is moved; each in its own way comes to one of these."""
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
    """Have a method tell the movers before it acts. Return those that it tells."""
    method = getattr(owner, name)
    found: WeakSet[Mover] | None = getattr(method, _REGISTRY, None)
    if found is not None:
        return found
    movers: WeakSet[Mover] = WeakSet()

    @functools.wraps(method)
    def moving(self: object, *args: Any, **kwargs: Any) -> Any:
        # a freeze that steps by itself calls its tick() without a delta: time that passes is no move
        if args or kwargs or not isinstance(self, api.StepTickTimeFactory):
            with _lock:
                told = list(movers)
            for mover in told:
                mover.about_to_move()
        return method(self, *args, **kwargs)

    setattr(moving, _REGISTRY, movers)
    setattr(owner, name, moving)
    return movers
