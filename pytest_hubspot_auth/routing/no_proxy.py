"""Exempts hosts from proxies while a test runs, for every client that reads the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hubspot_simulator.hosts import DOMAINS

HUBSPOT = tuple(name for domain in DOMAINS for name in (domain, f".{domain}"))
_VARIABLES = ("NO_PROXY", "no_proxy")


@contextmanager
def exempt(hosts: Sequence[str]) -> Iterator[None]:
    """Add hosts to ``NO_PROXY`` and ``no_proxy``, and restore both afterwards.

    If other code changed a variable in the meantime, only the hosts added here are removed from it.
    """
    added = ",".join(hosts)
    before = {name: os.environ.get(name) for name in _VARIABLES}
    current = before["no_proxy"] or before["NO_PROXY"] or ""
    if current.strip() == "*":  # no host uses a proxy; next to another entry, "*" would mean nothing
        yield
        return
    extended = f"{current},{added}" if current else added
    system_proxies = _system_proxies()
    os.environ.update(system_proxies)
    os.environ.update(dict.fromkeys(_VARIABLES, extended))
    try:
        yield
    finally:
        for name, value in before.items():
            now = os.environ.get(name)
            _set_variable(name, value if now == extended else remove_hosts(now, added))
        for name, value in system_proxies.items():
            if os.environ.get(name) == value:
                del os.environ[name]


def remove_hosts(value: str | None, added: str) -> str | None:
    """Return a variable's value without the hosts that were added; None if nothing is left."""
    if value is None or added not in value:
        return value
    return ",".join(part for part in value.replace(added, "").split(",") if part) or None


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _system_proxies() -> dict[str, str]:
    """Return variables with the system's proxies. Clients ignore those once any proxy variable is set."""
    if sys.platform not in ("darwin", "win32"):
        return {}
    from urllib.request import getproxies, getproxies_environment  # start-up cost: Linux needs it not at all

    if getproxies_environment():
        return {}
    return {f"{scheme}_proxy": url for scheme, url in getproxies().items() if scheme != "no"}
