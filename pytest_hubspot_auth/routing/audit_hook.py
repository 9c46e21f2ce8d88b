"""The one audit hook of this process, and who is told of its events.

An audit hook cannot be removed: it is added when the first test is guarded, and does nothing while none is. It is
called for every event of the interpreter, so it looks at nothing but the event's name first. The list stands here, in
a module that is imported with the plugin, so that runs of pytest inside this process share the hook.
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
_added: list[object] = []


def _hook(
    event: str,
    args: tuple[object, ...],
    events: frozenset[str] = EVENTS,
    watchers: list[Watcher] = _watchers,
) -> None:
    if event in events and watchers:
        watchers[-1](event, args)


def watch(watcher: Watcher) -> None:
    """Tell a watcher, and until ``unwatch`` no older one, of the events."""
    if not _added:
        _added.append(_hook)
        sys.addaudithook(_hook)
    _watchers.append(watcher)


def unwatch(watcher: Watcher) -> None:
    """Tell a watcher no longer."""
    if watcher in _watchers:
        _watchers.remove(watcher)


def is_watched() -> bool:
    """Whether somebody is told."""
    return bool(_watchers)


def nobody(event: str, args: tuple[object, ...]) -> None:
    """Watch nothing: for a test that is not guarded, in a run inside of a guarded test."""
