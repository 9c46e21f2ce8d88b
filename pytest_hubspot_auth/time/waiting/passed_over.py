"""Freezes modules that freezegun skips by mistake.

freezegun skips every module whose name starts with a name in its ignore list, and the list contains "gi", "queue" and
"threading". So modules such as github_sync, queue_worker or threading_tools would keep real time in the functions that
they imported by name.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from freezegun import api

# From freezegun's list. Most of these packages call back into user code; "gi" is GTK.
NAMES = ("threading", "multiprocessing", "queue", "selenium", "gi", "prompt_toolkit")
_FAKES: dict[int, Any] = {id(api.real_date): api.FakeDate, id(api.real_datetime): api.FakeDatetime} | {
    id(getattr(api, f"real_{name}")): getattr(api, f"fake_{name}")
    for name in "gmtime localtime monotonic monotonic_ns perf_counter perf_counter_ns strftime time time_ns".split()
}


class PassedOver:
    """Replaces in those modules what freezegun would have replaced, from ``start()`` to ``stop()``."""

    def __init__(self) -> None:
        self._undo: list[tuple[ModuleType, str, Any]] = []

    def start(self) -> None:
        """Freeze the modules. Call this after freezegun has started."""
        for name, module in list(sys.modules.items()):
            if name.startswith(NAMES) and name.partition(".")[0] not in NAMES and isinstance(module, ModuleType):
                self._freeze(module)

    def _freeze(self, module: ModuleType) -> None:
        for name, value in list(vars(module).items()):
            fake = _FAKES.get(id(value))
            if fake is not None:
                self._undo.append((module, name, value))
                setattr(module, name, fake)

    def stop(self) -> None:
        """Restore the modules."""
        for module, name, value in self._undo:
            setattr(module, name, value)
        self._undo.clear()
