"""Starts the child process, forwards signals to it, and waits for it."""

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

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")  # those that the system has
_SIGNAL_POLL_SECONDS = 0.5  # how often Python gets a chance to run its signal handlers
TIMED_OUT = 124  # the exit status of timeout(1)
_SIGNAL_BASE = 128  # shells report 128 plus the number of the signal


class CannotStart(OSError):
    """The program does not exist, or is not executable."""


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    output: int | None = None,
    timeout: float | None = None,
    kill_leftovers: bool = False,
    on_signal: Callable[[int], object] | None = None,
    on_child: Callable[[int | None], object] | None = None,
) -> int:
    """Run a program on this process's own streams and return its exit status, as a shell would.

    ``output`` is a file descriptor for the program's output; with it, the program gets no input. After ``timeout``
    seconds, the program and all processes that it started are ended, and the result is TIMED_OUT. ``kill_leftovers``
    ends the processes that the program leaves running. Both need ``process_tree.MARK`` in the environment. Signals are
    forwarded to the program and passed to ``on_signal``. ``on_child`` gets the program's process id, and None after the
    program has ended. Raises CannotStart.
    """
    mark = environment.get(process_tree.MARK, "")
    child: list[subprocess.Popen[bytes]] = []
    early_signals: list[int] = []
    # On a terminal, the child must stay in the foreground group to read from it. Ctrl-C reaches it there directly.
    own_group = os.name == "posix" and not _on_terminal()

    def forward(number: int, _: Any) -> None:
        if on_signal is not None:
            on_signal(number)
        if child:
            _send(child[0], number, own_group)
        else:
            early_signals.append(number)

    previous_handlers = {
        getattr(signal, name): signal.signal(getattr(signal, name), forward)
        for name in _SIGNALS
        if hasattr(signal, name)
    }
    try:
        child.append(_start(command, environment, own_group, output))
        if on_child is not None:
            on_child(child[0].pid)
        for number in early_signals:
            _send(child[0], number, own_group)
        status = _wait(child[0], timeout, mark)
    finally:
        if kill_leftovers:
            process_tree.end(mark)
        if on_child is not None:
            on_child(None)
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
    return status if status >= 0 else _SIGNAL_BASE - status


def _start(
    command: Sequence[str], environment: Mapping[str, str], own_group: bool, output: int | None = None
) -> subprocess.Popen[bytes]:
    name, *arguments = command
    if os.name == "nt":  # Popen finds .exe files on Windows, but not npm.cmd
        name = shutil.which(name) or name
    try:
        return subprocess.Popen(
            [name, *arguments],
            env=dict(environment),
            start_new_session=own_group,
            stdin=None if output is None else subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
        )
    except (OSError, ValueError) as error:  # ValueError: a null byte
        reason = getattr(error, "strerror", None) or error
        raise CannotStart(f"cannot start {name}: {reason}") from error


def _wait(child: subprocess.Popen[bytes], timeout: float | None, mark: str) -> int:
    """Wait in another thread. In this thread, a signal that arrives just before the wait would be handled too late."""
    waiting = threading.Thread(target=child.wait, name="hubspot-child", daemon=True)
    waiting.start()
    deadline = None if timeout is None else time.monotonic() + timeout
    while waiting.is_alive():
        waiting.join(
            _SIGNAL_POLL_SECONDS if deadline is None else min(_SIGNAL_POLL_SECONDS, max(0, deadline - time.monotonic()))
        )
        if deadline is not None and time.monotonic() >= deadline and waiting.is_alive():
            process_tree.end(mark, child.pid)
            child.wait()
            return TIMED_OUT
    return child.wait()


def _on_terminal() -> bool:
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):  # no stdin, or a closed one
        return False


def _send(child: subprocess.Popen[bytes], number: int, own_group: bool) -> None:
    if child.poll() is not None:
        return
    with suppress(OSError, ValueError):  # the child has just ended; Windows has fewer signals
        if own_group:
            os.killpg(child.pid, number)
        elif number != signal.SIGINT:
            child.send_signal(number)
