"""The guard: no test reaches the real HubSpot. Every test here is answered before a packet leaves."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import ways_to_hubspot
from ways_to_hubspot import SEEN, UNSEEN

# The runs inside have their own guard. That of this one would give them a proxy, as to every child.
pytestmark = pytest.mark.hubspot(guard=False)

HERE = Path(__file__).resolve().parent
TEST = """
import pytest, requests

{mark}
def test_it({fixtures}):
    {statement}
"""
# Were the guard to fail, this would be what a call meets: no address, and no packet.
NO_NETWORK = """
import socket, sys
from pytest_hubspot_auth.routing import audit_hook

def no_network(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr") and is_far(args[0]):
        raise socket.gaierror("there is no network here")
    if event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple) and is_far(args[1][0]):
        raise OSError("there is no network here")

def is_far(host):
    name = host.decode() if isinstance(host, bytes) else str(host)
    return not name.startswith(("127.", "192.0.2.")) and name not in ("localhost", "::1", "None", "0.0.0.0")

audit_hook.watch(audit_hook.ignore)  # so that the guard's own hook comes first, whenever a guard begins
audit_hook.unwatch(audit_hook.ignore)
sys.addaudithook(no_network)
"""
CAUGHT = "the test was about to call api.hubapi.com*"
THROUGH = "*there is no network here*"


@pytest.fixture(autouse=True)
def no_network(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    pytester.makeconftest(NO_NETWORK)


def run(
    pytester: pytest.Pytester,
    *arguments: str,
    mark: str = "",
    fixtures: str = "",
    statement: str = "requests.get('https://api.hubapi.com/crm/v3/objects/contacts', timeout=5)",
) -> pytest.RunResult:
    pytester.makepyfile(TEST.format(mark=mark, fixtures=fixtures, statement=statement))
    return pytester.runpytest_subprocess("-p", "no:randomly", *arguments)


WAYS = """
import pytest
from ways_to_hubspot import SEEN, UNSEEN

@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SEEN)
def test_seen(name, hubspot_sim):
    SEEN[name]()

@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", UNSEEN)
@pytest.mark.usefixtures("hubspot_sim")
def test_unseen(name):
    UNSEEN[name]()
