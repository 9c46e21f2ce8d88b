"""``hubspot_guard``: no test reaches the real HubSpot. Every test here is answered before a packet leaves."""

from __future__ import annotations

import pytest

TEST = """
import pytest, requests

{mark}
def test_it({fixtures}):
    {statement}
"""


@pytest.fixture(autouse=True)
def no_network(pytester: pytest.Pytester) -> None:
    """Were the guard to fail, this would be what the lookup meets: no address, and no packet."""
    pytester.makeconftest(
        """
        import socket

        def getaddrinfo(host, *args, real=socket.getaddrinfo, **kwargs):
            if "hubapi" in str(host):
                raise socket.gaierror("there is no network here")
            return real(host, *args, **kwargs)

        socket.getaddrinfo = getaddrinfo
        """
    )


def run(
    pytester: pytest.Pytester,
    *arguments: str,
    mark: str = "",
    fixtures: str = "",
    statement: str = "requests.get('https://api.hubapi.com/crm/v3/objects/contacts', timeout=5)",
) -> pytest.RunResult:
    pytester.makepyfile(TEST.format(mark=mark, fixtures=fixtures, statement=statement))
    return pytester.runpytest_subprocess("-p", "no:randomly", *arguments)


def test_a_call_of_the_real_hubspot_fails_and_names_the_fixtures(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--hubspot-guard=on")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "the test was about to call api.hubapi.com, the real HubSpot (hubspot_guard is on).",
            "To have it answered by the simulator, use the fixture hubspot_intercept (any Python HTTP client) or "
            "hubspot_responses (`requests` only), or point the code to hubspot_sim.url.",
            "To let it through, @pytest.mark.hubspot(guard=False).",
        ]
    )


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
    result.stdout.fnmatch_lines(["the test was about to call api.hubapi.com*"])


@pytest.mark.parametrize("fixtures", ["hubspot_intercept", "hubspot_responses"])
def test_what_the_simulator_answers_passes(pytester: pytest.Pytester, fixtures: str) -> None:
    run(pytester, "--hubspot-guard=on", fixtures=fixtures).assert_outcomes(passed=1)


def test_without_it_the_call_goes_on(pytester: pytest.Pytester) -> None:
    run(pytester).stdout.fnmatch_lines(["*ConnectionError*there is no network here*"])


def test_the_mark_turns_it_on_and_off(pytester: pytest.Pytester) -> None:
    result = run(pytester, mark="@pytest.mark.hubspot(guard=True)")
    result.stdout.fnmatch_lines(["the test was about to call api.hubapi.com*"])
    result = run(pytester, "--hubspot-guard=on", mark="@pytest.mark.hubspot(guard=False)")
    result.stdout.fnmatch_lines(["*ConnectionError*there is no network here*"])


def test_further_hosts_are_guarded(pytester: pytest.Pytester) -> None:
    statement = "requests.get('https://crm.example.com/', timeout=5)"
    result = run(pytester, "--hubspot-guard=on", "--hubspot-hosts=crm.example.com", statement=statement)
    result.stdout.fnmatch_lines(["the test was about to call crm.example.com*"])


def test_other_hosts_are_not(pytester: pytest.Pytester) -> None:
    statement = "import socket; socket.getaddrinfo('localhost', 80)"
    run(pytester, "--hubspot-guard=on", statement=statement).assert_outcomes(passed=1)
