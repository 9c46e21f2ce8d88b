"""What the strict failure says of the answer, and numbers in sentences: issue A13."""

from __future__ import annotations

import pytest

from hubspot_simulator.core.words import plural, times


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([("PUT", "/crm/v3/objects/contacts/5")], "405"),
        ([("GET", "/crm/v3/owners")], "404"),
        ([("GET", "/crm/v3/owners"), ("PUT", "/crm/v3/objects/contacts/5")], "404 and 405"),
    ],
)
def test_it_names_the_status_that_was_answered(
    pytester: pytest.Pytester, calls: list[tuple[str, str]], said: str
) -> None:
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
    result.stdout.fnmatch_lines([f"*what the HubSpot simulator does not serve, and was answered {said}:"])


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