"""


@pytest.mark.parametrize("table", ["seen", "unseen"])
def test_every_way_to_hubspot_is_stopped_or_listed_as_unseen(pytester: pytest.Pytester, table: str) -> None:
    pytester.makepyfile(WAYS, ways_to_hubspot=Path(ways_to_hubspot.__file__).read_text("utf-8"))
    chosen = ["-k", f"test_{table}", f"--hubspot-hosts={'localhost' if table == 'unseen' else ''}"]
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-rA", *chosen)
    lines = result.stdout.str().splitlines()
    names = list(SEEN if table == "seen" else UNSEEN)
    summary = [line for line in lines if re.match(r"(PASSED|FAILED|ERROR) test_", line)]
    skipped = sum(line.startswith("SKIPPED") for line in lines)
    if table == "seen":
        wrong = [line for line in summary if "was about to call" not in line or line.startswith("ERROR")]
        outcomes = result.parseoutcomes()
        assert outcomes.get("failed", 0) + outcomes.get("skipped", 0) == len(names), summary
    else:
        wrong = [line for line in summary if not line.startswith("PASSED")]
        assert result.parseoutcomes()["passed"] + result.parseoutcomes().get("skipped", 0) == len(names), skipped
    assert not wrong


def test_a_spawned_process_is_stopped_though_multiprocessing_was_not_used_before(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        child="""
        def call():
            import urllib.request
            try:
                urllib.request.urlopen("https://api.hubapi.com/", timeout=20)
            except OSError:
                pass
        """,
        test_it="""
        import sys
        from child import call

        def test_it(hubspot_sim):
            assert "multiprocessing.util" not in sys.modules
            import multiprocessing
            process = multiprocessing.get_context("spawn").Process(target=call)
            process.start()
            process.join()
        """,
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines("a process that the test started was about to call api.hubapi.com*")


def test_the_page_lists_the_ways_that_are_tried_here() -> None:
    page = (HERE.parents[1] / "docs" / "guard.md").read_text("utf-8")
    for heading, names in (("## What is seen", SEEN), ("## What is not seen", UNSEEN)):
        table = page.partition(f"{heading}\n")[2].partition("\n## ")[0]
        assert re.findall(r"^- (.+)$", table, re.MULTILINE) == list(names), heading


def test_a_call_of_the_real_hubspot_fails_and_names_the_fixtures(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = run(pytester, "--hubspot-guard=on")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "the test was about to call api.hubapi.com, the real HubSpot (hubspot_guard is",
            "    on).",
            "To send it to the simulator, use the fixture hubspot_intercept (any Python HTTP",
            "    client) or hubspot_responses (`requests` only), or point the code at",
            "    hubspot_sim.url.",
            "To allow it, use @pytest.mark.hubspot(guard=False).",
        ]
    )


@pytest.mark.parametrize("fixtures", ["hubspot_sim", "hubspot_clock", "hubspot_server", "of_the_suite"])
def test_it_is_on_by_default_for_a_test_that_uses_a_fixture_of_ours(pytester: pytest.Pytester, fixtures: str) -> None:
    pytester.makeconftest(
        f"{NO_NETWORK}\nimport pytest\n@pytest.fixture\ndef of_the_suite(hubspot_installation): return 1"
    )
    result = run(pytester, fixtures=fixtures)
    result.stdout.fnmatch_lines([CAUGHT])


def test_it_is_off_by_default_for_a_test_that_uses_none(pytester: pytest.Pytester) -> None:
    run(pytester).stdout.fnmatch_lines([THROUGH])


def test_a_fixture_by_getfixturevalue_guards_from_then_on(pytester: pytest.Pytester) -> None:
    call = "requests.get('https://api.hubapi.com/', timeout=5)"
    statement = (
        f"with pytest.raises(requests.ConnectionError, match='no network'): {call}\n"
        "    request.getfixturevalue('hubspot_sim')\n"
        f"    {call}"
    )
    result = run(pytester, fixtures="request", statement=statement)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([CAUGHT])


OFF = {
    "mark": ("@pytest.mark.hubspot(guard=False)", (), "", {}),
    "mark, as text": ("@pytest.mark.hubspot(guard='off')", (), "", {}),
    "command line": ("", ("--hubspot-guard=false",), "", {}),
    "ini": ("", ("-o", "hubspot_guard=false"), "", {}),
    "environment": ("", (), "", {"PYTEST_HUBSPOT_GUARD": "false"}),
    "fixture": ("", (), "Settings(guard=False)", {}),
    "command line, where the fixture says nothing of it": ("", ("--hubspot-guard=false",), "Settings(token_ttl=5)", {}),
}


@pytest.mark.parametrize("way", OFF)
def test_it_is_switched_off(pytester: pytest.Pytester, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mark, arguments, settings, environment = OFF[way]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if settings:
        pytester.makeconftest(
            f"{NO_NETWORK}\nimport pytest\nfrom pytest_hubspot_auth import Settings\n"
            f"@pytest.fixture(scope='session')\ndef hubspot_settings(): return {settings}"
        )
    run(pytester, *arguments, mark=mark, fixtures="hubspot_sim").stdout.fnmatch_lines([THROUGH])


def test_the_mark_wins(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--hubspot-guard=off", mark="@pytest.mark.hubspot(guard=True)")
    result.stdout.fnmatch_lines([CAUGHT])
    result = run(pytester, "--hubspot-guard=on", mark="@pytest.mark.hubspot(guard=False)")
    result.stdout.fnmatch_lines([THROUGH])
    result = run(pytester, "--hubspot-guard=on", mark="@pytest.mark.hubspot(guard='auto')")
    result.stdout.fnmatch_lines([THROUGH])


@pytest.mark.parametrize(
    "statement",
    [
        "import contextlib\n    with contextlib.suppress(BaseException): requests.get('https://api.hubapi.com/')",
        "import threading\n    thread = threading.Thread(target=lambda: requests.get('https://api.hubapi.com/'))\n"
        "    thread.start()\n    thread.join()",
    ],
    ids=["swallowed", "in a thread"],
)
@pytest.mark.filterwarnings("ignore")
def test_it_cannot_be_swallowed(pytester: pytest.Pytester, statement: str) -> None:
    result = run(pytester, "--hubspot-guard=on", "-W", "ignore", statement=statement)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([CAUGHT])


def test_a_failure_that_hides_it_is_told_of_it(pytester: pytest.Pytester) -> None:
    statement = (
        "try: requests.get('https://api.hubapi.com/')\n    except BaseException: pass\n    assert 'contacts' == 'none'"
    )
    result = run(pytester, fixtures="hubspot_sim", statement=statement)
    result.stdout.fnmatch_lines(["*assert 'contacts' == 'none'", "*HubSpot guard*", CAUGHT])


def test_a_teardown_that_swallows_it_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest, requests

        @pytest.fixture
        def client(hubspot_sim):
            yield
            try:
                requests.get("https://api.hubapi.com/")
            except BaseException:
                pass

        def test_it(client):
            pass
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([CAUGHT])


@pytest.mark.parametrize("fixtures", ["hubspot_intercept", "hubspot_responses"])
def test_what_the_simulator_answers_passes(pytester: pytest.Pytester, fixtures: str) -> None:
    run(pytester, "--hubspot-guard=on", fixtures=fixtures).assert_outcomes(passed=1)


RUN = """
import subprocess, sys

