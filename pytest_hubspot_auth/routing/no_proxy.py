"""Hosts that take no proxy while a test runs, for every client that reads the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

LOOPBACK = ("localhost", "127.0.0.1", "::1")
HUBSPOT = ("hubapi.com", ".hubapi.com", "hubspot.com", ".hubspot.com")
_VARIABLES = ("NO_PROXY", "no_proxy")


@contextmanager
def exempt(hosts: Sequence[str]) -> Iterator[None]:
    """Name hosts in the variables that say what takes no proxy, and put the variables back afterwards.

    What was changed meanwhile by somebody else stays as it is, but for the hosts that were named here.
    """
    added = ",".join(hosts)
    before = {name: os.environ.get(name) for name in _VARIABLES}
    given = before["no_proxy"] or before["NO_PROXY"] or ""
    if given.strip() == "*":  # nothing takes a proxy; with another entry beside it, it would mean nothing
        yield
        return
    named = f"{given},{added}" if given else added
    adopted = _system_proxies()
    os.environ.update(adopted)
    os.environ.update(dict.fromkeys(_VARIABLES, named))
    try:
        yield
    finally:
        for name, value in before.items():
            now = os.environ.get(name)
            _put(name, value if now == named else without(now, added))
        for name, value in adopted.items():
            if os.environ.get(name) == value:
                del os.environ[name]


def without(value: str | None, added: str) -> str | None:
    """Return the value without what was added, wherever it stands; None if nothing is left of it."""
    if value is None or added not in value:
        return value
    return ",".join(part for part in value.replace(added, "").split(",") if part) or None


def _put(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _system_proxies() -> dict[str, str]:
    """Return the variables that name the system's proxies, which no client takes once one of the variables is set."""
    if sys.platform not in ("darwin", "win32"):
        return {}
    from urllib.request import getproxies, getproxies_environment  # start-up cost: Linux needs it not at all

    if getproxies_environment():
        return {}
    return {f"{scheme}_proxy": url for scheme, url in getproxies().items() if scheme != "no"}
