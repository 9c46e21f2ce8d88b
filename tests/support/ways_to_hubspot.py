"""Ways by which code reaches HubSpot. docs/guard.md lists them, and test_guard.py tries each in a guarded test.

Nothing leaves the machine where the guard fails: the run has an audit hook of its own that stands for "no network".
"""

from __future__ import annotations

import _socket
import asyncio
import ctypes
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPSConnection
from shutil import which
from socket import getaddrinfo as imported_early

import pytest

HOST = "api.hubapi.com"
URL = f"https://{HOST}/crm/v3/objects/contacts"

SEEN: dict[str, Callable[[], object]] = {}
UNSEEN: dict[str, Callable[[], object]] = {}  # here HubSpot is called "localhost", which nothing else stands for


def way(table: dict[str, Callable[[], object]], name: str) -> Callable[[Callable[[], object]], None]:
    def add(function: Callable[[], object]) -> None:
        table[name] = function

    return add


class Listener:
    """A listener on loopback, which a way leads to in the place of HubSpot or of a proxy. It collects what it gets."""

    def __init__(self, answer: bytes = b"") -> None:
        self.got: list[bytes] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            with sock, suppress(OSError):
                while data := sock.recv(4096):
                    if data == b"stop":
                        return
                    self.got.append(data)
                    sock.sendall(self._answer)

    def close(self) -> None:
        socket.create_connection(("127.0.0.1", self.port)).sendall(b"stop")
        self._thread.join()
        self._listener.close()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def through_a_proxy(call: Callable[[str], object], *, silent: bool = False) -> None:
    """Call with the URL of a proxy, which must not be told where to go."""
    with Listener() as proxy:
        try:
            call(proxy.url)
        finally:
            assert not proxy.got, proxy.got


def environment_proxy(call: Callable[[], object]) -> None:
    """Call while the environment names a proxy. It was set before the test, as it is in an office."""

    def called(url: str) -> object:
        os.environ["HTTPS_PROXY"] = url
        try:
            return call()
        finally:
            del os.environ["HTTPS_PROXY"]

    through_a_proxy(called)


@way(SEEN, "`requests`")
def _() -> None:
    import requests

    requests.get(URL, timeout=5)


@way(SEEN, "`urllib3`")
def _() -> None:
    import urllib3

    with urllib3.PoolManager() as pool:
        pool.request("GET", URL, timeout=5.0, retries=False)


@way(SEEN, "`hubspot-api-client`")
def _() -> None:
    from hubspot import HubSpot

    HubSpot(access_token="none").crm.contacts.basic_api.get_page()


@way(SEEN, "`httpx`")
def _() -> None:
    import httpx

    httpx.get(URL)


@way(SEEN, "`httpx`, async")
def _() -> None:
    import httpx

    async def get() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(URL)

    asyncio.run(get())


@way(SEEN, "`aiohttp`")
def _() -> None:
    import aiohttp

    async def get() -> None:
        connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
        async with aiohttp.ClientSession(connector=connector) as session:
            await session.get(URL)

    asyncio.run(get())


@way(SEEN, "`urllib.request`")
def _() -> None:
    urllib.request.urlopen(URL, timeout=5)


@way(SEEN, "`http.client`")
def _() -> None:
    with closing(HTTPSConnection(HOST, timeout=5)) as connection:
        connection.request("GET", "/")


@way(SEEN, "`socket.create_connection`")
def _() -> None:
    socket.create_connection((HOST, 443), 5)


@way(SEEN, "`socket.getaddrinfo`, imported early")
def _() -> None:
    imported_early(HOST, 443)


@way(SEEN, "`socket.gethostbyname`")
def _() -> None:
    socket.gethostbyname(HOST)


@way(SEEN, "`socket.gethostbyname_ex`")
def _() -> None:
    socket.gethostbyname_ex(HOST)


@way(SEEN, "`socket.gethostbyaddr`")
def _() -> None:
    socket.gethostbyaddr(HOST)


@way(SEEN, "`socket.connect` with a host name")
def _() -> None:
    with socket.socket() as sock:
        sock.connect((HOST, 443))


