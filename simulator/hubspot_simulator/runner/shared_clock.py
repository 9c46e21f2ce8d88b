"""A clock that a child shares with HubSpot: what moves one moves the other."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from ..core.clock import SystemClock
from ..core.instants import to_ms
from ..settings import Settings
from ..simulator import Simulator

FOLLOW = "follow"
_LIBRARIES = ("faketime/libfaketimeMT.so.1", "*/faketime/libfaketimeMT.so.1", "faketime/libfaketime.1.dylib")
_PREFIXES = ("/usr", "/usr/local", "/opt/homebrew", "/opt/local")


class NoFakeClock(RuntimeError):
    """A child's clock cannot be set on this machine."""


class SharedClock:
    """The machine's clock, moved by what a file says, which a child's libfaketime reads whenever the child asks."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._base = SystemClock()
        self._offset_ms = 0
        self.advance(timedelta())

    def now_ms(self) -> int:
        """Return the current instant in epoch milliseconds."""
        return self._base.now_ms() + self._offset_ms

    def advance(self, delta: timedelta) -> None:
        """Move both clocks."""
        offset_ms = self._offset_ms + to_ms(delta)
        new = self.file.with_name(f"{self.file.name}.new")
        new.write_text(f"{offset_ms / 1000:+.3f}\n", encoding="ascii")
        os.replace(new, self.file)  # never half written to who reads it
        self._offset_ms = offset_ms


class ClockSharingSimulator(Simulator):
    """A simulator whose time moves together with its caller's."""

    def __init__(self, settings: Settings, shared: SharedClock) -> None:
        self._shared = shared
        super().__init__(settings, clock=shared)

    @property
    def clocks(self) -> str:
        """What ``move_time`` moves, in words."""
        return "both clocks"

    def move_time(self, delta: timedelta) -> str:
        """Let time pass for HubSpot and for the child; return ``clocks``."""
        self._shared.advance(delta)
        return self.clocks


def fake_clock(clock: timedelta | Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that set a child's clock by libfaketime: off by a duration, or as a file says.

    Raises NoFakeClock without libfaketime.
    """
    if sys.platform == "win32":
        raise NoFakeClock("--child-clock needs libfaketime, which there is not for Windows: use --advance-after")
    program = shutil.which("faketime")
    prefixes = [*([Path(program).resolve().parents[1]] if program else []), *map(Path, _PREFIXES)]
    folders = [prefix / name for prefix in prefixes for name in ("lib", "lib64")]
    found = [path for folder in folders for library in _LIBRARIES for path in folder.glob(library)]
    if not found:
        raise NoFakeClock(
            "--child-clock needs libfaketime, which is not on this machine: install the package faketime "
            "(Debian, Ubuntu) or libfaketime (Fedora, Homebrew)"
        )
    preload = "DYLD_INSERT_LIBRARIES" if sys.platform == "darwin" else "LD_PRELOAD"
    variables = {
        preload: ":".join(filter(None, [str(found[0]), inherited.get(preload)])),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # what measures durations must go on
        "DONT_FAKE_MONOTONIC": "1",  # its name before 0.9.10
    }
    if isinstance(clock, Path):
        variables |= {"FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    else:
        variables["FAKETIME"] = f"{clock.total_seconds():+.3f}"
    return variables | ({"DYLD_FORCE_FLAT_NAMESPACE": "1"} if sys.platform == "darwin" else {})
