"""Freezes the modules that freezegun passes over by mistake.

freezegun leaves alone what begins with a name of its list, and the list has "gi", "queue" and "threading": a project's
github_sync, queue_worker or threading_tools keep the real time in what they imported by name.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from freezegun import api

# Of freezegun's list. Most of them call back into user code; "gi" (GTK) matches every name that begins so.
NAMES = ("threading", "multiprocessing", "queue", "selenium", "gi", "prompt_toolkit")
_STAND_INS: dict[int, Any] = {id(api.real_date): api.FakeDate, id(api.real_datetime): api.FakeDatetime} | {
    id(getattr(api, f"real_{name}")): getattr(api, f"fake_{name}")
    for name in "gmtime localtime monotonic monotonic_ns perf_counter perf_counter_ns strftime time time_ns".split()
}


class PassedOver:
    """What freezegun would have replaced in those modules, from ``start()`` to ``stop()``."""

    def __init__(self) -> None:
        self._undo: list[tuple[ModuleType, str, Any]] = []

    def start(self) -> None:
        """Begin. Call it once freezegun has started."""
        for name, module in list(sys.modules.items()):
            if name.startswith(NAMES) and name.partition(".")[0] not in NAMES and isinstance(module, ModuleType):
                self._freeze(module)

    def _freeze(self, module: ModuleType) -> None:
        for name, value in list(vars(module).items()):
            stand_in = _STAND_INS.get(id(value))
            if stand_in is not None:
                self._undo.append((module, name, value))
                setattr(module, name, stand_in)

    def stop(self) -> None:
        """Undo it."""
        for module, name, value in self._undo:
            setattr(module, name, value)
        self._undo.clear()
