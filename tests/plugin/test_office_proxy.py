"""A proxy in the environment does not swallow the URL of the simulator (A4): here it fails the test if it is called."""

from __future__ import annotations

import os
import sys

import pytest

from hubspot_simulator.hosts import LOOPBACK
from pytest_hubspot_auth.routing import no_proxy

VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")

CLIENTS = """
import asyncio, os, shutil, subprocess, sys, urllib.request
import aiohttp, httpx, pytest, requests, urllib3
from hubspot import HubSpot

PATH = "/crm/v3/objects/contacts"

@pytest.fixture
def call(hubspot_sim, hubspot_installation):
    url, headers = hubspot_sim.url + PATH, {"Authorization": f"Bearer {hubspot_installation.access_token}"}
    yield url, headers
    hubspot_sim.assert_called("GET", PATH, times=1)

def test_requests(call):
    assert requests.get(call[0], headers=call[1], timeout=10).status_code == 200

def test_httpx(call):
    assert httpx.get(call[0], headers=call[1]).status_code == 200

def test_async_httpx(call):
    async def get():
        async with httpx.AsyncClient() as client:
            return (await client.get(call[0], headers=call[1])).status_code
    assert asyncio.run(get()) == 200

def test_aiohttp(call):
    async def get():
        async with aiohttp.ClientSession(trust_env=True) as session, session.get(call[0], headers=call[1]) as answer:
            return answer.status
    assert asyncio.run(get()) == 200

def test_urllib(call):
    request = urllib.request.Request(call[0], headers=call[1])
    assert urllib.request.build_opener().open(request, timeout=10).status == 200

def test_the_official_client(hubspot_sim):
    assert HubSpot(**hubspot_sim.client_kwargs).crm.contacts.basic_api.get_page().results == []

def test_a_child(call):
    code = "import sys, urllib.request as u; print(u.urlopen(u.Request(sys.argv[1], headers=eval(sys.argv[2]))).status)"
    command = [sys.executable, "-c", code, call[0], repr(call[1])]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.split() == ["200"]

@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_curl(call):
    header = f"Authorization: {call[1]['Authorization']}"
    command = ["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "-H", header, call[0]]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60).stdout == "200"

@pytest.mark.hubspot(guard=False)
def test_not_guarded(call):
    assert requests.get(call[0], headers=call[1], timeout=10).status_code == 200

def test_by_getfixturevalue(request):
    sim = request.getfixturevalue("hubspot_sim")
    assert requests.get(sim.url + "/_simulator/health", timeout=10).status_code == 200

def test_a_proxy_that_the_test_sets(call, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", os.environ.get("HTTP_PROXY") or os.environ["all_proxy"])
    assert requests.get(call[0], headers=call[1], timeout=10).status_code == 200
"""

PROXY = """
import os, pytest, socket, threading

@pytest.fixture(scope="session", autouse=True)
def proxy():
    got = []
    listener = socket.create_server(("127.0.0.1", 0))
    def serve():
        while True:
            sock, _ = listener.accept()
            with sock:
                data = sock.recv(4096)
                if data == b"stop":
                    return
                got.append(data)
    thread = threading.Thread(target=serve)
    thread.start()
    port = listener.getsockname()[1]
    for name in {names!r}:
        os.environ[name] = f"http://127.0.0.1:{{port}}"
    yield
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"stop")
    thread.join()
    listener.close()
    assert got == []
"""


