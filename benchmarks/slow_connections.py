"""How long a client waits beside 200 connections that are slow, against the same client alone.

The server runs in a process of its own, the client and the slow connections in this one. Half of the calls open a new
connection. The goal is a p99 under 50 ms on a machine that has nothing else to do.
"""

from __future__ import annotations

import multiprocessing
import ssl
import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from http.client import HTTPConnection, HTTPSConnection
from multiprocessing.connection import Connection
from time import perf_counter

import trustme

from hubspot_simulator import Simulator, SimulatorServer

MANY = 200
CALLS = 300
DRIP_SECONDS = 0.2
TIMEOUT = 60
PATH = "/crm/v3/objects/contacts"
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
HEAD = b"POST /crm/v3/objects/contacts HTTP/1.1\r\nHost: x\r\n"
KINDS = {  # what each connection sends at first, and then byte by byte; before TLS or in it
    "silent": (b"", b"", True),
    "one byte": (b"P", b"", False),
    "a head that drips": (HEAD + b"A: ", b"b", False),
    "a body that drips": (HEAD + b"Content-Length: 1000000\r\n\r\n", b"b", False),
    "chunks that drip": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n", b"b", False),
    "half a handshake": (HELLO, b"", True),
    "a handshake that drips": (HELLO, b"\0", True),
}


def serve(pipe: Connection, tls: bool) -> None:
    """Serve in a process of its own until the other end says something."""
    context = None
    certificate = b""
    if tls:
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        certificate = authority.cert_pem.bytes()
    simulator = Simulator()
    with SimulatorServer(simulator, ssl_context=context) as server:
        pipe.send((server.port, simulator.installation.access_token, certificate.decode()))
        pipe.recv()


@contextmanager
def serving(tls: bool) -> Iterator[tuple[int, str, ssl.SSLContext | None]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, tls))
    process.start()
    try:
        port, token, certificate = ours.recv()
        yield port, token, ssl.create_default_context(cadata=certificate) if tls else None
    finally:
        ours.send("stop")
        process.join(30)
        process.kill()


@contextmanager
def slow_connections(port: int, kind: str, context: ssl.SSLContext | None) -> Iterator[None]:
    """Hold the connections open, and have them drip."""
    first, then, before_tls = KINDS[kind]
    connections = []
    over = threading.Event()

    def drip() -> None:
        while not over.wait(DRIP_SECONDS):
            for sock in connections:
                with suppress(OSError):
                    sock.send(then)

    for _ in range(MANY):
        client = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        client.connect()
        sock = client.sock
        if context is not None and not before_tls:
            sock = context.wrap_socket(sock, server_hostname="127.0.0.1")
        sock.sendall(first)
        connections.append(sock)
    thread = threading.Thread(target=drip)
    if then:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if then:
            thread.join()
        for sock in connections:
            sock.close()


def caller(port: int, token: str, context: ssl.SSLContext | None) -> Callable[[bool], float]:
    def connect() -> HTTPConnection:
        if context is None:
            return HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        return HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT, context=context)

    kept = connect()

    def call(anew: bool) -> float:
        with closing(connect()) if anew else nullcontext(kept) as client:
            start = perf_counter()
            client.request("GET", PATH, headers={"Authorization": f"Bearer {token}"})
            answer = client.getresponse()
            answer.read()
            assert answer.status == 200
            return perf_counter() - start

    return call


def measure(call: Callable[[bool], float]) -> list[float]:
    times: list[float] = []
    for number in range(CALLS):
        times.append(call(number % 2 == 0))
        if sum(times) > TIMEOUT:
            break  # what waits that long has been seen
    return times


def main() -> None:
    print(f"a call beside {MANY} slow connections (milliseconds; {CALLS} calls, half of them on a new connection)")
    for tls in (False, True):
        kinds = [kind for kind, (_, _, before_tls) in KINDS.items() if tls or not before_tls or kind == "silent"]
        for kind in kinds:
            with serving(tls) as (port, token, context):
                call = caller(port, token, context)
                call(True)
                alone = measure(call)
                with slow_connections(port, kind, context):
                    beside = measure(call)
            ratio = statistics.median(beside) / statistics.median(alone)
            print(
                f"  {'TLS' if tls else 'plain':<6}{kind:<24} alone {shown(alone)}   beside {shown(beside)}"
                f"   ratio {ratio:.2f}"
            )


def shown(times: list[float]) -> str:
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {statistics.median(times) * 1e3:6.2f}  p99 {p99 * 1e3:8.2f}"


if __name__ == "__main__":
    main()
