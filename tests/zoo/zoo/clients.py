"""The clients of the zoo, by name: the right ones, and the wrong ones with the bug class that each stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import wrong_answers, wrong_refresh, wrong_sharing, wrong_storage, wrong_time
from .blocking import Client, Reactive, Retrying
from .tasks import AsyncClient, AwareAsyncClient
from .threads import ThreadedClient, Workers
from .token_stores import TokenStore

RIGHT: tuple[type[TokenStore], ...] = (
    Client,
    Reactive,
    Retrying,
    ThreadedClient,
    Workers,
    AsyncClient,
    AwareAsyncClient,
)
_MODULES = (wrong_time, wrong_answers, wrong_refresh, wrong_storage, wrong_sharing)


@dataclass(frozen=True)
class ZooClient:
    """A client, and what is wrong with it.

    ``bug`` is the number of the bug class, 0 for a right client.
    """

    client: type[Any]
    bug: int

    @property
    def name(self) -> str:
        """Its name in the table."""
        return re.sub(r"(?<!^)(?=[A-Z])|(?<=[a-z])(?=[0-9])", "-", self.client.__name__).lower()

    @property
    def wrong(self) -> str:
        """What is wrong with it, in one sentence."""
        return self._told[0]

    @property
    def evidence(self) -> str:
        """Where that was seen."""
        return self._told[1]

    @property
    def _told(self) -> tuple[str, str]:
        what, _, where = " ".join((self.client.__doc__ or "").split()).partition(" Evidence: ")
        return what.rstrip("."), where.rstrip(".")


def _wrong() -> Iterator[ZooClient]:
    for module in _MODULES:
        for client in vars(module).values():
            if isinstance(client, type) and client.__module__ == module.__name__ and "bug" in vars(client):
                yield ZooClient(client, client.bug)  # type: ignore[attr-defined]


RIGHT_ONES = [ZooClient(client, 0) for client in RIGHT]
WRONG_ONES = sorted(_wrong(), key=lambda animal: animal.bug)
ANIMALS = {animal.name: animal for animal in RIGHT_ONES + WRONG_ONES}
