"""Keeps the end of a child's output."""

from __future__ import annotations

import os
import threading

_MAX_BYTES = 64 * 1024
_BLOCK = 64 * 1024
_WAIT_SECONDS = 1.0  # how long to wait for processes that outlive the child and keep the pipe open


class OutputTail:
    """Reads a pipe in a thread and keeps the end of the data. ``child_end`` is the descriptor that the child writes to.

    ``close()`` closes that descriptor in this process.
    """

    def __init__(self) -> None:
        self._tail = b""
        self._read, self.child_end = os.pipe()
        self._open = True
        self._thread = threading.Thread(target=self._follow, name="hubspot-output", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        with open(self._read, "rb", buffering=0) as pipe:
            while block := pipe.read(_BLOCK):
                self._tail = (self._tail + block)[-_MAX_BYTES:]

    def close(self) -> None:
        """Close the child's end in this process. The thread ends once all processes have closed theirs."""
        if self._open:
            self._open = False
            os.close(self.child_end)

    def text(self) -> str:
        """Return the end of the output. Call it after the child has ended: it closes the child's end."""
        self.close()
        self._thread.join(_WAIT_SECONDS)
        return self._tail.decode("utf-8", "replace")
