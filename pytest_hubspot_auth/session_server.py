"""The session's server, which starts when somebody wants to know where it is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from hubspot_simulator.serving.server import SimulatorServer

_NO_SOCKET = "hubspot_responses and hubspot_sim.httpx_transport() need no server."


class SessionServer(SimulatorServer):
    """A server that is started by the first use of its address: ``url``, ``host``, ``port`` or ``secure()``.

    A start that failed fails the test that needed it, and is tried again by the next use.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._starting = threading.RLock()
        self._waiting: list[Callable[[str], None]] = []

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        self.ensure_started()
        return super().url

    @property
    def host(self) -> str:
        """The address that is bound."""
        self.ensure_started()
        return super().host

    @property
    def port(self) -> int:
        """The port that is bound."""
        self.ensure_started()
        return super().port

    def ensure_started(self) -> None:
        """Start the server unless it runs. Fails the test when it cannot start."""
        problem = ""
        with self._starting:
            if self.running:
                return
            try:
                self.start()
            except (OSError, RuntimeError) as error:  # the latter is how pytest-socket forbids sockets
                problem = str(error)
            else:
                for tell in self._waiting:
                    tell(super().url)
        if problem:  # outside of the except clause, or the report would show both
            if os.environ.get("PYTEST_XDIST_WORKER"):
                problem += ". Under xdist each worker has a server of its own: leave the port at 0."
            pytest.fail(
                f"the HubSpot simulator cannot start: {problem.removesuffix('.')}.\n{_NO_SOCKET}", pytrace=False
            )

    def when_started(self, tell: Callable[[str], None]) -> None:
        """Have a function called with the URL: now if the server runs, or else when it starts."""
        with self._starting:
            if self.running:
                tell(super().url)
            else:
                self._waiting.append(tell)

    def forget(self, tell: Callable[[str], None]) -> None:
        """Call a function no longer when the server starts."""
        with self._starting:
            if tell in self._waiting:
                self._waiting.remove(tell)
