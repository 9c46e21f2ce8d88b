"""The end of what a child prints, however much that is."""

from __future__ import annotations

import os
import threading

_KEPT = 64 * 1024
_BLOCK = 64 * 1024
_LATE_SECONDS = 1.0  # how long a process that outlived the child may hold the pipe


class Tail:
    """Reads a pipe in a thread and keeps the end of what came. ``child_end`` is what a child writes to (a descriptor).

    ``close()`` gives that up, here.
    """

    def __init__(self) -> None:
        self._kept = b""
        self._read, self.child_end = os.pipe()
        self._open = True
        self._thread = threading.Thread(target=self._follow, name="hubspot-output", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        with open(self._read, "rb", buffering=0) as pipe:
            while block := pipe.read(_BLOCK):
                self._kept = (self._kept + block)[-_KEPT:]

    def close(self) -> None:
        """Close the child's end in this process. The thread ends when every other process has done so."""
        if self._open:
            self._open = False
            os.close(self.child_end)

    def text(self) -> str:
        """Return the end of what was printed. To be called when the child has ended: it closes the child's end."""
        self.close()
        self._thread.join(_LATE_SECONDS)
        return self._kept.decode("utf-8", "replace")
