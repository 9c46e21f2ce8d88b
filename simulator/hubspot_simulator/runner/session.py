"""Runs child processes against a server, a proxy, and the files that their environment names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from types import TracebackType
from typing import Any

from ..hosts import matcher
from ..senders import Senders
from ..serving.server import SimulatorServer
from ..settings import Settings
from ..simulator import Simulator
from . import process_tree
from .child_process import run
from .connections import Connections
from .environment import environment, write_files
from .proxy import Proxy
from .shared_clock import ClockSharingSimulator, SharedClock, fake_clock
from .watchdog import Watchdog


class Session:
    """Runs programs with a simulator in place of HubSpot. Use it in a ``with`` statement.

    ``allow`` are patterns of other hosts that the programs may reach. ``clock`` is the offset of the programs' own
    clock, or ``follow`` to move it together with the simulator's. Entering raises AuthorityUnavailable if the
    certificates cannot be made, NoFakeClock without libfaketime, and OSError if a server cannot listen.
    """

    def __init__(self, settings: Settings, allow: Sequence[str] = (), clock: timedelta | str | None = None) -> None:
        self._settings = settings
        self._allow = allow
        self._clock = clock
        self._mark = os.urandom(16).hex()
        self._resources = ExitStack()
        self._servers = ExitStack()

    @property
    def blocked(self) -> Mapping[str, int]:
        """The number of connections that the proxy blocked, by ``host:port``."""
        return self._proxy.blocked

    def fresh(self) -> Simulator:
        """Start over with a new simulator on new ports, and return it. The credentials stay the same.

        Processes that an earlier program left running find their ports closed, so their calls do not count for the
        next program.
        """
        self._servers.close()
        self._listen()
        return self.server.simulator

    def run(self, command: Sequence[str], **options: Any) -> int:
        """Run a program and return its exit status. ``options`` go to ``child_process.run``. Raises CannotStart."""
        variables = environment(self.server, self._proxy.url, self._files, os.environ)
        variables |= {process_tree.MARK: self._mark, **self._clock_variables}
        return run(command, variables, on_child=self._watchdog.child, **options)

    def _simulator(self, folder: Path) -> Simulator:
        if not isinstance(self._clock, str):
            self._clock_variables = {} if self._clock is None else fake_clock(self._clock, os.environ)
            return Simulator(self._settings)
        shared = SharedClock(folder / "clock")
        self._clock_variables = fake_clock(shared.file, os.environ)
        return ClockSharingSimulator(self._settings, shared)

    def _listen(self) -> None:
        folder = Path(mkdtemp(dir=self._folder))
        self.server, self.connections = SimulatorServer(self._simulator(folder)), Connections()
        with ExitStack() as stack:
            stack.enter_context(self.server)
            authority, https = self.server.secure()
            self.connections.watch(authority.context)
            self._proxy = stack.enter_context(
                Proxy(
                    matcher(self._settings.hosts),
                    https=https,
                    http=(self.server.host, self.server.port),
                    authority=authority.certificate,
                    allow=self._allow,
                    on_tunnel=self.connections.tunnel,
                )
            )
            self.server.app.senders = Senders(relayed_ends=self._proxy.client_ends)
            self._files = write_files(authority, folder, os.environ)
            self._servers = stack.pop_all()

    def __enter__(self) -> Session:
        with ExitStack() as stack:
            self._folder = stack.enter_context(
                TemporaryDirectory(prefix="hubspot-simulator-", ignore_cleanup_errors=True)
            )
            self._watchdog = stack.enter_context(Watchdog(self._folder, self._mark))
            stack.callback(lambda: self._servers.close())
            self._listen()
            self._resources = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resources.close()
