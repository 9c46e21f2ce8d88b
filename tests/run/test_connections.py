"""What a run says of programs that connect to HubSpot's hosts and ask nothing."""

from __future__ import annotations

import shutil
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hubspot_simulator import Simulator, SimulatorServer
from hubspot_simulator.runner.connections import SENT_NOTHING, Connections, describe_failure
from hubspot_simulator.runner.report import report

HOST = "api.hubapi.com"
UNKNOWN_CA = "rejected the certificate (unknown ca)"


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(Simulator()) as server:
        yield server


@pytest.fixture
def connections(server: SimulatorServer) -> Connections:
    connections = Connections()
    connections.watch(server.secure()[0].context)
    return connections


def shake(server: SimulatorServer, *, trusting: bool, name: str = HOST, send: bytes = b"", **versions: object) -> None:
    authority, address = server.secure()
    context = ssl.create_default_context(cadata=authority.certificate) if trusting else ssl.create_default_context()
    for version, value in versions.items():
        setattr(context, version, value)
    sock = socket.create_connection(address, timeout=10)
    with sock, suppress(ssl.SSLError), context.wrap_socket(sock, server_hostname=name) as secure:
        secure.sendall(send)
        while send and secure.recv(65536):
            pass


def settled(connections: Connections, total: int) -> dict[tuple[str, str], int]:
    """Return what was counted, once the server has seen so many connections."""
    waiting = threading.Event()
    for _ in range(500):
        found = dict(connections.without_request())
        if sum(found.values()) >= total:
            break
        waiting.wait(0.01)
    return found


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a6_who_distrusts_the_certificate_is_counted_by_host(
    version: ssl.TLSVersion, server: SimulatorServer, connections: Connections
) -> None:
    for _ in range(2):
        shake(server, trusting=False, maximum_version=version)
    shake(server, trusting=False, name="app.hubspot.com", maximum_version=version)
    assert settled(connections, 3) == {(HOST, UNKNOWN_CA): 2, ("app.hubspot.com", UNKNOWN_CA): 1}


def test_a6_who_sends_nothing_is_told_from_who_asks(server: SimulatorServer, connections: Connections) -> None:
    shake(server, trusting=True, send=b"GET / HTTP/1.0\r\nHost: api.hubapi.com\r\n\r\n")
    shake(server, trusting=True)
    assert settled(connections, 1) == {(HOST, SENT_NOTHING): 1}


def test_a6_a_host_that_the_certificate_does_not_name(server: SimulatorServer, connections: Connections) -> None:
    shake(server, trusting=True, name="api.hubapi.example")
    assert settled(connections, 1) == {("api.hubapi.example", "rejected the certificate (bad certificate)"): 1}


def test_a6_a_handshake_that_just_ends(server: SimulatorServer, connections: Connections) -> None:
    with socket.create_connection(server.secure()[1], timeout=10) as sock:
        sock.sendall(b"\x16\x03\x01\x02")
    assert list(settled(connections, 1)) == [("HubSpot", "aborted the TLS handshake without giving a reason")]


def test_a6_a_tunnel_and_the_handshake_in_it_are_one_connection(connections: Connections) -> None:
    connections.tunnel(HOST, 1)
    connections.tunnel(HOST, 2)
    connections.tunnel(HOST, 2, b"\x16\x03\x01")
    connections.handshake_failed(connections.host(2), "x", 2)
    connections.tunnel(HOST, 3)
    connections.tunnel(HOST, 3, b"\x16\x03\x01")
    connections.handshake_done(connections.host(3), 3)
    connections.data_received(HOST)
    assert connections.without_request() == {(HOST, "x"): 1, (HOST, SENT_NOTHING): 1}
    assert connections.without_request(0) == {
        (HOST, "x"): 1,
        (HOST, SENT_NOTHING): 1,
        (HOST, "sent no complete request"): 1,
    }


