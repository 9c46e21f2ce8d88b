"""The session's server, which starts when its address is first read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from hubspot_simulator.serving.server import SimulatorServer

_NO_SOCKET = "hubspot_responses and hubspot_sim.httpx_transport() do not need a server."


class SessionServer(SimulatorServer):
    """A server that starts at the first use of its address: ``url``, ``host``, ``port`` or ``secure()``.

    If it cannot start, the test that needs it fails. The next use tries again.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._starting = threading.RLock()
        self._callbacks: list[Callable[[str], None]] = []

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        self.ensure_started()
        return super().url

    @property
    def host(self) -> str:
        """The address that the server is bound to."""
        self.ensure_started()
        return super().host

    @property
    def port(self) -> int:
        """The port that the server is bound to."""
        self.ensure_started()
        return super().port

    def ensure_started(self) -> None:
        """Start the server unless it is running. Fails the test if it cannot start."""
        problem = ""
        with self._starting:
            if self.running:
                return
            try:
                self.start()
            except (OSError, RuntimeError) as error:  # RuntimeError: pytest-socket forbids sockets
                problem = str(error)
            else:
                for callback in self._callbacks:
                    callback(super().url)
        if problem:  # outside the except clause, or the report would show both
            if os.environ.get("PYTEST_XDIST_WORKER"):
                problem += ". With xdist, each worker starts its own server: leave the port at 0."
            pytest.fail(
                f"the HubSpot simulator cannot start: {problem.removesuffix('.')}.\n{_NO_SOCKET}", pytrace=False
            )

    def when_started(self, callback: Callable[[str], None]) -> None:
        """Call ``callback`` with the URL: now if the server is running, otherwise when it starts."""
        with self._starting:
            if self.running:
                callback(super().url)
            else:
                self._callbacks.append(callback)

    def forget(self, callback: Callable[[str], None]) -> None:
        """Do not call ``callback`` when the server starts."""
        with self._starting:
            if callback in self._callbacks:
                self._callbacks.remove(callback)
