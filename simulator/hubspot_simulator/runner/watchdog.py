"""Cleans up after a run that was killed: a separate process notices the end of its input and ends the child.

No code of a process can run after ``kill -9``, hence a second process. A pipe works on every operating system.
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
    """Removes ``folder`` and ends all processes with ``mark`` if this process dies inside the ``with`` statement.

    ``child()`` passes on the process id of the child, in case the system does not show the child's environment.
    """

    def __init__(self, folder: str, mark: str) -> None:
        psutil = find_spec("psutil")
        paths = [Path(__file__).parent, *([Path(psutil.origin).parents[1]] if psutil and psutil.origin else [])]
        config = {"folder": folder, "mark": mark, "path": [str(path) for path in paths]}
        self._command = [sys.executable, "-I", "-S", __file__, json.dumps(config)]
        self._process: subprocess.Popen[bytes] | None = None

    def child(self, pid: int | None) -> None:
        """Tell the watchdog that a child was started, or with None that it has ended."""
        self._send(f"{pid or 0}\n".encode())

    def _send(self, message: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, ValueError):  # the watchdog was killed
                self._process.stdin.write(message)
                self._process.stdin.flush()

    def __enter__(self) -> Watchdog:
        # In a new session, so that a signal to this process's group (such as Ctrl-C) does not end the watchdog.
        windows = 0x200 if os.name == "nt" else 0  # CREATE_NEW_PROCESS_GROUP
        with suppress(OSError):  # a run works without it, unless it is killed
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


def watch(config_text: str) -> None:
    """Wait for the end of standard input, and clean up unless it ends with ``DONE``."""
    messages = b""
    while block := os.read(0, 4096):
        messages += block
    if messages.endswith(DONE):
        return
    config = json.loads(config_text)
    sys.path[:0] = config["path"]
    # start-up cost, and on the path that the other process has named
    import shutil
    from importlib import import_module

    pids = [int(line) for line in messages.split()]
    with suppress(ImportError):
        import_module("process_tree").end(config["mark"], pids[-1] if pids else None)
    shutil.rmtree(config["folder"], ignore_errors=True)


if __name__ == "__main__":
    watch(sys.argv[1])
