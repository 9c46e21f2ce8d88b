"""C1 and D1 as pytest's users meet them: who may call, and the app of the settings."""

from __future__ import annotations

import pytest


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", *arguments)


def test_c1_in_process_and_intercepted_calls_are_answered_whatever_they_carry(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import httpx, pytest, requests

        URL = "https://api.hubapi.com/crm/v3/objects/contacts"
        PAGE = {"Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"}

        @pytest.fixture
        def token(hubspot_installation):
            return {"Authorization": f"Bearer {hubspot_installation.access_token}"}

        def test_responses(hubspot_responses, token):
            assert requests.post(URL, json={"properties": {}}, headers={**token, **PAGE}).status_code == 201

        def test_transport(hubspot_sim, token):
            with httpx.Client(transport=hubspot_sim.httpx_transport()) as client:
                assert client.get(URL, headers={**token, **PAGE}).status_code == 200

        def test_intercept(hubspot_intercept, token):
            assert requests.get(URL, headers=token).status_code == 200
            own = {"Origin": "https://api.hubapi.com", "Sec-Fetch-Site": "same-origin"}
            assert requests.get(URL, headers={**token, **own}).status_code == 200
            assert requests.get(URL, headers={**token, **PAGE}).status_code == 403

        def test_url(hubspot_sim, token):
            path = hubspot_sim.url + "/crm/v3/objects/contacts"
            assert requests.get(path, headers=token).status_code == 200
            assert requests.get(path, headers={**token, "Host": "sim.example.com"}).status_code == 200
            assert requests.get(path, headers={**token, "Host": "evil.example.com"}).status_code == 403
            assert requests.get(path, headers={**token, **PAGE}).status_code == 403
        """
    )
    run(pytester, "--hubspot-trusted-hosts=sim.example.com").assert_outcomes(passed=4)


def test_d1_the_app_comes_from_ini_and_mark_and_the_header_keeps_its_secret(pytester: pytest.Pytester) -> None:
    pytester.makeini(
        """
        [pytest]
        hubspot_client_id = my-id
        hubspot_client_secret = my-secret
        hubspot_redirect_uri = https://a.example.com/cb https://b.example.com/cb
        """
    )
    pytester.makepyfile(
        """
        import pytest

        def test_ini(hubspot_app):
            assert (hubspot_app.client_id, hubspot_app.client_secret) == ("my-id", "my-secret")
            assert hubspot_app.redirect_uris == ("https://a.example.com/cb", "https://b.example.com/cb")

        @pytest.mark.hubspot(client_id="other", scopes=["oauth", "files"], optional_scopes="forms")
        @pytest.mark.hubspot(redirect_uri_query="any")
        def test_mark(hubspot_app, hubspot_sim):
            assert (hubspot_app.client_id, hubspot_app.scopes) == ("other", ("oauth", "files"))
            assert hubspot_sim.authorize(redirect_uri="https://b.example.com/cb?redirect_state=1")
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["hubspot: *client_id=my-id (ini hubspot_client_id), client_secret=… (ini*"])
    assert "my-secret" not in result.stdout.str() + result.stderr.str()


def test_d6_pytests_help_lists_the_valid_values_in_groups(pytester: pytest.Pytester) -> None:
    from hubspot_simulator.settings import GROUPS, SETTINGS, described

    text = run(pytester, "--help").stdout.str()
    flat = " ".join(text.split())
    for title, names in GROUPS.items():
        assert f"HubSpot simulator: {title.lower()}:" in text
        for name in names:
            assert f"--hubspot-{name.replace('_', '-')}=VALUE" in text
    for name in SETTINGS:
        assert described(name).replace("-", "").replace(" ", "") in flat.replace("-", "").replace(" ", "")
