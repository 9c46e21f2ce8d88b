"""The adapters between the clients and the conformance suite, as a user would write them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pytest_hubspot_auth import Connection, HubSpotRefreshSuite

from .blocking import Client
from .clients import ZooClient
from .tasks import AsyncClient


class SyncSuite(HubSpotRefreshSuite):
    """Tries a client of plain functions."""

    client: type[Client]
    several_apps = True

    def connect(self, connection: Connection) -> Client:
        return self.client(connection)

    def work(self, client: Client) -> object:
        return client.work()

    def work_companies(self, client: Client) -> object:
        return client.companies()

    def write(self, client: Client) -> object:
        return client.write()

    def stored(self, client: Client) -> str:
        return client.row

    def prepare(self, client: Client) -> Callable[[], object]:
        return client.prepare()

    def is_connected(self, client: Client) -> bool:
        return client.is_connected()

    def close(self, client: Client) -> None:
        client.close()


class AsyncSuite(HubSpotRefreshSuite):
    """Tries a client of coroutines."""

    client: type[AsyncClient]
    several_apps = True

    async def connect(self, connection: Connection) -> AsyncClient:
        return self.client(connection)

    async def work(self, client: AsyncClient) -> object:
        return await client.work()

    async def work_companies(self, client: AsyncClient) -> object:
        return await client.companies()

    async def write(self, client: AsyncClient) -> object:
        return await client.write()

    async def stored(self, client: AsyncClient) -> str:
        return client.row

    async def prepare(self, client: AsyncClient) -> Callable[[], Awaitable[object]]:
        return await client.prepare()

    def is_connected(self, client: AsyncClient) -> bool:
        return client.is_connected()

    async def close(self, client: AsyncClient) -> None:
        await client.close()


def suite(client: ZooClient) -> type[HubSpotRefreshSuite]:
    """Return the suite that tries an animal."""
    base: Any = AsyncSuite if issubclass(client.client, AsyncClient) else SyncSuite
    members = {"client": client.client, "concurrency": client.client.concurrency, "__module__": __name__}
    return type("Test" + client.client.__name__, (base,), members)
