"""Keeps a test from reaching the real HubSpot."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class Guard:
    """Fails a test that looks up one of HubSpot's hosts. ``caught`` are the messages so far."""

    def __init__(self, matches: Callable[[str], bool]) -> None:
        self._matches = matches
        self.caught: list[str] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch lookups. One that `hubspot_intercept` answers does not come this far."""
        real = socket.getaddrinfo

        def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
            name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
            if isinstance(name, str) and self._matches(name.lower().rstrip(".")):
                self.caught.append(_message(name))
                # no Exception, which the code under test might take for a network failure
                pytest.fail(_message(name), pytrace=False)
            return real(host, *args, **kwargs)

        socket.getaddrinfo = getaddrinfo
        try:
            yield
        finally:
            socket.getaddrinfo = real


def _message(host: str) -> str:
    return (
        f"the test was about to call {host}, the real HubSpot (hubspot_guard is on).\n"
        "To have it answered by the simulator, use the fixture hubspot_intercept (any Python HTTP client) or "
        "hubspot_responses (`requests` only), or point the code to hubspot_sim.url.\n"
        "To let it through, @pytest.mark.hubspot(guard=False)."
    )
