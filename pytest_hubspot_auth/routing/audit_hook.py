"""The process's one audit hook, and the watchers that receive its events.

An audit hook cannot be removed. It is installed when the first test is guarded, and does nothing while no test is. The
interpreter calls it for every event, so it checks the event's name first. The list of watchers lives in this module,
which the plugin imports, so that runs of pytest inside this process share the hook.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

Watcher = Callable[[str, tuple[object, ...]], None]

EVENTS = frozenset(
    {
        "_winapi.CreateProcess",
        "http.client.send",
        "os.system",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
    }
)
_watchers: list[Watcher] = []
_installed: list[object] = []


def _hook(
    event: str,
    args: tuple[object, ...],
    events: frozenset[str] = EVENTS,
    watchers: list[Watcher] = _watchers,
) -> None:
    if event in events and watchers:
        watchers[-1](event, args)


def watch(watcher: Watcher) -> None:
    """Send events to ``watcher``, and to no older watcher, until ``unwatch``."""
    if not _installed:
        _installed.append(_hook)
        sys.addaudithook(_hook)
    _watchers.append(watcher)


def unwatch(watcher: Watcher) -> None:
    """Stop sending events to ``watcher``."""
    if watcher in _watchers:
        _watchers.remove(watcher)


def is_watched() -> bool:
    """Tell whether any watcher receives events."""
    return bool(_watchers)


def ignore(event: str, args: tuple[object, ...]) -> None:
    """Ignore an event: the watcher of an unguarded test in a run of pytest inside a guarded test."""
