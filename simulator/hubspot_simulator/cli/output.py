"""Prints the output of the commands, without delaying responses and without failing on any stream."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from ..core.printable import wrapped
from ..core.redaction import shown_lines
from ..core.words import plural

_MAX_QUEUED = 1000  # lines that wait to be written
_RETRY_SECONDS = 0.05


class Output:
    """Writes lines to a stream in a thread of its own, so that ``say`` never waits for a slow or absent reader.

    At most ``max_queued`` lines wait. Further lines are dropped. Once the stream accepts data again, a line tells how
    many were dropped.
    """

    def __init__(self, stream: TextIO | None, *, max_queued: int = _MAX_QUEUED) -> None:
        self._write = _writer(stream)
        self._max_queued = max_queued
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def say(self, text: str) -> None:
        """Queue ``text`` and a line break. Returns at once and never raises."""
        with self._changed:
            if self._closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hubspot-output", daemon=True)
                self._thread.start()
            if len(self._lines) < self._max_queued:
                self._lines.append(text)
            else:
                self._dropped += 1
            self._changed.notify()

    def close(self, seconds: float = 1.0) -> None:
        """Write the queued lines, for at most ``seconds``. Lines that are still waiting then are lost."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while (text := self._next()) is not None:
            try:
                self._write(f"{text}\n")
            except (OSError, ValueError):  # the stream is closed for good
                with self._changed:
                    self._closed = True
                return

    def _next(self) -> str | None:
        with self._changed:
            while not (self._lines or self._dropped or self._closed):
                self._changed.wait()
            if self._lines:
                return self._lines.popleft()
            dropped, self._dropped = self._dropped, 0
            lines = f"{plural(dropped, 'line')} {'was' if dropped == 1 else 'were'}"
            return f"({lines} dropped here: the output was read too slowly)" if dropped else None


class LogHandler(logging.Handler):
    """Writes log records to an Output."""

    def __init__(self, output: Output) -> None:
        super().__init__(logging.WARNING)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record."""
        try:
            self._output.say(f"hubspot-simulator: {self.format(record)}")
        except Exception:  # noqa: BLE001 - as the handlers of logging do
            self.handleError(record)


def say(text: str) -> None:
    """Print a text to standard error, wrapped and with secrets hidden."""
    with suppress(OSError, ValueError):  # standard error is closed; the exit status still tells the result
        print(wrapped(shown_lines(text)), file=sys.stderr, flush=True)


def escape_unencodable_output() -> None:
    """Make stdout and stderr escape the characters that their encoding lacks. By default, print() would raise."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _writer(stream: TextIO | None) -> Callable[[str], object]:
    """Return a function that writes a text to a stream and flushes it.

    It bypasses the stream's buffer. A thread blocked in the buffer would hold the buffer's lock, and the interpreter
    needs that lock to exit.
    """
    if stream is None:  # pythonw.exe
        return lambda text: None
    buffer: Any = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    if not hasattr(raw, "fileno"):  # not a real file, such as StringIO in a test

        def write_text(text: str) -> None:
            stream.write(text)
            stream.flush()

        return write_text
    stream.flush()
    encoding = stream.encoding or "utf-8"
    newline = "\r\n" if sys.platform == "win32" else "\n"

    def write(text: str) -> None:
        data = memoryview(text.replace("\n", newline).encode(encoding, "backslashreplace"))
        while data:
            written = raw.write(data)
            if written is None:  # a non-blocking stream that is full
                time.sleep(_RETRY_SECONDS)
            else:
                data = data[written:]

    return write
