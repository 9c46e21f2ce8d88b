"""Wrong about being several: threads and tasks that share a token."""

from __future__ import annotations

import asyncio
import time
from threading import Lock
from typing import TYPE_CHECKING

from .blocking import Client
from .tasks import AsyncClient
from .threads import ThreadedClient

if TYPE_CHECKING:
    from pytest_hubspot_auth import Connection


class SingleFlightForEver(AsyncClient):
    """Its tasks wait for one refresh that is remembered and never forgotten: the second expiry gets the answer of the
    first. Evidence: cyrus#719, NangoHQ/nango#1005."""

    bug = 13
    flight: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        if self.flight is None:
            self.flight = asyncio.create_task(super().refresh())
        await self.flight


class Stampede(Client):
    """Each of its threads that finds the token expired refreshes it. Evidence: NangoHQ/nango#2494, frappe#38248,
    veryfront#2249, codex#10332, workers-sdk#15136, eventyay-hubspot#9."""

    bug = 15
    concurrency = "threads"


class TaskStampede(AsyncClient):
    """Each of its tasks that finds the token expired refreshes it. Evidence: codex#10332, workers-sdk#15136,
    veryfront#2249."""

    bug = 15

    async def token(self) -> str:
        if self.due():
            await self.refresh()
        return str(self.state["access_token"])


class StragglerRefreshesAgain(ThreadedClient):
    """A thread whose 401 comes late refreshes again: it does not compare the rejected token with the one that is
    there by now. Evidence: ProtonDriveApps/sdk#44."""

    bug = 16

    def renew(self, failed: str) -> str:
        with self.lock:
            self.refresh()
            return str(self.state["access_token"])


class LockTooShort(ThreadedClient):
    """Its lock runs out after ten seconds, while the refresh that it guards takes twelve. Evidence: nango#2494,
    infusionsoft-php#220, sentry-mcp#823."""

    bug = 40
    lease = 10.0  # seconds

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.lock = LeasedLock(self.lease)  # type: ignore[assignment]


class LeasedLock:
    """A lock as one has it in a cache that processes share: who does not come back in time has lost it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._guard = Lock()
        self._until = 0.0

    def __enter__(self) -> None:
        while True:
            with self._guard:
                if time.time() >= self._until:
                    self._until = time.time() + self._seconds
                    return
            time.sleep(0.002)

    def __exit__(self, *error: object) -> None:
        with self._guard:
            self._until = 0.0
