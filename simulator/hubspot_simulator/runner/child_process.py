"""Starts the child, hands signals on to it, and waits for it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from . import process_tree

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")  # where there are such
_GLANCE_SECONDS = 0.5  # how often it is looked whether a signal came
TIMED_OUT = 124  # as timeout(1) says it
_SIGNALLED = 128  # added to a signal's number, as shells do


class CannotStart(OSError):
    """There is no such program, or it is none."""


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    output: int | None = None,
    timeout: float | None = None,
    alone: bool = False,
    on_signal: Callable[[int], object] | None = None,
    on_child: Callable[[int | None], object] | None = None,
) -> int:
    """Run a program on this process's own streams and return its exit status, as a shell would.

    With ``output`` (a descriptor) its output goes there and it has no input. After ``timeout`` seconds it is ended
    together with everything that it started, and TIMED_OUT is returned. ``alone`` also ends what it leaves running.
    Both need ``process_tree.MARK`` in the environment. Signals are forwarded to it, and to ``on_signal``.
    ``on_child`` is called with its process id, and with None after it has ended. Raises CannotStart.
    """
    mark = environment.get(process_tree.MARK, "")
    child: list[subprocess.Popen[bytes]] = []
    early: list[int] = []
    # On a terminal it stays in the foreground group, or it could not read from it: Ctrl-C reaches it there by itself.
    apart = os.name == "posix" and not _on_terminal()

    def forward(number: int, _: Any) -> None:
        if on_signal is not None:
            on_signal(number)
        if child:
            _send(child[0], number, apart)
        else:
            early.append(number)

    before = {
        getattr(signal, name): signal.signal(getattr(signal, name), forward)
        for name in _SIGNALS
        if hasattr(signal, name)
    }
    try:
        child.append(_start(command, environment, apart, output))
        if on_child is not None:
            on_child(child[0].pid)
        for number in early:
            _send(child[0], number, apart)
        status = _wait(child[0], timeout, mark)
    finally:
        if alone:
            process_tree.end(mark)
        if on_child is not None:
            on_child(None)
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else _SIGNALLED - status


def _start(
    command: Sequence[str], environment: Mapping[str, str], apart: bool, output: int | None = None
) -> subprocess.Popen[bytes]:
    name, *arguments = command
    if os.name == "nt":  # it starts .exe by itself, but not npm.cmd
        name = shutil.which(name) or name
    try:
        return subprocess.Popen(
            [name, *arguments],
            env=dict(environment),
            start_new_session=apart,
            stdin=None if output is None else subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
        )
    except (OSError, ValueError) as error:  # ValueError: a null byte
        why = getattr(error, "strerror", None) or error
        raise CannotStart(f"cannot start {name}: {why}") from error


def _wait(child: subprocess.Popen[bytes], timeout: float | None, mark: str) -> int:
    """Wait in another thread: a signal that comes just before this one sleeps in C would be seen too late."""
    waiting = threading.Thread(target=child.wait, name="hubspot-child", daemon=True)
    waiting.start()
    deadline = None if timeout is None else time.monotonic() + timeout
    while waiting.is_alive():
        waiting.join(_GLANCE_SECONDS if deadline is None else min(_GLANCE_SECONDS, max(0, deadline - time.monotonic())))
        if deadline is not None and time.monotonic() >= deadline and waiting.is_alive():
            process_tree.end(mark, child.pid)
            child.wait()
            return TIMED_OUT
    return child.wait()


def _on_terminal() -> bool:
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def _send(child: subprocess.Popen[bytes], number: int, apart: bool) -> None:
    if child.poll() is not None:
        return
    with suppress(OSError, ValueError):  # it ended just now; Windows has fewer signals
        if apart:
            os.killpg(child.pid, number)
        elif number != signal.SIGINT:
            child.send_signal(number)
