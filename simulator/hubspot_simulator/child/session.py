"""What child processes run against: a server, a proxy and the files that the environment names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from ..core.simulator import Simulator
from ..hosts import matcher
from ..senders import Senders
from ..server import SimulatorServer
from ..settings import Settings
from .environment import environment, write_files
from .process import run
from .proxy import Proxy


class Session:
    """Runs programs to which HubSpot's hosts are a simulator, between ``with`` and its end.

    ``allow`` are the patterns of other hosts that the programs may reach. Raises AuthorityUnavailable
    when there are no certificates, OSError when nothing can listen.
    """

    def __init__(self, settings: Settings, allow: Sequence[str] = ()) -> None:
        self._settings = settings
        self._allow = allow
        self._open = ExitStack()
        self.server = SimulatorServer(Simulator(settings))

    @property
    def refused(self) -> Mapping[str, int]:
        """The hosts that programs wanted to reach and were not let, with how often."""
        return self._proxy.refused

    def fresh(self) -> Simulator:
        """Put a new simulator behind the server and return it. All of a session give out the same credentials."""
        self.server.simulator = Simulator(self._settings)
        return self.server.simulator

    def run(self, command: Sequence[str], variables: Mapping[str, str], **how: Any) -> int:
        """Run a program with further variables and return its exit status; ``how`` goes to ``process.run``.

        Raises CannotStart.
        """
        made = environment(self.server, self._proxy.url, self._files, os.environ)
        return run(command, {**made, **variables}, **how)

    def __enter__(self) -> Session:
        with ExitStack() as opened:
            opened.enter_context(self.server)
            folder = opened.enter_context(TemporaryDirectory(prefix="hubspot-simulator-", ignore_cleanup_errors=True))
            authority, https = self.server.secure()
            self._proxy = opened.enter_context(
                Proxy(
                    matcher(self._settings.hosts),
                    https=https,
                    http=(self.server.host, self.server.port),
                    authority=authority.certificate,
                    allow=self._allow,
                )
            )
            self.server.app.senders = Senders(through=self._proxy.served)
            self._files = write_files(authority, Path(folder), os.environ)
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()
