"""An HTTP proxy for a child process: HubSpot's hosts are the simulator, and nothing else is let out unless allowed."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase

from ..hosts import is_loopback
from ..senders.sockets import Ends
from .proxy_request import ProxyRefusal, ProxyTarget, read

_Address = tuple[str, int]

_SECURE = 443
_HEAD_BYTES = 64 * 1024
_HEAD_SECONDS = 30.0  # how long a client may take to say what it wants
_CONNECT_SECONDS = 10.0
_DRAIN_SECONDS = 1.0  # how long a client that was refused may go on talking before it is cut
_REASONS = {400: "Bad Request", 403: "Forbidden", 502: "Bad Gateway"}
_FAILURES = (OSError, EOFError, asyncio.LimitOverrunError, asyncio.TimeoutError)


class Proxy:
    """Takes clients on a free loopback port between ``start()`` or ``with`` and ``stop()``, in one thread.

    ``matches`` tells whether a host is HubSpot's, ``https`` and ``http`` are where those are on ports 443 and 80, and
    ``authority`` is who vouches for them (PEM). ``allow`` are patterns of other hosts that may be reached
    (``*.example.com``, ``*`` for all); loopback always may. ``refused`` counts, by ``host:port``, what was not let out;
    ``on_tunnel`` is called with the host of each tunnel to HubSpot's secure port, the port from which it goes on, and
    what comes through it first: once with nothing when it is opened, then when something comes.
    """

    def __init__(
        self,
        matches: Callable[[str], bool],
        *,
        https: _Address,
        http: _Address,
        authority: str,
        allow: Sequence[str] = (),
        on_tunnel: Callable[[str, int, bytes], object] | None = None,
    ) -> None:
        self.refused: Counter[str] = Counter()
        self._served: dict[int, Ends] = {}
        self._matches = matches
        self._ways = {_SECURE: https, 80: http}
        self._context = ssl.create_default_context(cadata=authority)
        self._on_tunnel = on_tunnel
        self._allow = [pattern.lower() for pattern in allow]
        self._clients: set[asyncio.Task[None]] = set()
        self._started = threading.Event()

    def served(self, port: int) -> Ends | None:
        """Return both ends of the client's connection for which it has another one, from ``port``."""
        return self._served.get(port)

    def start(self) -> None:
        """Listen, and serve in the background. Raises OSError when it cannot listen."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="hubspot-proxy", daemon=True)
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """Cut every connection and end the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def __enter__(self) -> Proxy:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._client, sock=self._listener, limit=_HEAD_BYTES)
        self._started.set()
        await self._stop.wait()
        server.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _client(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            with suppress(*_FAILURES):
                await self._answer(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # stop() waits for nobody
        finally:
            self._clients.discard(task)
            await _close(writer)

    async def _answer(self, reader: StreamReader, writer: StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_SECONDS)
        try:
            target = read(head)
            upstream, answers = await self._reach(target)
        except ProxyRefusal as refusal:
            await _refuse(reader, writer, refusal)
            return
        here = answers.get_extra_info("sockname")[1]
        self._served[here] = writer.get_extra_info("peername")[:2], writer.get_extra_info("sockname")[:2]
        try:
            if target.head:
                answers.write(target.head)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                if target.port == _SECURE and self._on_tunnel is not None and self._matches(target.host):
                    self._on_tunnel(target.host, here, b"")
                    first = await reader.read(_HEAD_BYTES)
                    if first:
                        self._on_tunnel(target.host, here, first)
                    answers.write(first)
            await _relay(reader, writer, upstream, answers)
        finally:
            self._served.pop(here, None)
            await _close(answers)

    async def _reach(self, target: ProxyTarget) -> tuple[StreamReader, StreamWriter]:
        """Connect to where a client wants to go. Raises Refusal."""
        host, port = self._way(target)
        context: ssl.SSLContext | None = None
        if target.tls:
            context = self._context if self._matches(target.host) else ssl.create_default_context()
        try:
            connecting = asyncio.open_connection(
                host, port, ssl=context, server_hostname=target.host if context else None
            )
            return await asyncio.wait_for(connecting, _CONNECT_SECONDS)
        except (OSError, ValueError, asyncio.TimeoutError) as error:  # ValueError: no name for TLS, or for a resolver
            why = str(error) or f"no answer within {_CONNECT_SECONDS:.0f} s"
            raise ProxyRefusal(502, f"{target.host}:{target.port} cannot be reached: {why}") from None

    def _way(self, target: ProxyTarget) -> _Address:
        if self._matches(target.host):
            if target.port not in self._ways:
                raise ProxyRefusal(403, f"HubSpot has no port {target.port}: the simulator stands for 443 and 80")
            return self._ways[target.port]
        if not is_loopback(target.host) and not any(fnmatchcase(target.host, pattern) for pattern in self._allow):
            self.refused[f"{target.host}:{target.port}"] += 1
            raise ProxyRefusal(
                403,
                f"hubspot-simulator run lets nothing out but calls to HubSpot, and {target.host} is not HubSpot's: "
                f"allow it with --allow {target.host}, or every host with --allow-network",
            )
        return target.host, target.port


async def _refuse(reader: StreamReader, writer: StreamWriter, refusal: ProxyRefusal) -> None:
    body = f"{refusal}\n".encode()
    writer.write(
        f"HTTP/1.1 {refusal.status} {_REASONS[refusal.status]}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    writer.write_eof()
    with suppress(asyncio.TimeoutError):  # a socket that is closed on unread bytes may take the answer with it
        await asyncio.wait_for(_discard(reader), _DRAIN_SECONDS)


async def _discard(reader: StreamReader) -> None:
    while await reader.read(_HEAD_BYTES):
        pass


async def _relay(reader: StreamReader, writer: StreamWriter, upstream: StreamReader, answers: StreamWriter) -> None:
    """Carry bytes both ways until the far side has said all that it has to say."""
    asking = asyncio.create_task(_ask(reader, answers))
    try:
        await _copy(upstream, writer)
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _ask(reader: StreamReader, answers: StreamWriter) -> None:
    try:
        await _copy(reader, answers)
        if answers.can_write_eof():
            answers.write_eof()
    except OSError:
        answers.close()  # the client is gone: nobody waits for an answer


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(_HEAD_BYTES):
        writer.write(data)
        await writer.drain()


async def _close(writer: StreamWriter) -> None:
    writer.close()
    with suppress(*_FAILURES, asyncio.CancelledError):
        await asyncio.wait_for(writer.wait_closed(), _DRAIN_SECONDS)
