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
from typing import IO, Any

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")  # where there are such
_GLANCE_SECONDS = 0.5  # how often it is looked whether a signal came
_GRACE_SECONDS = 2.0  # between asking it to end and making it
TIMED_OUT = 124  # as timeout(1) says it
_SIGNALLED = 128  # added to a signal's number, as shells do


class CannotStart(OSError):
    """There is no such program, or it is none."""


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    output: IO[bytes] | None = None,
    timeout: float | None = None,
    on_signal: Callable[[int], object] | None = None,
) -> int:
    """Run a program on this process's own streams and return its exit status, as a shell would.

    What it prints goes to ``output``, if there is one, and it reads nothing then. It is ended after ``timeout``
    seconds, and TIMED_OUT returned. Signals go to it, and to ``on_signal``. Raises CannotStart.
    """
    child: list[subprocess.Popen[bytes]] = []
    early: list[int] = []
    # On a terminal it stays in the foreground group, or it could not read from it: Ctrl-C reaches it there by itself.
    alone = os.name == "posix" and not _on_terminal()

    def forward(number: int, _: Any) -> None:
        if on_signal is not None:
            on_signal(number)
        if child:
            _send(child[0], number, alone)
        else:
            early.append(number)

    before = {
        getattr(signal, name): signal.signal(getattr(signal, name), forward)
        for name in _SIGNALS
        if hasattr(signal, name)
    }
    try:
        child.append(_start(command, environment, alone, output))
        for number in early:
            _send(child[0], number, alone)
        status = _wait(child[0], timeout, alone)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else _SIGNALLED - status


def _start(
    command: Sequence[str], environment: Mapping[str, str], alone: bool, output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    name, *arguments = command
    if os.name == "nt":  # it starts .exe by itself, but not npm.cmd
        name = shutil.which(name) or name
    try:
        return subprocess.Popen(
            [name, *arguments],
            env=dict(environment),
            start_new_session=alone,
            stdin=None if output is None else subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
        )
    except (OSError, ValueError) as error:  # ValueError: a null byte
        why = getattr(error, "strerror", None) or error
        raise CannotStart(f"cannot start {name}: {why}") from error


def _wait(child: subprocess.Popen[bytes], timeout: float | None, alone: bool) -> int:
    """Wait in another thread: a signal that comes just before this one sleeps in C would be seen too late."""
    waiting = threading.Thread(target=child.wait, name="hubspot-child", daemon=True)
    waiting.start()
    ends = iter((signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)))
    deadline = None if timeout is None else time.monotonic() + timeout
    late = False
    while waiting.is_alive():
        waiting.join(_GLANCE_SECONDS)
        if deadline is not None and time.monotonic() >= deadline and waiting.is_alive():
            late, deadline = True, time.monotonic() + _GRACE_SECONDS
            _send(child, next(ends, signal.SIGTERM), alone)
    status = child.wait()
    return TIMED_OUT if late else status


def _on_terminal() -> bool:
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def _send(child: subprocess.Popen[bytes], number: int, alone: bool) -> None:
    if child.poll() is not None:
        return
    with suppress(OSError, ValueError):  # it ended just now; Windows has fewer signals
        if alone:
            os.killpg(child.pid, number)
        elif number != signal.SIGINT:
            child.send_signal(number)
