"""Right clients that several asyncio tasks share, on two HTTP libraries."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx

from .token_stores import COMPANIES, CONTACTS, DEALS, Answer, TokenStore, new_contact, next_page, page_path

if TYPE_CHECKING:
    from pytest_hubspot_auth import Connection


@lru_cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()  # once: it reads all certificates of the machine


class AsyncClient(TokenStore):
    """One task refreshes for all, under an asyncio.Lock; the others look again before they do."""

    concurrency = "tasks"

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.lock = asyncio.Lock()
        self.open()

    def open(self) -> None:
        """Make the HTTP client."""
        self.http = httpx.AsyncClient(base_url=self.base_url, verify=_tls(), trust_env=False, timeout=10)

    async def work(self) -> object:
        """Read all contacts, page by page, and the deals."""
        page = await self.call("GET", page_path(None))
        found = list(page["results"])
        while after := next_page(page):
            page = await self.call("GET", page_path(after))
            found += page["results"]
        return found, await self.deals()

    async def deals(self) -> list[Any]:
        """Read a deal."""
        return list((await self.call("GET", f"{DEALS}?limit=1"))["results"])

    async def companies(self) -> list[Any]:
        """Read a company, on another code path."""
        return list((await self.call("GET", f"{COMPANIES}?limit=1"))["results"])

    async def write(self) -> object:
        """Create a contact."""
        return await self.call("POST", CONTACTS, new_contact())

    async def prepare(self) -> Callable[[], Awaitable[object]]:
        """Put a unit of work in the queue, and return what the queue's worker will call."""
        return self.deals

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make an authenticated call. Raises HubSpotError."""
        token = await self.token()
        answer = await self.send(method, path, token, body)
        if self.rejected(answer):
            answer = await self.send(method, path, await self.renew(token), body)
        return self.result(answer)

    async def token(self) -> str:
        """Return an access token that is good for a while."""
        if self.due():
            async with self.lock:
                if self.due():  # or another task was quicker
                    await self.refresh()
        return str(self.state["access_token"])

    async def renew(self, failed: str) -> str:
        """Return another access token in place of one that HubSpot rejected."""
        async with self.lock:
            if self.state["access_token"] == failed:  # or another task was quicker
                await self.refresh()
            return str(self.state["access_token"])

    async def refresh(self) -> None:
        """Get a new access token. Raises NeedsReconnect or HubSpotError."""
        now = time.time()
        self.refreshed(await self.ask(self.form()), now)

    async def ask(self, form: dict[str, str]) -> Answer:
        """Send a token request."""
        answer = await self.http.post(self.token_path, data=form)
        return Answer.of(answer.status_code, answer.content)

    async def send(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Answer:
        """Send a request, once."""
        answer = await self.http.request(method, path, headers={"Authorization": f"Bearer {token}"}, json=body)
        return Answer.of(answer.status_code, answer.content)

    def is_connected(self) -> bool:
        """Tell whether the user need not connect the account again."""
        return self.connected

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()


class AwareAsyncClient(AsyncClient):
    """The same on aiohttp, with aware datetimes, stored as ISO 8601, and a margin of five minutes where a token lives
    that long."""

    def open(self) -> None:
        self.aio = aiohttp.ClientSession(self.base_url, timeout=aiohttp.ClientTimeout())

    def expiry(self, tokens: Mapping[str, Any], now: float) -> Any:
        lifetime = self.lifetime(tokens)
        usable = timedelta(seconds=lifetime - min(300, lifetime / 2))
        return (datetime.fromtimestamp(now, timezone.utc) + usable).isoformat()

    def due(self) -> bool:
        return datetime.fromisoformat(self.state["expires_at"]) <= datetime.now(timezone.utc)

    async def ask(self, form: dict[str, str]) -> Answer:
        async with self.aio.post(self.token_path, data=form) as answer:
            return Answer.of(answer.status, await answer.read())

    async def send(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Answer:
        async with self.aio.request(method, path, headers={"Authorization": f"Bearer {token}"}, json=body) as answer:
            return Answer.of(answer.status, await answer.read())

    async def close(self) -> None:
        await self.aio.close()
