"""Right clients that several threads share."""

from __future__ import annotations

from threading import Lock, local
from typing import TYPE_CHECKING, Any

from .blocking import Client

if TYPE_CHECKING:
    from pytest_hubspot_auth import Connection


class ThreadedClient(Client):
    """One thread refreshes for all: the others wait for it, and look again before they refresh."""

    concurrency = "threads"

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.lock = Lock()

    def token(self) -> str:
        if self.due():
            with self.lock:
                if self.due():  # or another thread was quicker
                    self.refresh()
        return str(self.state["access_token"])

    def renew(self, failed: str) -> str:
        with self.lock:
            if self.state["access_token"] == failed:  # or another thread was quicker
                self.refresh()
            return str(self.state["access_token"])


class Workers(Client):
    """Each thread keeps a copy of the tokens, as worker processes do; they share the database, and a lock in it."""

    concurrency = "threads"

    def __init__(self, connection: Connection) -> None:
        self.lock = Lock()
        self.memory = local()
        super().__init__(connection)

    @property
    def state(self) -> dict[str, Any]:
        if not hasattr(self.memory, "state"):
            self.memory.state = self.load(self.row)
        return dict(self.memory.state)

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self.memory.state = state

    def token(self) -> str:
        if self.due():
            with self.lock:
                self.state = self.load(self.row)
                if self.due():  # or another worker was quicker
                    self.refresh()
        return str(self.state["access_token"])

    def renew(self, failed: str) -> str:
        with self.lock:
            self.state = self.load(self.row)
            if self.state["access_token"] == failed:  # or another worker was quicker
                self.refresh()
            return str(self.state["access_token"])