@pytest.fixture
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that says nothing of proxies."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.hubspot(guard=False)  # the run inside has its own, and this one's would give it a proxy
@pytest.mark.parametrize("names", [("HTTP_PROXY", "http_proxy"), ("ALL_PROXY", "all_proxy")], ids=["http", "all"])
def test_every_client_reaches_the_simulator(
    pytester: pytest.Pytester, names: tuple[str, ...], without_proxies: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest(PROXY.format(names=names))
    pytester.makepyfile(CLIENTS)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-W", "ignore::ResourceWarning")
    outcomes = result.parseoutcomes()
    assert outcomes.pop("passed") + outcomes.pop("skipped", 0) == CLIENTS.count("def test_")
    assert not outcomes.keys() & {"failed", "error", "errors"}


RESTORED = """
import os
import pytest

def value():
    return os.environ.get("NO_PROXY"), os.environ.get("no_proxy")

BEFORE = value()

@pytest.fixture(autouse=True)
def at_first_and_at_last():
    yield

@pytest.fixture
def set_before(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "set.example.com")
    monkeypatch.delenv("no_proxy", raising=False)

def test_1_is_exempt(hubspot_sim):
    assert "127.0.0.1" in os.environ["NO_PROXY"].split(",")
    assert "127.0.0.1" in os.environ["no_proxy"].split(",")

def test_2_restored():
    assert value() == BEFORE

def test_3_changed_by_a_fixture_before(set_before, hubspot_sim):
    assert os.environ["NO_PROXY"] == "set.example.com"

def test_4_restored():
    assert value() == BEFORE

def test_5_changed_by_monkeypatch_that_is_set_up_first(monkeypatch, hubspot_sim):
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("no_proxy", "localhost")

def test_6_restored():
    assert value() == BEFORE

def test_7_got_late_by_getfixturevalue(monkeypatch, request):
    request.getfixturevalue("hubspot_sim")
    monkeypatch.setenv("NO_PROXY", "late.example.com")

def test_8_restored():
    assert value() == BEFORE

def test_9_changed_for_good(hubspot_sim):
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = os.environ["NO_PROXY"] + ",mine.example.com"

def test_a_what_the_test_did_is_kept():
    given = BEFORE[1] or BEFORE[0]
    assert value() == (f"{given},mine.example.com" if given else "mine.example.com",) * 2
"""


@pytest.mark.hubspot(guard=False)
@pytest.mark.parametrize(
    "given",
    [{}, {"NO_PROXY": "corp.example.com"}, {"no_proxy": "low.example.com", "NO_PROXY": "up.example.com"}],
    ids=["none", "one", "two"],
)
def test_the_variables_are_put_back_exactly(
    pytester: pytest.Pytester, given: dict[str, str], without_proxies: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        without_proxies.setenv(name, value)
    pytester.makepyfile(RESTORED)
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=10)


def test_a_star_stays_alone(without_proxies: pytest.MonkeyPatch) -> None:
    without_proxies.setenv("NO_PROXY", "*")
    with no_proxy.exempt(LOOPBACK):
        assert (os.environ["NO_PROXY"], os.environ.get("no_proxy")) == ("*", None)


def test_the_system_s_proxies_go_on_for_other_hosts(without_proxies: pytest.MonkeyPatch) -> None:
    """macOS and Windows: one variable, and Python's clients no longer ask the system."""
    without_proxies.setattr(sys, "platform", "darwin")
    without_proxies.setattr("urllib.request.getproxies", lambda: {"https": "http://proxy.example.com:3128"})
    with no_proxy.exempt(LOOPBACK):
        assert os.environ["https_proxy"] == "http://proxy.example.com:3128"
        assert os.environ["no_proxy"] == "localhost,127.0.0.1,::1"
    assert not set(VARIABLES) & set(os.environ)


def test_nested_exemptions_may_end_in_any_order(without_proxies: pytest.MonkeyPatch) -> None:
    outer, inner = no_proxy.exempt(["outer.example.com"]), no_proxy.exempt(["inner.example.com"])
    outer.__enter__()
    inner.__enter__()
    assert os.environ["NO_PROXY"] == "outer.example.com,inner.example.com"
    outer.__exit__(None, None, None)
    assert os.environ["NO_PROXY"] == "inner.example.com"
    inner.__exit__(None, None, None)
    assert not set(VARIABLES) & set(os.environ)
