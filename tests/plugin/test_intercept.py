"""``hubspot_intercept``: every Python client, with hard-coded URLs, over real TLS."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import ssl
import sys
import types
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path

import aiohttp
import httpx
import pytest
import requests
import urllib3
from hubspot import HubSpot

from hubspot_simulator.serving.socket_patch import SocketPatch
from pytest_hubspot_auth import ConnectedInstallation, HubspotClock, HubspotSim

HOST = "api.hubapi.com"
PATH = "/crm/v3/objects/contacts"
URL = f"https://{HOST}{PATH}"

Get = Callable[[str], tuple[int, bytes]]  # a token in, status and body out


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def by_requests() -> Iterator[Get]:
    with requests.Session() as session:

        def get(token: str) -> tuple[int, bytes]:
            answer = session.get(URL, headers=bearer(token), timeout=10)
            return answer.status_code, answer.content

        yield get


def by_prepared_requests() -> Iterator[Get]:
    with requests.Session() as session:

        def get(token: str) -> tuple[int, bytes]:
            answer = session.send(requests.Request("GET", URL, headers=bearer(token)).prepare(), timeout=10)
            return answer.status_code, answer.content

        yield get


def by_urllib3() -> Iterator[Get]:
    with urllib3.PoolManager() as pool:

        def get(token: str) -> tuple[int, bytes]:
            answer = pool.request("GET", URL, headers=bearer(token), timeout=10.0)
            return answer.status, answer.data

        yield get


def by_hubspot_api_client() -> Iterator[Get]:
    client = HubSpot(access_token="not yet")

    def get(token: str) -> tuple[int, bytes]:
        client.access_token = token
        answer = client.api_request({"path": PATH})
        return answer.status_code, answer.content

    yield get


def by_httpx() -> Iterator[Get]:
    with httpx.Client() as client:

        def get(token: str) -> tuple[int, bytes]:
            answer = client.get(URL, headers=bearer(token), timeout=10)
            return answer.status_code, answer.content

        yield get


def by_async_httpx() -> Iterator[Get]:
    loop = asyncio.new_event_loop()
    client = httpx.AsyncClient()

    def get(token: str) -> tuple[int, bytes]:
        answer = loop.run_until_complete(client.get(URL, headers=bearer(token), timeout=10))
        return answer.status_code, answer.content

    with closing(loop):
        yield get
        loop.run_until_complete(client.aclose())


def by_httpx2() -> Iterator[Get]:
    library = pytest.importorskip("httpx2")
    with library.Client() as client:

        def get(token: str) -> tuple[int, bytes]:
            answer = client.get(URL, headers=bearer(token), timeout=10)
            return answer.status_code, answer.content

        yield get


def by_hubspot_sdk() -> Iterator[Get]:
    sdk = pytest.importorskip("hubspot_sdk")
    with sdk.HubSpot(access_token="not yet", max_retries=0) as client:

        def get(token: str) -> tuple[int, bytes]:
            client.access_token = token
            try:
                answer = client.get(PATH, cast_to=httpx.Response)
            except sdk.APIStatusError as refused:
                answer = refused.response
            return answer.status_code, answer.content

        yield get


def by_aiohttp() -> Iterator[Get]:
    loop = asyncio.new_event_loop()

    async def build() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    session = loop.run_until_complete(build())

    async def fetch(token: str) -> tuple[int, bytes]:
        async with session.get(URL, headers=bearer(token)) as answer:
            return answer.status, await answer.read()

    with closing(loop):
        yield lambda token: loop.run_until_complete(fetch(token))
        loop.run_until_complete(session.close())
        loop.run_until_complete(asyncio.sleep(0.01))


def by_urllib_request() -> Iterator[Get]:
    opener = urllib.request.build_opener()

    def get(token: str) -> tuple[int, bytes]:
        try:
            with opener.open(urllib.request.Request(URL, headers=bearer(token)), timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    yield get


def by_http_client() -> Iterator[Get]:
    with closing(HTTPSConnection(HOST, timeout=10)) as connection:

        def get(token: str) -> tuple[int, bytes]:
            connection.request("GET", PATH, headers=bearer(token))
            answer = connection.getresponse()
            return answer.status, answer.read()

        yield get


CLIENTS = {
    "requests": by_requests,
    "requests, prepared": by_prepared_requests,
    "urllib3": by_urllib3,
    "hubspot-api-client": by_hubspot_api_client,
    "hubspot-sdk": by_hubspot_sdk,
    "httpx": by_httpx,
    "httpx, async": by_async_httpx,
    "httpx2": by_httpx2,
    "aiohttp": by_aiohttp,
    "urllib.request": by_urllib_request,
    "http.client": by_http_client,
}
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("built", ["before", "after"])
@pytest.mark.parametrize("name", CLIENTS)
def test_every_client_meets_the_expiry_over_tls(
    name: str,
    built: str,
    hubspot_sim: HubspotSim,
    hubspot_clock: HubspotClock,
    hubspot_installation: ConnectedInstallation,
) -> None:
    builder = CLIENTS[name]()
    get = next(builder) if built == "before" else None
    try:
        with hubspot_sim.intercept():
            get = get or next(builder)
            token = hubspot_installation.access_token
            assert get(token) == (200, b'{"results":[]}')
            hubspot_clock.advance(minutes=31)
            status, body = get(token)
            assert (status, json.loads(body)["category"]) == (401, "EXPIRED_AUTHENTICATION")
    finally:
        for _ in builder:
            pass
    hubspot_sim.assert_called("GET", PATH, times=2)
    assert dict(hubspot_sim.journal.exchanges[0].request_headers)["HTTP_HOST"] == HOST


def test_the_page_lists_what_was_tried_here() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "reach-my-client.md"
    table = page.read_text("utf-8").partition("| library |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE) == list(CLIENTS)


@pytest.mark.parametrize("name", ["requests", "urllib.request", "httpx", "httpx2"])
def test_a_proxy_in_the_environment_is_not_taken(
    name: str,
    hubspot_sim: HubspotSim,
    hubspot_installation: ConnectedInstallation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.delenv("no_proxy", raising=False)
    with hubspot_sim.intercept():
        builder = CLIENTS[name]()
        assert next(builder)(hubspot_installation.access_token)[0] == 200
        for _ in builder:
            pass
    assert (os.environ["NO_PROXY"], os.environ.get("no_proxy")) == ("localhost", None)


PATCHED = [
    (socket, "getaddrinfo"),
    (socket, "gethostbyname"),
    (socket.socket, "connect"),
    (socket.socket, "connect_ex"),
    (ssl.SSLContext, "wrap_socket"),
    (ssl.SSLContext, "wrap_bio"),
]


def test_afterwards_the_process_is_as_before(hubspot_sim: HubspotSim) -> None:
    def seen() -> list[object]:
        return [vars(owner).get(name) for owner, name in PATCHED]

    before = seen()
    with hubspot_sim.intercept():
        assert all(now is not then for now, then in zip(seen(), before, strict=True))
        with hubspot_sim.intercept():
            pass
        assert all(now is not then for now, then in zip(seen(), before, strict=True))
    assert all(now is then for now, then in zip(seen(), before, strict=True))


def test_a_pooled_connection_does_not_outlive_it(
    hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = hubspot_installation.access_token
    with requests.Session() as session:
        with hubspot_sim.intercept():
            assert session.get(URL, headers=bearer(token), timeout=10).status_code == 200

        def no_network(*args: object, **kwargs: object) -> None:
            raise socket.gaierror("there is no network here")

        monkeypatch.setattr(socket, "getaddrinfo", no_network)
        with pytest.raises(requests.ConnectionError, match="there is no network here"):
            session.get(URL, headers=bearer(token), timeout=10)
    hubspot_sim.assert_called("GET", PATH, times=1)


def test_other_hosts_are_untouched(hubspot_sim: HubspotSim) -> None:
    with hubspot_sim.intercept():
        assert socket.gethostbyname("localhost").startswith("127.")
        assert socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0][4] == ("127.0.0.1", 80)
        with pytest.raises(requests.HTTPError):
            requests.get(f"{hubspot_sim.url}{PATH}", timeout=10).raise_for_status()


def test_http_is_served_too_and_other_ports_are_nobody(hubspot_sim: HubspotSim) -> None:
    with hubspot_sim.intercept():
        assert requests.get(f"http://{HOST}/_simulator/health", timeout=10).status_code in (200, 403)
        with pytest.raises(ConnectionRefusedError, match="ports 443 and 80 only, not on 8443"):
            socket.create_connection((HOST, 8443), timeout=5)
        with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
            sock.connect_ex((socket.gethostbyname(HOST), 22))
        with pytest.raises(socket.gaierror, match="IPv4"):
            socket.getaddrinfo(HOST, 443, family=socket.AF_INET6)


@pytest.mark.parametrize("host", ["api.hubapi.com", "API.HubAPI.com", "api.hubapi.com.", b"app-eu1.hubspot.com"])
def test_spellings_of_the_hosts(hubspot_sim: HubspotSim, host: str | bytes) -> None:
    with hubspot_sim.intercept():
        ((*_, address),) = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
        assert address[0].startswith("192.0.2.")


def test_links_say_what_the_client_called(hubspot_intercept: None, hubspot_installation: ConnectedInstallation) -> None:
    headers = bearer(hubspot_installation.access_token)
    for number in range(2):
        requests.post(URL, json={"properties": {"email": f"{number}@example.com"}}, headers=headers, timeout=10)
    page = requests.get(URL, params={"limit": 1}, headers=headers, timeout=10).json()
    assert page["paging"]["next"]["link"].startswith(f"{URL}?limit=1&after=")


def test_a_stand_in_address_reaches_nobody_without_the_patch() -> None:
    patch = SocketPatch(lambda host: True, https=("127.0.0.1", 1), http=("127.0.0.1", 1), authority="")
    patch.install()
    address = socket.gethostbyname("api.hubapi.com")
    patch.uninstall()
    assert address.startswith("192.0.2.")  # TEST-NET-1 of RFC 5737


def test_another_patch_of_the_same_function_ends_after_ours() -> None:
    patch = SocketPatch(lambda host: host == HOST, https=("127.0.0.1", 1), http=("127.0.0.1", 1), authority="")
    usual = socket.gethostbyname
    patch.install()
    try:
        ours = socket.gethostbyname
        socket.gethostbyname = lambda host: ours(host)
    finally:
        patch.uninstall()
    socket.gethostbyname = ours  # the other one ends, and puts back what it found
    try:
        assert socket.gethostbyname("localhost").startswith("127.")
        patch.install()
        assert socket.gethostbyname(HOST).startswith("192.0.2.")
        assert socket.gethostbyname("localhost").startswith("127.")
        patch.uninstall()
    finally:
        socket.gethostbyname = usual


def test_uvloop_is_refused_with_a_sentence(hubspot_sim: HubspotSim) -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed (it is not to be had on Windows)")

    async def call() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(URL)

    with hubspot_sim.intercept():
        loop = uvloop.new_event_loop()
        with (
            closing(loop),
            pytest.raises(RuntimeError, match=r"uvloop was about to call api\.hubapi\.com, bypassing the simulator"),
        ):
            loop.run_until_complete(call())


def test_the_first_use_may_be_while_time_is_frozen(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import requests

        def test_it(hubspot_clock, hubspot_intercept, hubspot_installation):
            headers = {{"Authorization": f"Bearer {{hubspot_installation.access_token}}"}}
            assert requests.get("{URL}", headers=headers, timeout=10).status_code == 200
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)


def test_curl_cffi_is_refused_with_a_sentence(hubspot_sim: HubspotSim, monkeypatch: pytest.MonkeyPatch) -> None:
    class Curl:
        def setopt(self, option: int, value: object) -> str:
            return f"{option}={value}"

    stand_in = types.SimpleNamespace(__name__="curl_cffi", Curl=Curl, CurlOpt=types.SimpleNamespace(URL=10002))
    monkeypatch.setitem(sys.modules, "curl_cffi", stand_in)
    with hubspot_sim.intercept():
        assert Curl().setopt(10002, b"https://example.com/") == "10002=b'https://example.com/'"
        with pytest.raises(RuntimeError, match=r"curl_cffi was about to call api.hubapi.com.*hubspot_sim\.url"):
            Curl().setopt(10002, URL.encode())
    assert Curl().setopt(10002, URL) == f"10002={URL}"
