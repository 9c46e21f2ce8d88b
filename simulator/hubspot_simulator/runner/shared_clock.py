"""A clock that the simulator and a child process share, by means of libfaketime."""

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
    """A child's clock cannot be set on this machine: libfaketime is missing."""


class SharedClock:
    """The machine's clock plus the offset in ``file``, which libfaketime reads whenever the child reads its clock."""

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
        new_file = self.file.with_name(f"{self.file.name}.new")
        new_file.write_text(f"{offset_ms / 1000:+.3f}\n", encoding="ascii")
        os.replace(new_file, self.file)  # so that no reader sees half of it
        self._offset_ms = offset_ms


class ClockSharingSimulator(Simulator):
    """A simulator whose clock moves together with the child's."""

    def __init__(self, settings: Settings, shared: SharedClock) -> None:
        self._shared = shared
        super().__init__(settings, clock=shared)

    @property
    def clocks(self) -> str:
        """The clocks that ``move_time`` moves, in words."""
        return "both clocks"

    def move_time(self, delta: timedelta) -> str:
        """Move the simulator's and the child's clock. Return ``clocks``."""
        self._shared.advance(delta)
        return self.clocks


def fake_clock(clock: timedelta | Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that make libfaketime set a child's clock.

    ``clock`` is an offset, or a file with the offset in seconds. Raises NoFakeClock without libfaketime.
    """
    if sys.platform == "win32":
        raise NoFakeClock("--child-clock needs libfaketime, which does not exist for Windows: use --advance-after")
    program = shutil.which("faketime")
    prefixes = [*([Path(program).resolve().parents[1]] if program else []), *map(Path, _PREFIXES)]
    folders = [prefix / name for prefix in prefixes for name in ("lib", "lib64")]
    paths = [path for folder in folders for library in _LIBRARIES for path in folder.glob(library)]
    if not paths:
        raise NoFakeClock(
            "--child-clock needs libfaketime, which is not installed: install the package faketime "
            "(Debian, Ubuntu) or libfaketime (Fedora, Homebrew)"
        )
    preload = "DYLD_INSERT_LIBRARIES" if sys.platform == "darwin" else "LD_PRELOAD"
    variables = {
        preload: ":".join(filter(None, [str(paths[0]), inherited.get(preload)])),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # timeouts must stay real
        "DONT_FAKE_MONOTONIC": "1",  # its name before 0.9.10
    }
    if isinstance(clock, Path):
        variables |= {"FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    else:
        variables["FAKETIME"] = f"{clock.total_seconds():+.3f}"
    return variables | ({"DYLD_FORCE_FLAT_NAMESPACE": "1"} if sys.platform == "darwin" else {})
