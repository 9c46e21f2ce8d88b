"""The fuse: ends a client that sends requests without end, however broad its ``except Exception`` is.

It raises Runaway, which is no Exception, where the client asks for its next connection. An exception that is sent into
a thread from outside (PyThreadState_SetAsyncExc) would not do: CPython 3.11 can hang under a tracer afterwards.
"""

from __future__ import annotations

import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from hubspot_simulator.replacements import Replacements

from .failures import Runaway

if TYPE_CHECKING:
    from ...core.exchange import Exchange

LIMIT = 200
_WAYS_OUT = ("connect", "connect_ex")


class Fuse:
    """Counts the exchanges of one call of the adapter.

    After ``limit`` of them it is blown: it calls ``cut``, which is to end every connection, and nobody gets a new one.
    From then on ResourceWarning is ignored; whoever holds the fuse puts the filters back.
    """

    def __init__(self, cut: Callable[[], object], limit: int = LIMIT) -> None:
        self._cut = cut
        self._limit = limit
        self._lock = threading.Lock()
        self._threads: set[int] = set()
        self._count = 0
        self.blown = False

    def saw(self, _: Exchange) -> None:
        """Count an exchange, in the thread that answers it. Raises Runaway if that is one that runs the client."""
        with self._lock:
            self._count += 1
            over = self._threads and self._count > self._limit
        if over:
            self.blow()
            if threading.get_ident() in self._threads:
                raise Runaway

    def blow(self) -> None:
        """End every connection, and let nobody have a new one."""
        with self._lock:
            before, self.blown = self.blown, True
        if not before:
            # what strikes a client may strike between a socket and whoever would have closed it
            warnings.simplefilter("ignore", ResourceWarning)
            self._cut()

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
        except BaseException:
            if self.blown and not before:  # it may be wrapped: in a group of exceptions, for instance
                raise Runaway from None
            raise
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
        """Leave a thread alone that has done its work."""
        with self._lock:
            self._threads.discard(ident)


@contextmanager
def guarded(fuse: Fuse) -> Iterator[None]:
    """Refuse new connections to everybody while a fuse is blown.

    Nobody reports a Runaway that struck in a finalizer or a thread, and the filters of warnings are put back.
    """
    with _hushed():
        refusals = Replacements()
        for name in _WAYS_OUT:
            refusals.wrap(socket.socket, name, partial(_connect, fuse))
        try:
            yield
        finally:
            refusals.undo()


def _connect(fuse: Fuse, real: Callable[..., Any], sock: socket.socket, address: Any) -> Any:
    if fuse.blown:
        sock.close()  # nobody else will
        raise Runaway
    return real(sock, address)


@contextmanager
def _hushed() -> Iterator[None]:
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
