"""Simulators of finished tests are freed: issue B8."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.filterwarnings("default")

CONFTEST = """
    import gc
    import weakref

    import pytest

    alive = []

    @pytest.fixture(autouse=True)
    def _watched(hubspot_sim):
        alive.append(weakref.ref(hubspot_sim))
        alive.append(weakref.ref(hubspot_sim.store))

    def pytest_sessionfinish():
        gc.collect()
        left = [one() for one in alive if one() is not None]
        names = {type(one).__name__ for one in left}
        print(f"ALIVE {len(left)} of {len(alive)}: {sorted(names)}")
"""
TESTS = """
    import pytest
    import requests

    CONTACTS = "/crm/v3/objects/contacts"

    def call(url, token):
        return requests.get(url + CONTACTS, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code

    @pytest.mark.parametrize("number", range(5))
    def test_plain(hubspot_sim, hubspot_installation, number):
        assert call(hubspot_sim.url, hubspot_installation.access_token) == 200

    @pytest.mark.parametrize("number", range(3))
    def test_clock(hubspot_sim, hubspot_clock, hubspot_installation, number):
        hubspot_clock.advance(minutes=31)
        assert call(hubspot_sim.url, hubspot_installation.access_token) == 401
        hubspot_sim.audit()

    @pytest.mark.parametrize("number", range(3))
    def test_faults(hubspot_sim, hubspot_installation, number):
        hubspot_sim.inject("LOCKED", times=None)
        assert call(hubspot_sim.url, hubspot_installation.access_token) == 423

    def test_responses(hubspot_responses, hubspot_installation):
        assert call("https://api.hubapi.com", hubspot_installation.access_token) == 200

    def test_intercept(hubspot_intercept, hubspot_installation):
        requests.get("https://api.hubapi.com" + CONTACTS, timeout=10)

    def test_transport(hubspot_sim, hubspot_installation):
        import httpx

        with httpx.Client(transport=hubspot_sim.httpx_transport()) as client:
            client.get("https://api.hubapi.com" + CONTACTS)

    @pytest.mark.hubspot_sweep(calls=1)
    def test_swept(hubspot_sim, hubspot_installation):
        call(hubspot_sim.url, hubspot_installation.access_token)

    @pytest.mark.hubspot(guard=True)
    def test_guarded(hubspot_sim):
        pass

    def test_fails(hubspot_sim, hubspot_installation):
        assert call(hubspot_sim.url, hubspot_installation.access_token) == 201

    def test_last(hubspot_sim):
        pass
"""


def test_no_simulator_of_a_finished_test_is_alive(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)
    # pytest-rerunfailures keeps what a failed test raised, and with it the frames of the test
    result = pytester.runpytest_subprocess("-q", "-s", "-p", "no:randomly", "-p", "no:rerunfailures")
    result.assert_outcomes(passed=18, failed=1)
    # the session's server answers for the last one, if a thread that was left over calls
    result.stdout.fnmatch_lines(["*ALIVE 0 of *"])
