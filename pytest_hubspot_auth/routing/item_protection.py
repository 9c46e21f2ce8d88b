"""Protects the tests that need it. Light, because every test of every project passes through here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ..options import GIVEN, guard_choice
from . import audit_hook

_HEAVY = f"{__package__}.protection"  # imported when the first test is protected


@contextmanager
def protected(item: pytest.Item, *, ours: bool) -> Iterator[None]:
    """Protect a test that is guarded or uses a fixture of this plugin. It may request its first such fixture later."""
    choice = guard_choice(item)
    guarded = choice is True or (ours and choice is not False)
    shield = None
    if audit_hook.is_watched() and not guarded:  # this run of pytest is inside a guarded test
        from .guard import Unguarded

        shield = Unguarded()
        shield.start()
    if ours or guarded:
        from .protection import protect

        settings = item.config.stash[GIVEN]
        hosts, host = settings.get("hosts", ("", ""))[0], settings.get("host", ("127.0.0.1", ""))[0]
        protect(item, ours=ours, guarded=guarded, hosts=hosts, host=host)
    try:
        yield
    finally:
        if _HEAVY in sys.modules:
            from .protection import end

            end(item)
        if shield is not None:
            shield.stop()


def caught(item: pytest.Item) -> list[str]:
    """Return the messages of a test's guard, and clear them."""
    if _HEAVY not in sys.modules:
        return []
    from .protection import caught

    return caught(item)


def stop(config: pytest.Config) -> None:
    """Stop what the protection of tests started in this run of pytest."""
    if _HEAVY in sys.modules:
        from .protection import stop_proxies

        stop_proxies(config)
