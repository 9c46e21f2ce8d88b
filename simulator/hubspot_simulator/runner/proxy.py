"""An HTTP proxy for a child process: HubSpot's hosts lead to the simulator, other hosts are blocked unless allowed."""

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

from ..hosts import PORTS, is_loopback, no_such_port
from ..senders.sockets import Ends
from .proxy_request import ProxyRefusal, ProxyTarget, read

_Address = tuple[str, int]

_HEAD_BYTES = 64 * 1024
_HEAD_SECONDS = 30.0  # the time limit for the head of a request
_CONNECT_SECONDS = 10.0
_DRAIN_SECONDS = 1.0  # how long a refused client may go on sending before the connection is closed
_REASONS = {400: "Bad Request", 403: "Forbidden", 502: "Bad Gateway"}
_FAILURES = (OSError, EOFError, asyncio.LimitOverrunError, asyncio.TimeoutError)


class Proxy:
    """A proxy on a free loopback port, served by one thread from ``start()`` or ``with`` to ``stop()``.

    ``matches`` tells whether a host is HubSpot's. ``https`` and ``http`` are the addresses that stand for those hosts'
    ports 443 and 80, and ``authority`` is the certificate of their authority (PEM). ``allow`` are patterns of other
    hosts that clients may reach (``*.example.com``, ``*`` for all); loopback is always allowed. ``blocked`` counts
    blocked connections by ``host:port``.

    ``on_tunnel`` gets the host of each tunnel to HubSpot's port 443, the local port of the proxy's connection to the
    server, and the first bytes: it is called with no bytes when the tunnel opens, and again when bytes arrive.
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
        self.blocked: Counter[str] = Counter()
        self._client_ends: dict[int, Ends] = {}
        self._matches = matches
        self._hubspot_addresses = {PORTS["https"]: https, PORTS["http"]: http}
        self._context = ssl.create_default_context(cadata=authority)
        self._on_tunnel = on_tunnel
        self._allow = [pattern.lower() for pattern in allow]
        self._clients: set[asyncio.Task[None]] = set()
        self._started = threading.Event()

    def client_ends(self, port: int) -> Ends | None:
        """Return both ends of the client's connection that the proxy's connection from ``port`` serves."""
        return self._client_ends.get(port)

    def start(self) -> None:
        """Listen, and serve in the background. Raises OSError if it cannot listen."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="hubspot-proxy", daemon=True)
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """Close every connection and end the thread."""
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
                await self._handle(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # stop() does not wait for clients
        finally:
            self._clients.discard(task)
            await _close(writer)

    async def _handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_SECONDS)
        try:
            target = read(head)
            upstream_reader, upstream_writer = await self._connect(target)
        except ProxyRefusal as refusal:
            await _refuse(reader, writer, refusal)
            return
        local_port = upstream_writer.get_extra_info("sockname")[1]
        self._client_ends[local_port] = writer.get_extra_info("peername")[:2], writer.get_extra_info("sockname")[:2]
        try:
            if target.head:
                upstream_writer.write(target.head)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                if target.port == PORTS["https"] and self._on_tunnel is not None and self._matches(target.host):
                    self._on_tunnel(target.host, local_port, b"")
                    first = await reader.read(_HEAD_BYTES)
                    if first:
                        self._on_tunnel(target.host, local_port, first)
                    upstream_writer.write(first)
            await _relay(reader, writer, upstream_reader, upstream_writer)
        finally:
            self._client_ends.pop(local_port, None)
            await _close(upstream_writer)

    async def _connect(self, target: ProxyTarget) -> tuple[StreamReader, StreamWriter]:
        """Connect to the host that a client wants. Raises ProxyRefusal."""
        host, port = self._address(target)
        context: ssl.SSLContext | None = None
        if target.tls:
            context = self._context if self._matches(target.host) else ssl.create_default_context()
        try:
            connection = asyncio.open_connection(
                host, port, ssl=context, server_hostname=target.host if context else None
            )
            return await asyncio.wait_for(connection, _CONNECT_SECONDS)
        except (
            OSError,
            ValueError,
            asyncio.TimeoutError,
        ) as error:  # ValueError: a host name that TLS or the resolver rejects
            reason = str(error) or f"no response within {_CONNECT_SECONDS:.0f} s"
            raise ProxyRefusal(502, f"cannot connect to {target.host}:{target.port}: {reason}") from None

    def _address(self, target: ProxyTarget) -> _Address:
        if self._matches(target.host):
            if target.port not in self._hubspot_addresses:
                raise ProxyRefusal(403, no_such_port(target.port))
            return self._hubspot_addresses[target.port]
        if not is_loopback(target.host) and not any(fnmatchcase(target.host, pattern) for pattern in self._allow):
            self.blocked[f"{target.host}:{target.port}"] += 1
            raise ProxyRefusal(
                403,
                f"hubspot-simulator run blocks all hosts except HubSpot's, and {target.host} is not one of them: "
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
    with suppress(asyncio.TimeoutError):  # closing a socket with unread bytes may discard the response
        await asyncio.wait_for(_discard(reader), _DRAIN_SECONDS)


async def _discard(reader: StreamReader) -> None:
    while await reader.read(_HEAD_BYTES):
        pass


async def _relay(
    reader: StreamReader, writer: StreamWriter, upstream_reader: StreamReader, upstream_writer: StreamWriter
) -> None:
    """Copy bytes both ways until the upstream side ends."""
    upload = asyncio.create_task(_upload(reader, upstream_writer))
    try:
        await _copy(upstream_reader, writer)
    finally:
        upload.cancel()
        await asyncio.gather(upload, return_exceptions=True)


async def _upload(reader: StreamReader, upstream_writer: StreamWriter) -> None:
    try:
        await _copy(reader, upstream_writer)
        if upstream_writer.can_write_eof():
            upstream_writer.write_eof()
    except OSError:
        upstream_writer.close()  # the client has disconnected and needs no response


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(_HEAD_BYTES):
        writer.write(data)
        await writer.drain()


async def _close(writer: StreamWriter) -> None:
    writer.close()
    with suppress(*_FAILURES, asyncio.CancelledError):
        await asyncio.wait_for(writer.wait_closed(), _DRAIN_SECONDS)
