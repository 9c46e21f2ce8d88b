"""Keeps the timeouts of the standard library and of workers real while a test's clock stands still.

A timeout that is measured on a frozen clock never ends. freezegun's own answer is to give real time to everything
that has such a module among its callers, and with it to the user's code that the module calls back. Here only what
the module itself reads is real: its own names for the functions that measure durations. Time of day stays frozen.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from freezegun import api

# Modules of the standard library, and packages of workers and test tools, that measure nothing but their own waits.
# What decides by the clock on the user's behalf (retries, caches, schedules) does not belong here.
_PACKAGES = frozenset(
    "asyncio concurrent ftplib multiprocessing queue selectors socket socketserver subprocess telnetlib threading "
    "unittest "
    "amqp anyio billiard celery dramatiq execnet eventlet filelock gevent hypothesis kombu prompt_toolkit "
    "pytest_timeout selenium trio vine xdist".split()
)
_MODULES = frozenset(["urllib3.util.timeout"])

DURATIONS = ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
_REAL_SLEEP = [time.sleep]  # in a list, where no search for names finds it
_REAL = {id(getattr(api, f"fake_{name}")): getattr(api, f"real_{name}") for name in DURATIONS}


def real_sleep(seconds: float) -> None:
    """Sleep as the machine does."""
    _REAL_SLEEP[0](seconds)


class _RealDurations(ModuleType):
    """Stands for the module ``time`` where waits are to be real."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def _stand_in() -> _RealDurations:
    module = _RealDurations("time", time.__doc__)
    for name in DURATIONS:
        setattr(module, name, getattr(api, f"real_{name}"))
    setattr(module, "sleep", real_sleep)  # noqa: B010 - a module's name that type checkers do not know
    return module


_names_to_keep: WeakKeyDictionary[ModuleType, tuple[int, list[str]]] = WeakKeyDictionary()  # and how many they were of


def _names(module: ModuleType) -> list[str]:
    """Return the names of a module that are to be real. It is called while frozen."""
    space = vars(module)
    count, names = _names_to_keep.get(module, (-1, []))
    if count != len(space):
        names = [name for name, value in list(space.items()) if value is time or id(value) in _REAL]
        _names_to_keep[module] = len(space), names
    return names


class RealWaits:
    """Real durations for the modules named above, from ``start()`` to ``stop()``."""

    def __init__(self) -> None:
        self._time = _stand_in()
        self._undo: list[tuple[ModuleType, str, Any]] = []

    def start(self) -> None:
        """Begin. Call it once freezegun has replaced the names of all modules."""
        for name, module in list(sys.modules.items()):
            if isinstance(module, ModuleType) and measures_its_waits(name):
                self.keep(module)

    def keep(self, module: ModuleType) -> None:
        """Have one module read real durations."""
        for name in _names(module):
            value = vars(module).get(name)
            real: Callable[..., Any] | ModuleType | None = self._time if value is time else _REAL.get(id(value))
            if real is not None:
                self._undo.append((module, name, value))
                setattr(module, name, real)

    def stop(self) -> None:
        """Undo it. Call it once freezegun has put back what it replaced."""
        frozen = bool(api.freeze_factories)  # by somebody else, around this
        for module, name, value in reversed(self._undo):
            if value is time or frozen:
                setattr(module, name, value)
        self._undo.clear()


def measures_its_waits(name: str) -> bool:
    """Tell whether a module is one whose waits stay real."""
    return name.partition(".")[0] in _PACKAGES or name in _MODULES
