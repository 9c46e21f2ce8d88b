"""The fuse: ends a client that sends requests without end, however broad its ``except`` clauses are."""

from __future__ import annotations

import ctypes
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .failures import Runaway

if TYPE_CHECKING:
    from hubspot_simulator.core.exchange import Exchange

LIMIT = 200
_AGAIN = 20  # a client with a bare `except:` swallows the first one


class Fuse:
    """Counts the exchanges of one call of the adapter.

    After ``limit`` of them it calls ``cut`` (once), and raises Runaway in the threads that run the client. From then on
    ResourceWarning is ignored; whoever holds the fuse puts the filters back.
    """

    def __init__(self, cut: Callable[[], object], limit: int = LIMIT) -> None:
        self._cut = cut
        self._limit = limit
        self._lock = threading.RLock()  # reentrant: Runaway may strike a thread that has just taken it
        self._threads: set[int] = set()
        self._count = 0
        self.blown = False

    def saw(self, _: Exchange) -> None:
        """Count an exchange; called in whatever thread answers it."""
        with self._lock:
            self._count += 1
            over = self._count - self._limit
            if not self._threads or over <= 0:
                return
            if not self.blown:
                self.blown = True
                # what strikes a client anywhere may strike between a socket and whoever would have closed it
                warnings.simplefilter("ignore", ResourceWarning)
                self._cut()
            if over % _AGAIN == 1:
                for ident in self._threads:
                    _raise_in(ident, Runaway)

    @contextmanager
    def armed(self, *, here: bool = True) -> Iterator[None]:
        """Watch over a call, which is made in this thread unless ``here`` is false. Raises Runaway when it blew."""
        with self._lock:
            self._count = 0
            before = self.blown
        if here:
            self.watch(threading.get_ident())
        try:
            yield
        finally:
            if here:
                self.leave(threading.get_ident())
        if self.blown and not before:  # the client has swallowed it
            raise Runaway

    def watch(self, ident: int) -> None:
        """Watch over a further thread, too."""
        with self._lock:
            self._threads.add(ident)

    def leave(self, ident: int) -> None:
        """Leave a thread alone that has done its work: the one that calls this."""
        for _ in range(5):
            try:
                with self._lock:
                    self._threads.discard(ident)
                    _raise_in(ident, None)
            except Runaway:  # it was on its way already
                continue
            return

    def end(self, ident: int) -> None:
        """Raise Runaway in a thread that should have ended long ago."""
        _raise_in(ident, Runaway)


@contextmanager
def hushed() -> Iterator[None]:
    """Let nobody report a Runaway that struck in a finalizer or a thread, and put the filters of warnings back."""
    unraisable, in_thread = sys.unraisablehook, threading.excepthook

    def ignore_unraisable(found: sys.UnraisableHookArgs) -> None:
        if not issubclass(found.exc_type, Runaway):
            unraisable(found)

    def ignore_in_thread(found: threading.ExceptHookArgs) -> None:
        if not issubclass(found.exc_type, Runaway):
            in_thread(found)

    with warnings.catch_warnings():
        sys.unraisablehook, threading.excepthook = ignore_unraisable, ignore_in_thread
        try:
            yield
        finally:
            sys.unraisablehook, threading.excepthook = unraisable, in_thread


def _raise_in(ident: int, kind: type[BaseException] | None) -> None:
    """Raise in a thread at its next instruction; None takes back what it has not noticed yet."""
    if hasattr(ctypes, "pythonapi"):  # CPython; elsewhere only the connections are cut
        argument = None if kind is None else ctypes.py_object(kind)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), argument)
