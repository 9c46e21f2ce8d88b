"""What the commands print: it never holds up an answer, and no stream is too poor for it."""

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

_KEPT = 1000  # lines that wait for their reader
_RETRY_SECONDS = 0.05


class Output:
    """Lines for a stream that perhaps nobody reads. A thread of its own writes them, so ``say`` never waits.

    Of ``kept`` lines that wait, the newer ones are dropped; a line says how many, once the stream takes more.
    """

    def __init__(self, stream: TextIO | None, *, kept: int = _KEPT) -> None:
        self._write = _writer(stream)
        self._kept = kept
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._ended = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def say(self, text: str) -> None:
        """Have ``text`` written with a line break behind it. Returns at once, and never raises."""
        with self._changed:
            if self._ended:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hubspot-output", daemon=True)
                self._thread.start()
            if len(self._lines) < self._kept:
                self._lines.append(text)
            else:
                self._dropped += 1
            self._changed.notify()

    def close(self, seconds: float = 1.0) -> None:
        """Write what waits, for so many seconds at most. What a blocked stream does not take by then is lost."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while (text := self._next()) is not None:
            try:
                self._write(f"{text}\n")
            except (OSError, ValueError):  # the reader is gone, for good
                with self._changed:
                    self._ended = True
                return

    def _next(self) -> str | None:
        with self._changed:
            while not (self._lines or self._dropped or self._ended):
                self._changed.wait()
            if self._lines:
                return self._lines.popleft()
            dropped, self._dropped = self._dropped, 0
            lines = f"{plural(dropped, 'line')} {'was' if dropped == 1 else 'were'}"
            return f"({lines} dropped here: nobody read this output in time)" if dropped else None


class LogHandler(logging.Handler):
    """Sends log records to an Output."""

    def __init__(self, output: Output) -> None:
        super().__init__(logging.WARNING)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Have a record written."""
        try:
            self._output.say(f"hubspot-simulator: {self.format(record)}")
        except Exception:  # noqa: BLE001 - logging's own way with errors
            self.handleError(record)


def say(text: str) -> None:
    """Write a text to standard error, with a line break behind it."""
    with suppress(OSError, ValueError):  # nobody reads it: the exit status counts all the same
        print(wrapped(shown_lines(text)), file=sys.stderr, flush=True)


def escape_what_cannot_be_encoded() -> None:
    """Have stdout and stderr write as escapes what their encoding lacks; by default, a print would raise."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _writer(stream: TextIO | None) -> Callable[[str], object]:
    """Return what writes a text to a stream and flushes it.

    It goes past the stream's buffer: a thread that hangs there would hold its lock, without which no Python can exit.
    """
    if stream is None:  # pythonw.exe
        return lambda text: None
    buffer: Any = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    if not hasattr(raw, "fileno"):  # a stream of its own making: a test's

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
            if written is None:  # the stream does not block, and is full
                time.sleep(_RETRY_SECONDS)
            else:
                data = data[written:]

    return write
