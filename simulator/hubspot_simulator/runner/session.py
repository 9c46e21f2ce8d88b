"""What child processes run against: a server, a proxy and the files that the environment names."""

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
    """Runs programs to which HubSpot's hosts are a simulator, between ``with`` and its end.

    ``allow`` are the patterns of other hosts that the programs may reach, ``clock`` is how far their own clock is off,
    or ``follow`` when it is to move with HubSpot's. Raises AuthorityUnavailable when
    there are no certificates, NoFakeClock without libfaketime, OSError when nothing can listen.
    """

    def __init__(self, settings: Settings, allow: Sequence[str] = (), clock: timedelta | str | None = None) -> None:
        self._settings = settings
        self._allow = allow
        self._clock = clock
        self._mark = os.urandom(16).hex()
        self._open = ExitStack()
        self._listening = ExitStack()

    @property
    def refused(self) -> Mapping[str, int]:
        """The hosts that programs wanted to reach and were not let, with how often."""
        return self._proxy.refused

    def fresh(self) -> Simulator:
        """Begin anew, with a new simulator on ports of its own; all of a session give out the same credentials.

        What an earlier program has left running finds its ports closed: its calls are not taken for the next one's.
        """
        self._listening.close()
        self._listen()
        return self.server.simulator

    def run(self, command: Sequence[str], **how: Any) -> int:
        """Run a program and return its exit status; ``how`` goes to ``process.run``. Raises CannotStart."""
        made = environment(self.server, self._proxy.url, self._files, os.environ)
        made |= {process_tree.MARK: self._mark, **self._fake}
        return run(command, made, on_child=self._watchdog.child, **how)

    def _simulator(self, folder: Path) -> Simulator:
        if not isinstance(self._clock, str):
            self._fake = {} if self._clock is None else fake_clock(self._clock, os.environ)
            return Simulator(self._settings)
        shared = SharedClock(folder / "clock")
        self._fake = fake_clock(shared.file, os.environ)
        return ClockSharingSimulator(self._settings, shared)

    def _listen(self) -> None:
        folder = Path(mkdtemp(dir=self._folder))
        self.server, self.connections = SimulatorServer(self._simulator(folder)), Connections()
        with ExitStack() as opened:
            opened.enter_context(self.server)
            authority, https = self.server.secure()
            self.connections.watch(authority.context)
            self._proxy = opened.enter_context(
                Proxy(
                    matcher(self._settings.hosts),
                    https=https,
                    http=(self.server.host, self.server.port),
                    authority=authority.certificate,
                    allow=self._allow,
                    on_tunnel=self.connections.tunnel,
                )
            )
            self.server.app.senders = Senders(through=self._proxy.served)
            self._files = write_files(authority, folder, os.environ)
            self._listening = opened.pop_all()

    def __enter__(self) -> Session:
        with ExitStack() as opened:
            self._folder = opened.enter_context(
                TemporaryDirectory(prefix="hubspot-simulator-", ignore_cleanup_errors=True)
            )
            self._watchdog = opened.enter_context(Watchdog(self._folder, self._mark))
            opened.callback(lambda: self._listening.close())
            self._listen()
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()
