"""Keeps timeouts of the standard library and of workers real while a test's clock is frozen.

A timeout that is measured on a frozen clock never ends. freezegun's solution is to give real time to everything that
such a module calls, which includes user code in its callbacks. Here only the module itself reads real time, through its
own names for the functions that measure durations. The time of day stays frozen.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from freezegun import api

# Modules of the standard library, and packages of workers and test tools, that measure only their own waits.
# Code that acts on the user's behalf by the clock (retries, caches, schedules) does not belong here.
_PACKAGES = frozenset(
    "asyncio concurrent ftplib multiprocessing queue selectors socket socketserver subprocess telnetlib threading "
    "unittest "
    "amqp anyio billiard celery dramatiq execnet eventlet filelock gevent hypothesis kombu prompt_toolkit "
    "pytest_timeout selenium trio vine xdist".split()
)
_MODULES = frozenset(["urllib3.util.timeout"])

DURATIONS = ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
_REAL_SLEEP = [time.sleep]  # in a list, so that no search for module attributes finds it
_REAL = {id(getattr(api, f"fake_{name}")): getattr(api, f"real_{name}") for name in DURATIONS}


def real_sleep(seconds: float) -> None:
    """Sleep for a real duration, in seconds."""
    _REAL_SLEEP[0](seconds)


class _RealDurations(ModuleType):
    """Replaces the module ``time`` in modules whose waits stay real."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def _real_time_module() -> _RealDurations:
    module = _RealDurations("time", time.__doc__)
    for name in DURATIONS:
        setattr(module, name, getattr(api, f"real_{name}"))
    setattr(module, "sleep", real_sleep)  # noqa: B010 - an attribute that type checkers do not know
    return module


# Per module: how many attributes it had, and which of them stay real.
_names_to_keep: WeakKeyDictionary[ModuleType, tuple[int, list[str]]] = WeakKeyDictionary()


def _names(module: ModuleType) -> list[str]:
    """Return the names in a module that must stay real. Call this while time is frozen."""
    attributes = vars(module)
    count, names = _names_to_keep.get(module, (-1, []))
    if count != len(attributes):
        names = [name for name, value in list(attributes.items()) if value is time or id(value) in _REAL]
        _names_to_keep[module] = len(attributes), names
    return names


class RealWaits:
    """Gives real durations to the modules listed above, from ``start()`` to ``stop()``."""

    def __init__(self) -> None:
        self._time = _real_time_module()
        self._undo: list[tuple[ModuleType, str, Any]] = []

    def start(self) -> None:
        """Start. Call this after freezegun has replaced the names in all modules."""
        for name, module in list(sys.modules.items()):
            if isinstance(module, ModuleType) and measures_its_waits(name):
                self.keep(module)

    def keep(self, module: ModuleType) -> None:
        """Make one module read real durations."""
        for name in _names(module):
            value = vars(module).get(name)
            real: Callable[..., Any] | ModuleType | None = self._time if value is time else _REAL.get(id(value))
            if real is not None:
                self._undo.append((module, name, value))
                setattr(module, name, real)

    def stop(self) -> None:
        """Restore the modules. Call this after freezegun has restored what it replaced."""
        frozen = bool(api.freeze_factories)  # by an outer freeze of other code
        for module, name, value in reversed(self._undo):
            if value is time or frozen:
                setattr(module, name, value)
        self._undo.clear()


def measures_its_waits(name: str) -> bool:
    """Tell whether the waits of a module stay real."""
    return name.partition(".")[0] in _PACKAGES or name in _MODULES