@way(SEEN, "`socket.connect_ex` with a host name")
def _() -> None:
    with socket.socket() as sock:
        sock.connect_ex((HOST, 443))


@way(SEEN, "`socket.sendto` with a host name (UDP)")
def _() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"hello", (HOST, 443))


@way(SEEN, "`socket.sendmsg` with a host name (UDP)")
def _() -> None:
    if not hasattr(socket.socket, "sendmsg"):
        pytest.skip("there is no sendmsg here")
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"hello"], [], 0, (HOST, 443))


@way(SEEN, "the host name in full-width characters, which IDNA normalizes")
def _() -> None:
    socket.getaddrinfo("\uff41pi\u3002hubapi\uff0ecom", 443)


@way(SEEN, "the host name as bytes, in upper case, with a trailing dot")
def _() -> None:
    for name in (b"api.hubapi.com", "API.HubAPI.com", "api-eu1.hubapi.com."):
        with suppress(BaseException):
            socket.getaddrinfo(name, 443)
            sys.exit("unseen")
    socket.getaddrinfo("app.hubspot.com", 443)


@way(SEEN, "`_socket.getaddrinfo`")
def _() -> None:
    _socket.getaddrinfo(HOST, 443)


@way(SEEN, "asyncio: `loop.getaddrinfo`")
def _() -> None:
    async def look_up() -> None:
        await asyncio.get_running_loop().getaddrinfo(HOST, 443)

    asyncio.run(look_up())


@way(SEEN, "asyncio: `loop.create_connection`")
def _() -> None:
    async def connect() -> None:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, HOST, 443)

    asyncio.run(connect())


@way(SEEN, "asyncio: `loop.sock_connect`")
def _() -> None:
    async def connect() -> None:
        with socket.socket() as sock:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, (HOST, 443))

    asyncio.run(connect())


@way(SEEN, "asyncio: `loop.create_datagram_endpoint` (HTTP/3)")
def _() -> None:
    async def connect() -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(HOST, 443))

    asyncio.run(connect())


@way(SEEN, "uvloop")
def _() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def connect() -> None:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, HOST, 443)

    loop = uvloop.new_event_loop()
    with closing(loop):
        loop.run_until_complete(connect())


@way(SEEN, "curl_cffi")
def _() -> None:
    requests = pytest.importorskip("curl_cffi.requests")
    requests.get(URL, timeout=5)


@way(SEEN, "aiodns, alone and in aiohttp")
def _() -> None:
    aiodns = pytest.importorskip("aiodns")

    async def look_up() -> None:
        await aiodns.DNSResolver().getaddrinfo(HOST, port=443)

    asyncio.run(look_up())


@way(SEEN, "dnspython")
def _() -> None:
    resolver = pytest.importorskip("dns.resolver")
    resolver.Resolver(configure=False).resolve(HOST)


@way(SEEN, "a proxy in the environment: `requests`")
def _() -> None:
    import requests

    environment_proxy(lambda: requests.get(URL, timeout=5))


@way(SEEN, "a proxy in the environment: `httpx`")
def _() -> None:
    import httpx

    environment_proxy(lambda: httpx.get(URL))


@way(SEEN, "a proxy in the environment: `aiohttp`")
def _() -> None:
    import aiohttp

    async def get() -> None:
        connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
        async with aiohttp.ClientSession(connector=connector, trust_env=True) as session:
            await session.get(URL)

    environment_proxy(lambda: asyncio.run(get()))


@way(SEEN, "a proxy in the environment: `urllib.request`")
def _() -> None:
    environment_proxy(lambda: urllib.request.build_opener().open(URL, timeout=5))


@way(SEEN, "a proxy set in code: `requests`")
def _() -> None:
    import requests

    through_a_proxy(lambda proxy: requests.get(URL, proxies={"https": proxy}, timeout=5))