CODE = '''
import urllib.request, urllib.error
try:
    urllib.request.urlopen("https://api.hubapi.com/crm/v3/objects/contacts", timeout=30)
except urllib.error.HTTPError as error:
    print(error.code)
'''

def test_it(hubspot_sim):
    command = [sys.executable, "-m", "hubspot_simulator", "run", "--", sys.executable, "-c", CODE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["401"], done.stderr
"""


def test_run_goes_on_working(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(RUN)
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("fixtures", "statement", "advice"),
    [
        (
            "hubspot_responses",
            "import urllib.request; urllib.request.urlopen('https://api.hubapi.com/')",
            "hubspot_responses is active, but this call bypassed it: *Use the fixture hubspot_intercept *",
        ),
        (
            "hubspot_intercept",
            "import _socket; _socket.getaddrinfo('api.hubapi.com', 443)",
            "hubspot_intercept is active, but this call bypassed it: * Point the code at hubspot_sim.url.",
        ),
    ],
)
def test_the_advice_is_not_what_is_in_use(
    pytester: pytest.Pytester, fixtures: str, statement: str, advice: str
) -> None:
    result = run(pytester, fixtures=fixtures, statement=statement)
    result.stdout.fnmatch_lines([CAUGHT, advice, "To allow it, use @pytest.mark.hubspot(guard=False)."])


MOCK_AWS = """
import pytest, requests, responses

@pytest.fixture
def mock_aws():
    # what moto does: a mock of its own, which hands on all that it does not know
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_passthru("http")
        yield

def test_a_mock_that_starts_later_is_beneath(hubspot_responses, hubspot_installation, mock_aws, hubspot_sim):
    headers = {"Authorization": f"Bearer {hubspot_installation.access_token}"}
    url = "https://api.hubapi.com/crm/v3/objects/contacts"
    assert requests.get(url, headers=headers).json() == {"results": []}
    with requests.Session() as session:
        assert session.post(url, headers=headers, json={"properties": {"email": "a@example.com"}}).status_code == 201
    hubspot_sim.assert_called("POST", "/crm/v3/objects/contacts", times=1)

def test_without_hubspot_responses_it_is_stopped(hubspot_sim, mock_aws):
    requests.get("https://api.hubapi.com/")
"""


def test_mock_aws_that_starts_after_hubspot_responses(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MOCK_AWS)
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([CAUGHT])


def test_further_hosts_are_guarded(pytester: pytest.Pytester) -> None:
    statement = "requests.get('https://crm.example.com/crm/v3/objects/contacts', timeout=5)"
    result = run(pytester, "--hubspot-guard=on", "--hubspot-hosts=crm.example.com", statement=statement)
    result.stdout.fnmatch_lines(["the test was about to call crm.example.com*"])
    result = run(pytester, "--hubspot-hosts=crm.example.com", fixtures="hubspot_intercept", statement=statement)
    result.assert_outcomes(passed=1)


def test_other_hosts_are_not(pytester: pytest.Pytester) -> None:
    statement = "import socket; socket.getaddrinfo('localhost', 80)"
    run(pytester, "--hubspot-guard=on", statement=statement).assert_outcomes(passed=1)


def test_a_child_reaches_other_hosts(pytester: pytest.Pytester) -> None:
    """Through the proxy that refuses HubSpot, and through the one that the environment names."""
    pytester.makepyfile(
        """
        import socket, subprocess, sys, threading
        import pytest

        CODE = '''
        import os, socket
        from urllib.parse import urlsplit
        proxy = urlsplit(os.environ["HTTPS_PROXY"])
        sock = socket.create_connection((proxy.hostname, proxy.port))
        sock.sendall(b"CONNECT %s HTTP/1.1\\\\r\\\\n\\\\r\\\\n")
        print(sock.recv(12))
        sock.sendall(b"hello"); sock.shutdown(socket.SHUT_WR)
        print(sock.makefile("rb").read())
        '''

        @pytest.fixture
        def far():
            got = []
            listener = socket.create_server(("127.0.0.1", 0))
            def serve():
                sock, _ = listener.accept()
                with sock:
                    data = sock.recv(4096)
                    if data.startswith(b"CONNECT"):
                        got.append(data)
                        sock.sendall(b"HTTP/1.1 200 Connection established\\r\\n\\r\\n")
                        data = sock.recv(4096)
                    got.append(data)
                    sock.sendall(b"welcome")
            thread = threading.Thread(target=serve)
            thread.start()
            with listener:
                yield listener.getsockname()[1], got
                thread.join()

        def talk(target):
            code = CODE.strip().replace("\\n        ", "\\n").replace("%s", target)
            return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

        def test_directly(hubspot_sim, far):
            assert "welcome" in talk(f"localhost:{far[0]}").stdout
            assert far[1] == [b"hello"]

        def test_through_the_proxy_of_the_environment(hubspot_sim, far, monkeypatch):
            monkeypatch.setenv("HTTPS_PROXY", f"http://us%40er:secret@127.0.0.1:{far[0]}")
            assert "welcome" in talk("www.example.com:443").stdout
            assert far[1][0].startswith(b"CONNECT www.example.com:443 HTTP/1.1\\r\\n")
            assert b"\\r\\nProxy-Authorization: Basic dXNAZXI6c2VjcmV0\\r\\n\\r\\n" in far[1][0]
            assert far[1][1] == b"hello"
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


LEAKS = """
import os, socket, subprocess, sys, threading
import pytest

def state():
    return (
        [vars(socket.socket).get(name) for name in ("connect", "connect_ex", "send", "sendall", "sendto")],
        subprocess.Popen.__init__, socket.getaddrinfo, dict(os.environ, PYTEST_CURRENT_TEST=""),
    )

before = state()

def test_1_guarded(hubspot_sim):
    assert state() != before
    subprocess.run([sys.executable, "-c", "import os; assert os.environ['HTTPS_PROXY']"], check=True, timeout=60)

def test_2_not_guarded():
    assert state() == before
    code = "import os; assert 'HTTPS_PROXY' not in os.environ and 'NO_PROXY' not in os.environ"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with pytest.raises(socket.gaierror, match="no network"):
        socket.gethostbyname("api.hubapi.com")
"""


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_proxies")
def test_nothing_of_it_is_left_for_the_next_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(LEAKS)
    # pytest-socket sets socket.socket.connect after every test
    pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:socket").assert_outcomes(passed=2)


def test_a_run_inside_of_a_guarded_test_has_its_own_guard(pytester: pytest.Pytester) -> None:
    """And shares the one hook of the process."""
    pytester.makeconftest(f"{NO_NETWORK}\npytest_plugins = ['pytester']")
    pytester.makepyfile(
        '''
        import socket, sys, threading

        INNER = """
        import socket
        def look_up():
            socket.gethostbyname("api.hubapi.com")
        def test_not_guarded():
            look_up()
        def test_guarded(hubspot_sim):
            look_up()
        """

        def test_outer(pytester, hubspot_sim, monkeypatch):
            added = []
            monkeypatch.setattr(sys, "addaudithook", added.append)
            pytester.makepyfile(INNER)
            result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:socket")
            result.stdout.fnmatch_lines(
                ["FAILED *test_not_guarded - *no network here", "FAILED *test_guarded - Failed: the test was about *"]
            )
            assert added == []
            assert "hubspot-child-proxy" not in {thread.name for thread in threading.enumerate()}
        '''
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)


def test_reruns_start_afresh(pytester: pytest.Pytester) -> None:
    """As pytest-rerunfailures runs a test: the protocol of one item, twice."""
    pytester.makeconftest(
        f"""{NO_NETWORK}
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    if any(report.failed for report in runtestprotocol(item, nextitem=nextitem, log=False)):
        runtestprotocol(item, nextitem=nextitem, log=True)
    return True
"""
    )
    pytester.makepyfile(
        """
        import contextlib, socket
        tries = []

        def test_it(hubspot_sim):
            tries.append(1)
            if len(tries) == 1:
                with contextlib.suppress(BaseException):
                    socket.gethostbyname("api.hubapi.com")
                raise ValueError("the first try")
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)


def test_no_hook_is_added_before_a_test_is_guarded(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import sys
        added = []
        real = sys.addaudithook
        sys.addaudithook = lambda hook: (added.append(hook), real(hook))
        """
    )
    pytester.makepyfile(
        """
        import sys
        from conftest import added

        ROUTING = "pytest_hubspot_auth.routing"
        OURS = {"hubspot_simulator.core", f"{ROUTING}.guard", f"{ROUTING}.protection", "responses"}

        def test_1_not_guarded():
            assert not added
            assert not OURS & set(sys.modules)

        def test_2_guarded(hubspot_sim):
            assert len(added) == 1

        def test_3_guarded_too(hubspot_sim, hubspot_responses):
            assert len(added) == 1
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:recording", "-p", "no:socket")
    result.assert_outcomes(passed=3)


def test_the_hook_looks_at_its_own_events_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_hubspot_auth.routing import audit_hook

    heard: list[str] = []

    def watcher(event: str, args: tuple[object, ...]) -> None:
        heard.append(event)

    audit_hook.watch(watcher)
    try:
        sys.audit("object.__getattr__", None, "f_code")
        sys.audit("socket.getaddrinfo", "host.invalid", 80, 0, 0, 0)
    finally:
        audit_hook.unwatch(watcher)
    sys.audit("socket.getaddrinfo", "host.invalid", 80, 0, 0, 0)
    assert heard == ["socket.getaddrinfo"]
