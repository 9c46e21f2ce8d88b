"""What a failed test says of the simulator: in the terminal, and in the file that a CI system shows."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

FAILS = """
import http.client, urllib.parse

def send(sim, method, path, token=None, body=None):
    where = urllib.parse.urlsplit(sim.url)
    connection = http.client.HTTPConnection(where.hostname, where.port)
    try:
        connection.request(method, path, body, {"Authorization": f"Bearer {token}"} if token else {})
        return connection.getresponse().status
    finally:
        connection.close()

def test_sync(hubspot_sim, hubspot_clock, hubspot_installation):
    token = hubspot_installation.access_token
    hubspot_clock.advance(minutes=31)
    for _ in range(3):
        status = send(hubspot_sim, "GET", "/crm/v3/objects/contacts?limit=1&access_token=" + token, token)
    send(hubspot_sim, "GET", "/%01%1b%0a%ef%bf%bf%e2%80%a8" + token)
    print("printed by the test")
    assert status == 200
"""
RED = "\x1b[31m"


def failure(xml: Path) -> str:
    """Return what the only failure or error in a JUnit file says in its text."""
    (found,) = [*ET.parse(xml).iter("failure"), *ET.parse(xml).iter("error")]
    return found.text or ""


def run(pytester: pytest.Pytester, *options: str, code: str = FAILS) -> tuple[str, Path]:
    """Run tests in a process of their own; return the output and where the JUnit file is."""
    pytester.makepyfile(code)
    xml = pytester.path / "junit.xml"
    result = pytester.runpytest_subprocess("-p", "no:randomly", f"--junit-xml={xml}", *options)
    assert result.ret == 1
    return result.stdout.str(), xml


@pytest.mark.parametrize("options", [(), ("-n2",), ("--tb=short",), ("--tb=native",), ("--tb=line",), ("--tb=no",)])
def test_a9_the_journal_and_the_audit_of_a_failed_test_are_in_junit_xml(
    pytester: pytest.Pytester, options: tuple[str, ...]
) -> None:
    out, xml = run(pytester, *options)
    said = failure(xml)
    assert "- HubSpot simulator -" in said
    assert len(re.findall(r"#\d \S+Z GET /crm/v3/objects/contacts\?limit=1", said)) >= 3
    assert "- HubSpot audit -" in said
    assert "error: expired-token-sent-again" in said or "error: no-refresh-after-expiry" in said
    assert "\x1b" not in xml.read_text("utf-8")
    count = out.count("- HubSpot simulator -")
    assert count == out.count("- HubSpot audit -")
    if options == ("--tb=line",):
        assert count <= 1  # as pytest's version has it
    else:
        assert count == (0 if options == ("--tb=no",) else 1)


def test_a9_no_secret_and_no_control_character_is_in_junit_xml(pytester: pytest.Pytester) -> None:
    out, xml = run(pytester, "--show-capture=no", "-o", "junit_logging=all")
    token = re.compile(r"C[\w-]{100,}")
    source = [line for line in out.splitlines() if "%01" in line]
    assert source  # of the test itself
    assert not token.search(xml.read_text("utf-8"))
    assert not token.search(out)
    assert "GET /%01%1B%0A%EF%BF%BF%E2%80%A8C" in failure(xml)


@pytest.mark.parametrize("logging", ["no", "system-out", "all"])
def test_a9_whatever_junit_logging_says_the_journal_is_there_once(pytester: pytest.Pytester, logging: str) -> None:
    _, xml = run(pytester, "-o", f"junit_logging={logging}")
    assert xml.read_text("utf-8").count("- HubSpot simulator -") == 1


@pytest.mark.parametrize(
    "body",
    [
        'import pytest\n    hubspot_sim.url\n    pytest.fail("as it was", pytrace=False)',
        'hubspot_sim.assert_called("GET", "/x")',
        "raise SystemExit",
        "raise RuntimeError('two') from ValueError('one')",
    ],
)
def test_a9_however_a_test_fails(pytester: pytest.Pytester, body: str) -> None:
    _, xml = run(pytester, code=f"def test_it(hubspot_sim):\n    {body}\n")
    assert failure(xml).count("no request reached the simulator") == 1


def test_a9_a_fixture_fails(pytester: pytest.Pytester) -> None:
    code = """
    import pytest

    @pytest.fixture
    def broken(hubspot_sim):
        raise RuntimeError("broken")

    def test_it(broken):
        pass
    """
    out, xml = run(pytester, code=code)
    assert failure(xml).count("no request reached the simulator") == 1
    assert out.count("no request reached the simulator") == 1


def test_a9_a_failure_that_is_text_says_it_too(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True, trylast=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            if report.failed:
                report.longrepr = "as a text"
            return report
        """
    )
    out, xml = run(pytester, code="def test_it(hubspot_sim):\n    assert 0\n")
    assert failure(xml).count("no request reached the simulator") == 1
    assert out.count("no request reached the simulator") == 1


