"""``HubSpotRefreshSuite`` as type checkers see it: with the type of the client, or without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from typing_extensions import assert_type

from pytest_hubspot_auth import Connection, HubSpotRefreshSuite


class Client:
    def __init__(self, tokens: Mapping[str, Any], base_url: str) -> None: ...

    def sync(self) -> None: ...


class TestWithItsType(HubSpotRefreshSuite[Client]):
    concurrency = "threads"
    several_apps = True

    def connect(self, connection: Connection) -> Client:
        assert_type(connection.obtained_at, datetime)
        assert_type(connection.hub_id, int)
        return Client(connection.tokens, connection.base_url)

    def work(self, client: Client) -> None:
        client.sync()

    def work_in_pages(self, client: Client) -> None:
        client.sync()

    def write(self, crm: Client) -> int:  # any name will do
        return 1

    def stored(self, client: Client) -> dict[str, str]:
        return {}

    def prepare(self, client: Client) -> Callable[[], None]:
        return client.sync

    def is_connected(self, client: Client) -> bool:
        return True

    def close(self, client: Client) -> None: ...


class TestWithTasks(HubSpotRefreshSuite[Client]):
    concurrency = "tasks"

    async def connect(self, connection: Connection) -> Client:
        return Client(connection.tokens, connection.base_url)

    async def work(self, client: Client) -> None: ...

    async def is_connected(self, client: Client) -> bool:
        return True


class TestWithoutItsType(HubSpotRefreshSuite):
    def connect(self, connection: Connection) -> Client:
        return Client(connection.tokens, connection.base_url)

    def work(self, client: Client) -> None:
        client.sync()


class TestWithAnother(HubSpotRefreshSuite[Client]):
    def connect(self, connection: Connection) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return connection.base_url

    def is_connected(self, client: Client) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return "yes"
