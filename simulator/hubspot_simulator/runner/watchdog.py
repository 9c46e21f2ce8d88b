"""Cleans up after a run that was killed: a process of its own sees the pipe to it end, and ends the child.

It is a process because nobody can do anything after ``kill -9``, and this way needs nothing that only one system has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

DONE = b"done"


class Watchdog:
    """Removes ``folder`` and ends what has a ``mark`` when this process ends between ``with`` and its end.

    ``child()`` tells it of a child, by process id: one whose environment the system does not show is found by it.
    """

    def __init__(self, folder: str, mark: str) -> None:
        psutil = find_spec("psutil")
        paths = [Path(__file__).parent, *([Path(psutil.origin).parents[1]] if psutil and psutil.origin else [])]
        told = {"folder": folder, "mark": mark, "path": [str(path) for path in paths]}
        self._command = [sys.executable, "-I", "-S", __file__, json.dumps(told)]
        self._process: subprocess.Popen[bytes] | None = None

    def child(self, pid: int | None) -> None:
        """Tell it that a child was started, or with None that it has ended."""
        self._send(f"{pid or 0}\n".encode())

    def _send(self, what: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, ValueError):  # somebody has ended it
                self._process.stdin.write(what)
                self._process.stdin.flush()

    def __enter__(self) -> Watchdog:
        # A session of its own: what ends this process by its group, Ctrl-C for one, does not end it.
        windows = 0x200 if os.name == "nt" else 0  # CREATE_NEW_PROCESS_GROUP
        with suppress(OSError):  # a run without it is as good until it is killed
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=os.name == "posix",
                creationflags=windows,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._send(DONE)
            with suppress(OSError):
                self._process.__exit__(None, None, None)  # closes the pipe, and waits


def watch(told: str) -> None:
    """Wait for the end of standard input, and clean up unless it ends with ``DONE``."""
    said = b""
    while block := os.read(0, 4096):
        said += block
    if said.endswith(DONE):
        return
    known = json.loads(told)
    sys.path[:0] = known["path"]
    import shutil
    from importlib import import_module

    pids = [int(line) for line in said.split()]
    with suppress(ImportError):
        import_module("process_tree").end(known["mark"], pids[-1] if pids else None)
    shutil.rmtree(known["folder"], ignore_errors=True)


if __name__ == "__main__":
    watch(sys.argv[1])
