"""Protects a test that is guarded or uses the plugin's fixtures: the guard, and hosts that are exempt from proxies."""

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
    """Protects one test, from its first fixture or its first request for one until the end of its teardown."""

    def __init__(self, proxies: ChildProxies, worded: Callable[[str], str] = str) -> None:
        self._proxies = proxies
        self._worded = worded
        self.guard: Guard | None = None
        self._guard_exits = ExitStack()
        self._host_exits = ExitStack()
        self._loopback = False

    def reach(self, host: str) -> None:
        """Exempt loopback and the server's ``host`` from proxies."""
        if not self._loopback:
            self._loopback = True
            bound = [] if host in (*LOOPBACK, *_WILDCARDS) else [host]
            self._host_exits.enter_context(exempt([*LOOPBACK, *bound]))

    def begin(self, hosts: str) -> None:
        """Guard the test. ``hosts`` are further HubSpot hosts. None uses a proxy, so that the guard sees lookups."""
        if self.guard is not None:
            self.guard.matches = matcher(hosts)
            return
        exempt_hosts = [*HUBSPOT, *hosts.split()]
        self.guard = Guard(matcher(hosts), self._proxies, ",".join(exempt_hosts), self._worded)
        self._guard_exits.enter_context(exempt(exempt_hosts))
        self.guard.start()
        self._guard_exits.callback(self.guard.stop)

    def end_guard(self) -> None:
        """Stop guarding the test."""
        self._guard_exits.close()
        self.guard = None

    def end(self) -> None:
        """Stop protecting the test."""
        self._guard_exits.close()
        self._host_exits.close()


def protect(item: Any, *, ours: bool, guarded: bool, hosts: str, host: str) -> None:
    """Protect a test before its setup. ``ours`` tells whether it uses a fixture of this plugin."""
    protection = item.stash[_PROTECTION] = Protection(_proxies(item.config))
    if ours:
        protection.reach(host)
    if guarded:
        protection.begin(hosts)


def protect_now(item: Any, *, guard: bool | str, hosts: str, host: str) -> None:
    """Protect a test that has just received a fixture of this plugin, according to that fixture's settings."""
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
    """Stop the proxies for the children of tests."""
    proxies = config.stash.get(_PROXIES, None)
    if proxies is not None:
        proxies.stop()


def end(item: Any) -> None:
    """End the protection of a test, if it had any."""
    protection = item.stash.get(_PROTECTION, None)
    if protection is not None:
        protection.end()


def caught(item: Any) -> list[str]:
    """Return the messages of a test's guard, and clear them."""
    protection: Protection | None = item.stash.get(_PROTECTION, None)
    if protection is None or protection.guard is None:
        return []
    messages, protection.guard.caught = protection.guard.caught, []
    return messages
