"""Who sent a request: told of connections and processes, over real sockets."""

from __future__ import annotations

import http.client
import multiprocessing
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from hubspot_simulator import senders
from hubspot_simulator.core.exchange import Exchange
from hubspot_simulator.senders import OWN, Senders, processes
from hubspot_simulator.senders.sockets import NoInodes
from hubspot_simulator.serving.server import SimulatorServer

POSIX = pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
PATH = "/_simulator/audit"
CHILD = "import sys, urllib.request as u; [u.urlopen(sys.argv[1], timeout=20).read() for _ in range(2)]"


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """A server that has been asked nothing."""
    with SimulatorServer() as server:
        yield server


@pytest.fixture
def get(server: SimulatorServer) -> Callable[..., Exchange]:
    """Send a request by a connection and return its exchange."""

    def get(connection: http.client.HTTPConnection, **headers: str) -> Exchange:
        connection.request("GET", PATH, headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert connection.getresponse().read()
        return server.simulator.journal.exchanges[-1]

    return get


def connect(server: SimulatorServer) -> closing[http.client.HTTPConnection]:
    """Return a connection that is closed at the end."""
    return closing(http.client.HTTPConnection(server.host, server.port, timeout=20))


def test_what_this_process_sends_is_its_own_and_each_connection_has_a_number(
    server: SimulatorServer, get: Callable[..., Exchange]
) -> None:
    with connect(server) as one, connect(server) as other:
        sent = [get(one), get(other), get(one)]
    assert [exchange.process for exchange in sent] == [OWN] * 3
    first, second, again = (exchange.connection for exchange in sent)
    assert first is not None
    assert first == again != second


def test_a_connection_is_another_one_where_a_port_is_used_again(
    server: SimulatorServer, get: Callable[..., Exchange]
) -> None:
    peers = [senders.Peer((("127.0.0.1", 4711), ("127.0.0.1", server.port)), -1) for _ in range(2)]
    assert peers[0].number != peers[1].number


def test_many_open_sockets_do_not_hide_it(server: SimulatorServer, get: Callable[..., Exchange]) -> None:
    with connect(server) as one:
        one.connect()
        held = [socket.socket() for _ in range(60)]  # which put its descriptor far from the server's end
        try:
            assert get(one).process == OWN
        finally:
            for other in held:
                other.close()


def test_what_is_answered_in_process_is_this_processs_own(server: SimulatorServer) -> None:
    from werkzeug.test import Client

    Client(server.app).get(PATH)
    exchange = server.simulator.journal.exchanges[-1]
    assert (exchange.connection, exchange.process) == (None, OWN)


def test_another_server_that_carries_the_app_tells_nothing() -> None:
    assert Senders().of({"REMOTE_ADDR": "127.0.0.1"}) == (None, None)


def test_children_are_told_apart(server: SimulatorServer) -> None:
    for _ in range(2):
        subprocess.run([sys.executable, "-c", CHILD, server.url + PATH], check=True, timeout=60)
    processes = [exchange.process for exchange in server.simulator.journal.exchanges]
    assert processes == [1, 1, 2, 2]
    assert len({exchange.connection for exchange in server.simulator.journal.exchanges}) == 4


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
@pytest.mark.parametrize(("host", "called"), [("::1", "[::1]"), ("::", "[::1]"), ("::", "127.0.0.1")])
def test_they_are_told_apart_over_ipv6(host: str, called: str) -> None:
    try:
        server = SimulatorServer(host=host)
        server.start()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6: {error}")
    try:
        url = f"http://{called}:{server.port}{PATH}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            answer.read()
        for _ in range(2):
            subprocess.run([sys.executable, "-c", CHILD, url], check=True, timeout=60)
        processes = [exchange.process for exchange in server.simulator.journal.exchanges]
        assert processes == [OWN, 1, 1, 2, 2]
    finally:
        server.stop()


@pytest.mark.parametrize("header", ["Via", "Forwarded", "X_Forwarded_For"])
def test_behind_a_relay_nothing_is_known(server: SimulatorServer, get: Callable[..., Exchange], header: str) -> None:
    with connect(server) as one:
        exchange = get(one, **{header: "1.1 relay"})
    assert (exchange.connection, exchange.process) == (None, None)


@pytest.mark.parametrize("address", ["10.0.0.7", "2001:db8::1"])
def test_a_connection_from_another_machine_is_known_as_a_connection_only(address: str) -> None:
    peer = senders.Peer(((address, 4711), (address, 80)), -1)
    environ = {senders.PEER: peer, "REMOTE_ADDR": address}
    assert Senders().of(environ) == (peer.number, None)


def test_serve_looks_for_no_processes(server: SimulatorServer, get: Callable[..., Exchange]) -> None:
    server.app.senders = Senders(processes=False)
    with connect(server) as one:
        exchange = get(one)
    assert exchange.connection is not None
    assert exchange.process is None


def test_what_the_system_refuses_to_say_is_unknown(
    server: SimulatorServer, get: Callable[..., Exchange], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(senders, "is_own", refuses)
    with connect(server) as one:
        exchange = get(one)
    assert exchange.connection is not None
    assert exchange.process is None


def test_without_descriptors_to_look_at_the_library_is_asked(
    server: SimulatorServer, get: Callable[..., Exchange], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: object) -> None:
        raise NoInodes

    monkeypatch.setattr(senders, "is_own", lambda *_: None)
    monkeypatch.setattr(processes, "inode_of", refuses)
    with connect(server) as one:
        assert get(one).process == OWN


@POSIX
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_connection_that_was_inherited_is_nobodys(server: SimulatorServer, get: Callable[..., Exchange]) -> None:
    with connect(server) as one:
        assert get(one).process == OWN
        child = multiprocessing.get_context("fork").Process(target=_ask, args=(one,))
        child.start()
        child.join(30)
        assert child.exitcode == 0
        asked, mine = server.simulator.journal.exchanges[-1], None
        mine = get(one)
    assert (asked.connection, asked.process) == (None, None)
    assert (mine.connection, mine.process) == (None, None)


@POSIX
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_after_a_fork_what_is_not_shared_is_still_its_own(
    server: SimulatorServer, get: Callable[..., Exchange]
) -> None:
    with connect(server) as one:
        get(one)
        child = multiprocessing.get_context("fork").Process(target=one.close)
        child.start()
        child.join(30)
        assert get(one).process == OWN


def _ask(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", PATH)
    assert connection.getresponse().status == 200