TUNNEL = f"""
import os, socket, ssl, sys
address = os.environ["HTTPS_PROXY"].rpartition(":")[2]
sock = socket.create_connection(("127.0.0.1", int(address)), timeout=10)
sock.sendall(b"CONNECT {HOST}:443 HTTP/1.1\\r\\n\\r\\n")
sock.recv(4096)
def tls(**more):
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    context.check_hostname = False
    return context.wrap_socket(sock, **more)
"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "sock.sendall(b'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); sock.recv(99)",
            f"{HOST}: 1 connection did not use TLS,",
        ),
        ("sock.sendall(bytes(range(200, 250))); sock.recv(99)", f"{HOST}: 1 connection did not use TLS,"),
        (
            "sock.sendall(b'\\x16\\x03\\x01\\x00\\x04\\xff\\xff\\xff\\xff'); sock.recv(99)",
            f"{HOST}: 1 connection used TLS in a way",
        ),
        ("sock.sendall(b'\\x16\\x03')", f"{HOST}: 1 connection aborted the TLS handshake"),
        ("tls().sendall(b'GET /crm HTTP/1.1\\r\\nHo')", f"{HOST}: 1 connection sent no complete request"),
        ("tls().close()", f"{HOST}: 1 connection sent nothing"),
        ("", f"{HOST}: 1 connection sent nothing"),
        ("s = tls(); s.sendall(b'GET /crm HTTP/1.0\\r\\n\\r\\n'); s.recv(99)", ""),
    ],
)
def test_a6_each_connection_of_a_program_is_counted_once_and_by_what_it_did(
    run, tmp_path: Path, script: str, expected: str
) -> None:
    (tmp_path / "t.py").write_text(TUNNEL + script, encoding="utf-8")
    done = run([sys.executable, "-I", str(tmp_path / "t.py")])
    said = " ".join(done.report.split())
    assert expected in said
    assert said.count("1 connection ") == bool(expected)
    assert "did not connect to HubSpot" not in said


def test_a6_an_alert_after_the_handshake(connections: Connections) -> None:
    connections.handshake_done(HOST)
    connections.rejected_late(HOST, UNKNOWN_CA)
    assert connections.without_request() == {(HOST, UNKNOWN_CA): 1}


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("TLSV1_ALERT_UNKNOWN_CA", UNKNOWN_CA),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "rejected the certificate (bad certificate)"),
        ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "rejected the certificate (certificate unknown)"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "aborted the TLS handshake (protocol version)"),
        ("NO_SHARED_CIPHER", "used TLS in a way that the simulator does not support (no shared cipher)"),
    ],
)
def test_a6_what_an_alert_tells(reason: str, words: str) -> None:
    error = ssl.SSLError()
    error.reason = reason
    assert describe_failure(error) == words


def test_a6_the_three_cases_in_the_report() -> None:
    simulator = Simulator()
    assert "  none: the program did not connect to HubSpot (hubspot-simulator explain languages)" in report(
        simulator, {}, {}, {}, ["sync"]
    )
    rejected = report(simulator, {}, {}, {(HOST, UNKNOWN_CA): 2})
    assert "  none, but the program did connect to HubSpot:\n" in rejected
    assert f"  {HOST}: 2 connections {UNKNOWN_CA}. Fix: make the program trust the certificates" in rejected
    assert f"  {HOST}: 1 connection sent nothing. " in report(simulator, {}, {}, {(HOST, SENT_NOTHING): 1})


OWN_CERTIFICATES = f"""
import ssl, urllib.request
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_default_certs = lambda *_: None
import socket
address = __import__("os").environ["HTTPS_PROXY"].rpartition(":")[2]
sock = socket.create_connection(("127.0.0.1", int(address)))
sock.sendall(b"CONNECT {HOST}:443 HTTP/1.1\\r\\n\\r\\n")
sock.recv(4096)
try:
    ssl.SSLContext.wrap_socket(context, sock, server_hostname="{HOST}")
except ssl.SSLError as error:
    print(error.reason)
"""


def test_a6_a_program_with_certificates_of_its_own(run, tmp_path: Path) -> None:
    """Python is told to trust the authority by its hook: -S leaves that out."""
    script = tmp_path / "own.py"
    script.write_text(OWN_CERTIFICATES)
    ran = run([sys.executable, "-S", script])
    assert ran.output == "CERTIFICATE_VERIFY_FAILED\n"
    assert "none, but the program did connect to HubSpot:" in ran.report
    assert f"  {HOST}: 1 connection {UNKNOWN_CA}. Fix: make the program trust" in ran.report


@pytest.mark.skipif(not shutil.which("curl"), reason="not on this machine: curl")
def test_a6_curl_with_certificates_of_its_own(run, server: SimulatorServer, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text(server.secure()[0].certificate)
    ran = run(["curl", "-sS", "--cacert", other, f"https://{HOST}/crm/v3/objects/contacts"])
    assert ran.status == 60
    assert f"  {HOST}: 1 connection {UNKNOWN_CA}" in ran.report


@pytest.mark.skipif(not shutil.which("node"), reason="not on this machine: node")
def test_a6_node_with_certificates_of_its_own(run, tmp_path: Path) -> None:
    script = tmp_path / "own.js"
    script.write_text(
        f"require('https').get({{host: '{HOST}', ca: []}}).on('error', (error) => console.log(error.code));"
    )
    ran = run(["node", script])
    assert ran.output.strip() in ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "SELF_SIGNED_CERT_IN_CHAIN"), ran
    assert "none, but the program did connect to HubSpot:" in ran.report
    assert f"  {HOST}: 1 connection " in ran.report
