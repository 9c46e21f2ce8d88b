"""What the strict failure says of the answer, and numbers in sentences: issue A13."""

from __future__ import annotations

import pytest

from hubspot_simulator.core.words import plural, times


@pytest.mark.parametrize(
    ("calls", "statuses"),
    [
        ([("PUT", "/crm/v3/objects/contacts/5")], "405"),
        ([("GET", "/crm/v3/owners")], "404"),
        ([("GET", "/crm/v3/owners"), ("PUT", "/crm/v3/objects/contacts/5")], "404 and 405"),
    ],
)
def test_it_names_the_statuses(pytester: pytest.Pytester, calls: list[tuple[str, str]], statuses: str) -> None:
    pytester.makepyfile(
        f"""
        import requests

        def test_one(hubspot_sim):
            for method, path in {calls!r}:
                requests.request(method, hubspot_sim.url + path, timeout=10)
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*endpoints that the HubSpot simulator does not serve, and got {statuses}:"])


class TestACallOfTheTeardown:
    """A fixture that tidies up after the test calls HubSpot too."""

    def run(self, pytester: pytest.Pytester, teardown: str, *arguments: str, test: str = "pass") -> pytest.RunResult:
        pytester.makepyfile(
            f"""
            import pytest
            import requests

            def get(sim, path, token):
                headers = {{"Authorization": f"Bearer {{token}}"}}
                return requests.get(sim.url + path, headers=headers, timeout=10)

            @pytest.fixture
            def tidy(hubspot_sim, hubspot_clock, hubspot_installation):
                yield hubspot_installation.access_token
                {teardown}

            def test_one(hubspot_sim, tidy):
                {test}
            """
        )
        return pytester.runpytest_inprocess(*arguments)

    def test_what_is_not_served_fails_the_test(self, pytester: pytest.Pytester) -> None:
        result = self.run(pytester, "requests.get(hubspot_sim.url + '/crm/v3/owners', timeout=10)")
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(["*endpoints that the HubSpot simulator does not serve, and got 404:"])

    def test_it_is_said_once(self, pytester: pytest.Pytester) -> None:
        owners = "requests.get(hubspot_sim.url + '/crm/v3/owners', timeout=10)"
        self.run(pytester, owners, test=owners).assert_outcomes(failed=1)

    def test_a_finding_fails_the_test(self, pytester: pytest.Pytester) -> None:
        expired = "hubspot_clock.advance(minutes=31); get(hubspot_sim, '/crm/v3/objects/contacts', 'TOKEN')"
        expired = expired.replace("'TOKEN'", "hubspot_installation.access_token")
        result = self.run(pytester, expired, "--hubspot-fail-on=error")
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(["*the audit of the requests to HubSpot found 1 mistake*"])

    def test_a_right_call_fails_nothing(self, pytester: pytest.Pytester) -> None:
        right = "get(hubspot_sim, '/crm/v3/objects/contacts', hubspot_installation.access_token)"
        self.run(pytester, right, "--hubspot-fail-on=info").assert_outcomes(passed=1)


def test_a_sweep_of_one_call(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        import requests

        @pytest.mark.hubspot_sweep(calls=2)
        def test_one(hubspot_sim, hubspot_installation):
            headers = {"Authorization": f"Bearer {hubspot_installation.access_token}"}
            requests.get(hubspot_sim.url + "/crm/v3/objects/contacts", headers=headers, timeout=10)
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    result.stdout.fnmatch_lines(["call 2 was never made: this run made 1 authenticated call: *"])


def test_numbers_in_words() -> None:
    assert [plural(count, "call") for count in (0, 1, 2)] == ["0 calls", "1 call", "2 calls"]
    assert [times(count) for count in range(4)] == ["never", "once", "twice", "3 times"]
