"""What is around a test that uses our fixtures, or that is guarded: the guard, and which hosts take no proxy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from hubspot_simulator.hosts import LOOPBACK, matcher

from ..options import guard_choice
from .children import ChildProxies
from .guard import Guard
from .no_proxy import HUBSPOT, exempt

_WILDCARDS = ("0.0.0.0", "::")
_PROXIES: pytest.StashKey[ChildProxies] = pytest.StashKey()
_PROTECTION: pytest.StashKey[Protection] = pytest.StashKey()


class Protection:
    """Protects one test, from its first fixture, or from when it asked for one, to the end of its teardown."""

    def __init__(self, proxies: ChildProxies, worded: Callable[[str], str] = str) -> None:
        self._proxies = proxies
        self._worded = worded
        self.guard: Guard | None = None
        self._guarded = ExitStack()
        self._reached = ExitStack()
        self._loopback = False

    def reach(self, host: str) -> None:
        """Have loopback, and the server's ``host``, take no proxy."""
        if not self._loopback:
            self._loopback = True
            others = [] if host in (*LOOPBACK, *_WILDCARDS) else [host]
            self._reached.enter_context(exempt([*LOOPBACK, *others]))

    def begin(self, hosts: str) -> None:
        """Guard the test. ``hosts`` are further ones of HubSpot. They take no proxy: a look-up here is seen."""
        if self.guard is not None:
            self.guard.matches = matcher(hosts)
            return
        exempted = [*HUBSPOT, *hosts.split()]
        self.guard = Guard(matcher(hosts), self._proxies, ",".join(exempted), self._worded)
        self._guarded.enter_context(exempt(exempted))
        self.guard.start()
        self._guarded.callback(self.guard.stop)

    def end_guard(self) -> None:
        """Guard the test no longer."""
        self._guarded.close()
        self.guard = None

    def end(self) -> None:
        """Protect the test no longer."""
        self._guarded.close()
        self._reached.close()


def protect(item: Any, *, ours: bool, guarded: bool, hosts: str, host: str) -> None:
    """Protect a test before its set-up. ``ours`` tells whether it uses a fixture of ours."""
    protection = item.stash[_PROTECTION] = Protection(_proxies(item.config))
    if ours:
        protection.reach(host)
    if guarded:
        protection.begin(hosts)


def protect_now(item: Any, *, guard: bool | str, hosts: str, host: str) -> None:
    """Protect a test that has got a fixture of ours, by what the settings say that this one gave."""
    protection = item.stash.setdefault(_PROTECTION, Protection(_proxies(item.config)))
    protection.reach(host)
    if guard == "auto":
        guard = guard_choice(item)
    if guard is False:
        protection.end_guard()
    else:
        protection.begin(hosts)


def _proxies(config: pytest.Config) -> ChildProxies:
    return config.stash.setdefault(_PROXIES, ChildProxies())


def stop_proxies(config: pytest.Config) -> None:
    """End the proxies that the children of tests were given."""
    proxies = config.stash.get(_PROXIES, None)
    if proxies is not None:
        proxies.stop()


def end(item: Any) -> None:
    """End the protection of a test, if it had any."""
    protection = item.stash.get(_PROTECTION, None)
    if protection is not None:
        protection.end()


def caught(item: Any) -> list[str]:
    """Return what the guard of a test caught, and forget it."""
    protection: Protection | None = item.stash.get(_PROTECTION, None)
    if protection is None or protection.guard is None:
        return []
    messages, protection.guard.caught = protection.guard.caught, []
    return messages