@way(SEEN, "a proxy set in code: `urllib3`")
def _() -> None:
    import urllib3

    def get(proxy: str) -> None:
        with urllib3.ProxyManager(proxy) as manager:
            manager.request("GET", URL, timeout=5.0, retries=False)

    through_a_proxy(get)


@way(SEEN, "a proxy set in code: `httpx`")
def _() -> None:
    import httpx

    def get(proxy: str) -> None:
        with httpx.Client(proxy=proxy) as client:
            client.get(URL)

    through_a_proxy(get)


@way(SEEN, "a proxy set in code: `aiohttp`")
def _() -> None:
    import aiohttp

    async def get(proxy: str) -> None:
        async with aiohttp.ClientSession() as session:
            await session.get(URL, proxy=proxy)

    through_a_proxy(lambda proxy: asyncio.run(get(proxy)))


@way(SEEN, "a proxy set in code: `urllib.request`")
def _() -> None:
    through_a_proxy(
        lambda proxy: urllib.request.build_opener(urllib.request.ProxyHandler({"https": proxy})).open(URL, timeout=5)
    )


@way(SEEN, "a proxy set in code: `HTTPSConnection.set_tunnel`")
def _() -> None:
    def get(proxy: str) -> None:
        with closing(HTTPSConnection(proxy.removeprefix("http://"), timeout=5)) as connection:
            connection.set_tunnel(HOST)
            connection.request("GET", "/")

    through_a_proxy(get)


@way(SEEN, "a proxy for plain HTTP")
def _() -> None:
    import requests

    through_a_proxy(lambda proxy: requests.get(f"http://{HOST}/", proxies={"http": proxy}, timeout=5))


@way(SEEN, "a SOCKS proxy that resolves the host name")
def _() -> None:
    def connect(proxy: str) -> None:
        with socket.create_connection(("127.0.0.1", int(proxy.rpartition(":")[2]))) as sock:
            sock.sendall(b"\x05\x01\x00\x03" + bytes([len(HOST)]) + HOST.encode() + b"\x01\xbb")

    through_a_proxy(connect)


@way(SEEN, "a proxy that the code calls with `socket.sendmsg`")
def _() -> None:
    def connect(proxy: str) -> None:
        with socket.create_connection(("127.0.0.1", int(proxy.rpartition(":")[2]))) as sock:
            if not hasattr(sock, "sendmsg"):
                pytest.skip("there is no sendmsg here")
            sock.sendmsg([b"CONNECT ", f"{HOST}:443 HTTP/1.1\r\n\r\n".encode()])

    through_a_proxy(connect)


@way(SEEN, "a thread")
def _() -> None:
    thread = threading.Thread(target=lambda: suppressed(lambda: socket.getaddrinfo(HOST, 443)))
    thread.start()
    thread.join()


@way(SEEN, "code that catches every exception")
def _() -> None:
    suppressed(lambda: socket.getaddrinfo(HOST, 443))


def suppressed(call: Callable[[], object]) -> None:
    with suppress(BaseException):
        call()


CHILD = (
    "import urllib.request, sys\n"
    "try: urllib.request.urlopen(sys.argv[1], timeout=20)\n"
    "except OSError as error: print(error)\n"
    "else: print('reached')"
)


@way(SEEN, "a child process: Python, with the proxy variables")
def _() -> None:
    subprocess.run([sys.executable, "-c", CHILD, URL], check=True, timeout=60)


@way(SEEN, "a child process: with a modified copy of `os.environ`")
def _() -> None:
    command = [sys.executable, "-c", CHILD, URL]
    subprocess.run(command, check=True, timeout=60, env={**os.environ, "MORE": "1"})


@way(SEEN, "a child process: with an environment of bytes")
def _() -> None:
    if not os.supports_bytes_environ:
        pytest.skip("an environment is in text here")
    command = [sys.executable, "-c", CHILD, URL]
    subprocess.run(command, check=True, timeout=60, env=dict(os.environb))


@way(SEEN, "a child process: curl")
def _() -> None:
    if which("curl") is None:
        pytest.skip("there is no curl here")
    subprocess.run(["curl", "-s", "-m", "20", URL], check=False, timeout=60)


