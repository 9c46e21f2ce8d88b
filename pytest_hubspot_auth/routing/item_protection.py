"""Puts the protection around the tests that need it. Light: every test of everybody comes through here."""

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
    """Protect a test that is guarded, or that uses a fixture of ours. One may get its first fixture later."""
    choice = guard_choice(item)
    guarded = choice is True or (ours and choice is not False)
    shield = None
    if audit_hook.is_watched() and not guarded:  # this run of pytest is inside of a guarded test
        from .guard import Unguarded

        shield = Unguarded()
        shield.start()
    if ours or guarded:
        from .protection import protect

        given = item.config.stash[GIVEN]
        hosts, host = given.get("hosts", ("", ""))[0], given.get("host", ("127.0.0.1", ""))[0]
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
    """Return what the guard of a test caught, and forget it."""
    if _HEAVY not in sys.modules:
        return []
    from .protection import caught

    return caught(item)


def stop(config: pytest.Config) -> None:
    """End what the protection of tests has started in a run of pytest."""
    if _HEAVY in sys.modules:
        from .protection import stop_proxies

        stop_proxies(config)
