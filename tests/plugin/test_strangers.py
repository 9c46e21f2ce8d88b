"""A call with a token of another test is marked, and counts for nothing: issue A5."""

from __future__ import annotations

import pytest

HELPERS = """
    import threading

    import pytest
    import requests

    CONTACTS = "/crm/v3/objects/contacts"
    left = {}  # what the first test leaves behind

    def call(url, token, method="GET", path=CONTACTS):
        return requests.request(method, url + path, headers={"Authorization": f"Bearer {token}"}, timeout=10)

    def refresh(url, left):
        form = {"grant_type": "refresh_token", "refresh_token": left["refresh_token"]}
        return requests.post(url + "/oauth/v3/token", data={**form, **left["client"]}, timeout=10)

    def in_a_thread(work):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    def test_first(hubspot_sim, hubspot_installation):
        left["token"] = hubspot_installation.access_token
        left["refresh_token"] = hubspot_installation.refresh_token
        app = hubspot_sim.app
        left["client"] = {"client_id": app.client_id, "client_secret": app.client_secret}
        left["private"] = hubspot_sim.add_private_app().access_token
        left["code"] = hubspot_sim.authorize()
"""


def run(pytester: pytest.Pytester, tests: str, *args: str) -> pytest.RunResult:
    pytester.makepyfile(test_them=HELPERS + tests)
    return pytester.runpytest("-p", "no:randomly", *args)


def test_it_is_answered_and_marked(pytester: pytest.Pytester) -> None:
    tests = """
    def test_second(hubspot_sim):
        url = hubspot_sim.url
        assert call(url, left["token"]).json()["category"] == "INVALID_AUTHENTICATION"
        assert call(url, left["private"]).status_code == 401
        assert refresh(url, left).json()["status"] == "BAD_CLIENT_ID"
        left["client"] = {"client_id": hubspot_sim.app.client_id, "client_secret": hubspot_sim.app.client_secret}
        assert refresh(url, left).json()["status"] == "BAD_REFRESH_TOKEN"
        code = {"grant_type": "authorization_code", "code": left["code"], "redirect_uri": hubspot_sim.app.redirect_uri}
        answer = requests.post(url + "/oauth/v3/token", data={**code, **left["client"]})
        assert answer.json()["status"] == "BAD_AUTH_CODE"
        assert requests.get(url + "/oauth/v1/access-tokens/" + left["token"]).status_code == 401
        assert requests.get(url + "/oauth/v1/refresh-tokens/" + left["refresh_token"]).status_code == 404
        form = {"token": left["refresh_token"], **left["client"]}
        assert requests.post(url + "/oauth/v3/token/introspect", data=form).json() == {"active": False}
        exchanges = hubspot_sim.journal.exchanges
        assert len(exchanges) == 8
        for exchange in exchanges:
            assert exchange.stranger == "test_them.py::test_first"
            assert exchange.why.startswith("not a call of this test: its token is of test_them.py::test_first; ")
            assert "test_first" in str(exchange)

    def test_third(hubspot_sim, hubspot_installation):
        call(hubspot_sim.url, left["token"])
        call(hubspot_sim.url, hubspot_installation.access_token)
        assert [one.stranger for one in hubspot_sim.journal.exchanges] == ["test_them.py::test_first", ""]
    """
    run(pytester, tests).assert_outcomes(passed=3)


def test_it_feeds_neither_strict_nor_assert_called_nor_a_fault(pytester: pytest.Pytester) -> None:
    tests = """
    def test_second(hubspot_sim, hubspot_installation):
        url, mine = hubspot_sim.url, hubspot_installation.access_token
        fault = hubspot_sim.inject("LOCKED", nth=2)
        expiry = hubspot_sim.inject("connection_reset", path="/oauth/*/token")

        def stranger():
            call(url, left["token"])
            call(url, left["token"], path="/crm/v3/owners")
            call(url, left["token"], "POST", "/crm/v3/objects/contacts/search")
            refresh(url, left)

        in_a_thread(stranger)
        assert call(url, mine).status_code == 200
        in_a_thread(stranger)
        assert call(url, mine).status_code == 423
        in_a_thread(stranger)
        assert [hit.access_token for hit in fault.hits] == [mine]
        assert expiry.hits == []
        hubspot_sim.assert_called("GET", CONTACTS, times=2)
        hubspot_sim.assert_called("POST", "/oauth/v3/token", times=0)
        assert len(hubspot_sim.journal.exchanges) == 14
        assert hubspot_sim.audit() == []
    """
    run(pytester, tests).assert_outcomes(passed=2)


def test_the_points_of_a_sweep_do_not_count_it(pytester: pytest.Pytester) -> None:
    tests = """
    @pytest.mark.hubspot_sweep(calls=2, kinds=["500"])
    def test_second(hubspot_sim, hubspot_installation):
        for _ in range(2):
            in_a_thread(lambda: call(hubspot_sim.url, left["token"]))
            if call(hubspot_sim.url, hubspot_installation.access_token).status_code == 500:
                assert call(hubspot_sim.url, hubspot_installation.access_token).status_code == 200
    """
    run(pytester, tests).assert_outcomes(passed=4)


def test_a_test_whose_own_code_kept_the_token_fails_with_that_line(pytester: pytest.Pytester) -> None:
    tests = """
    def test_second(hubspot_sim):
        answer = call(hubspot_sim.url, left["token"])
        assert answer.status_code == 200
    """
    result = run(pytester, tests)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*HubSpot simulator*", "#1 * 401: not a call of this test: its token is of test_them.py::test_first; *"]
    )


def test_a_call_without_a_token_counts(pytester: pytest.Pytester) -> None:
    tests = """
    def test_second(hubspot_sim):
        in_a_thread(lambda: requests.get(hubspot_sim.url + "/crm/v3/owners", timeout=10))
    """
    result = run(pytester, tests)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["the code under test called endpoints that the HubSpot simulator does not serve*"])


def test_a_test_that_is_run_again_is_no_stranger_to_itself(pytester: pytest.Pytester) -> None:
    tests = """
    from pytest_hubspot_auth import FollowingClock, HubspotSim, Settings

    def test_second(hubspot_sim, hubspot_installation, hubspot_server, request):
        HubspotSim(hubspot_server, Settings(), FollowingClock(), "between")
        again = HubspotSim(hubspot_server, Settings(), FollowingClock(), request.node.nodeid)
        call(again.url, hubspot_installation.access_token)
        call(again.url, again.installation.access_token)
        assert [one.stranger for one in again.journal.exchanges] == ["", ""]
    """
    run(pytester, tests).assert_outcomes(passed=2)