@pytest.mark.parametrize("options", [(), ("-n2",)])
def test_d6_the_sections_are_coloured_by_pytests_own_writer(
    pytester: pytest.Pytester, options: tuple[str, ...]
) -> None:
    out, xml = run(pytester, "--color=yes", *options)
    lines = [line for line in out.splitlines() if re.match(r"\S*#\d ", line)]
    assert lines
    assert all(line.startswith(RED) for line in lines)
    assert any(line.startswith(RED) and "error: " in line for line in out.splitlines())
    assert "\x1b" not in xml.read_text("utf-8")


def test_d6_without_colour_there_is_none(pytester: pytest.Pytester) -> None:
    out, _ = run(pytester, "--color=no")
    assert "\x1b" not in out


SWEPT = """
import pytest
import requests

@pytest.mark.hubspot_sweep(calls=2)
def test_sync_that_calls_hubspot_twice_with_a_long_name(hubspot_sim, hubspot_installation):
    for _ in range(2):
        headers = {"Authorization": "Bearer " + hubspot_installation.access_token}
        requests.get(hubspot_sim.url + "/crm/v3/objects/contacts", headers=headers, timeout=10).raise_for_status()
"""
KIT = """
import pytest
import requests
from pytest_hubspot_auth import HubSpotRefreshSuite

class TestIt(HubSpotRefreshSuite):
    def connect(self, connection):
        return connection
    def work(self, client):
        headers = {"Authorization": "Bearer " + client.tokens["access_token"]}
        requests.get(client.base_url + "/crm/v3/objects/contacts", headers=headers, timeout=10).raise_for_status()
    def stored(self, client):
        return client.tokens
"""
UNSERVED = """
import requests

def test_it(hubspot_sim):
    requests.get(hubspot_sim.url + "/no/such/path", timeout=10)
    requests.get(hubspot_sim.url + "/crm/v3/objects/contacts", timeout=10)

def test_other(hubspot_sim):
    requests.get(hubspot_sim.url + "/crm/v3/objects/contacts", timeout=10)
    hubspot_sim.assert_called("GET", "/crm/v3/objects/contact", times=2)
"""
OURS = (
    "#",
    "error: ",
    "warning: ",
    "survives-",
    "stores-",
    "the code under test",
    "GET /crm/v3/objects/contacts (call",
)


@pytest.mark.parametrize("code", [FAILS, SWEPT, KIT, UNSERVED], ids=["journal", "sweep", "kit", "unserved"])
def test_d6_reports_fit_the_terminal(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    selected = ["-k", "minute_31 or stores_new_token"] if code is KIT else []
    out, _ = run(pytester, "--show-capture=no", *selected, code=code)
    ours, active = [], False
    for line in out.splitlines():
        if line.startswith(("-", "=", "_")):
            active = "HubSpot" in line
        active = (active and line != "") or line.startswith(OURS) or (code is UNSERVED and line.startswith("E  "))
        if active:  # pytest's own lines may be longer: source, names, paths, arguments of fixtures
            ours.append(line)
    assert len(ours) > 8
    assert [line for line in ours if len(line) > 80 and " " in line.strip()] == []