@way(SEEN, "a child process: `os.system`")
def _() -> None:
    if sys.platform == "win32":
        pytest.skip("cmd.exe quotes in another way")
    os.system(f"{sys.executable} -c \"import urllib.request; urllib.request.urlopen('{URL}', timeout=20)\" 2>/dev/null")


@way(SEEN, "a child process: asyncio")
def _() -> None:
    async def start() -> None:
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, URL)
        await child.wait()

    asyncio.run(start())


@way(SEEN, "a child process: multiprocessing with `spawn`")
def _() -> None:
    import multiprocessing

    process = multiprocessing.get_context("spawn").Process(target=exec, args=(CHILD.replace("sys.argv[1]", repr(URL)),))
    process.start()
    process.join()


@way(UNSEEN, "an IP address, for example one that was resolved before the test")
def _() -> None:
    with Listener() as hubspot, socket.create_connection(("127.0.0.1", hubspot.port)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


@way(UNSEEN, "a connection opened before the test")
def _() -> None:
    with Listener(b"HTTP/1.1 204 No Content\r\n\r\n") as hubspot:
        connection = HTTPConnection("localhost", hubspot.port, timeout=20)
        connection.sock = socket.create_connection(("127.0.0.1", hubspot.port))
        with closing(connection):
            connection.request("GET", "/")
            assert connection.getresponse().status == 204


@way(UNSEEN, "a DNS lookup in C code (ctypes, pycurl, gRPC and other libraries with their own resolver)")
def _() -> None:
    if sys.platform == "win32":
        pytest.skip("the C library has another name on Windows")
    assert ctypes.CDLL(None).getaddrinfo(b"localhost", b"80", None, ctypes.byref(ctypes.c_void_p())) == 0


@way(UNSEEN, "a request to a proxy over TLS")
def _() -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="proxy.example.com")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()  # from here on, all that is sent is such bytes
    with Listener() as proxy, socket.create_connection(("127.0.0.1", proxy.port)) as sock:
        sock.sendall(outgoing.read())


@way(UNSEEN, "uvloop with a proxy set in code")
def _() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def connect(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"CONNECT localhost:443 HTTP/1.1\r\n\r\n")
        assert await reader.read(100)
        writer.close()
        await writer.wait_closed()

    loop = uvloop.new_event_loop()
    with Listener(b"HTTP/1.1 200 OK\r\n\r\n") as proxy, closing(loop):
        loop.run_until_complete(connect(proxy.port))


@way(UNSEEN, "a child process that ignores the proxy variables (Node's `fetch`, urllib3, `http.client`)")
def _() -> None:
    with Listener(b"HTTP/1.1 204 No Content\r\n\r\n") as hubspot:
        code = (
            "from http.client import HTTPConnection\n"
            f"connection = HTTPConnection('localhost', {hubspot.port}, timeout=20)\n"
            "connection.request('GET', '/'); print(connection.getresponse().status); connection.close()"
        )
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["204"]


@way(UNSEEN, "a child process that calls a plain `http:` URL")
def _() -> None:
    with Listener(b"HTTP/1.1 204 No Content\r\n\r\n") as hubspot:
        code = (
            "import urllib.request\n"
            f"print(urllib.request.urlopen('http://localhost:{hubspot.port}/', timeout=20).status)"
        )
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["204"]


@way(UNSEEN, "a forked process (`os.fork`, multiprocessing): the call is blocked, but the test does not fail")
def _() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, from Python 3.12 on
        process = os.fork()
    if process == 0:
        try:
            socket.getaddrinfo("localhost", 80)
        except BaseException:  # noqa: BLE001
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 7


@way(UNSEEN, "`os.posix_spawn`, `os.spawn*`, `os.exec*` and `pty.spawn`")
def _() -> None:
    if not hasattr(os, "posix_spawn"):
        pytest.skip("there is no posix_spawn here")
    import warnings

    code = "import os, sys; sys.exit(3 if os.environ.get('HTTPS_PROXY') else 0)"
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads and forks, from Python 3.12 on
        assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
