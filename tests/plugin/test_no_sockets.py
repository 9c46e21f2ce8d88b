"""What needs no socket works where there are none (A12): beside pytest-socket, and the server starts on demand."""

from __future__ import annotations

import socket

import pytest

from pytest_hubspot_auth import HubspotResponses, HubspotSim, SimulatorServer

NEED_NONE = """
import httpx, pytest, requests, responses

URL = "https://api.hubapi.com/crm/v3/objects/contacts"

def bearer(installation):
    return {"Authorization": f"Bearer {installation.access_token}"}

def test_hubspot_responses(hubspot_responses, hubspot_clock, hubspot_installation):
    headers = bearer(hubspot_installation)
    assert requests.get(URL, headers=headers).status_code == 200
    hubspot_clock.advance(minutes=31)
    assert requests.get(URL, headers=headers).status_code == 401

def test_a_mounted_mock(hubspot_responses, hubspot_installation):
    with responses.RequestsMock() as mock:
        hubspot_responses.mount(mock)
        assert requests.get(URL, headers=bearer(hubspot_installation)).status_code == 200

def test_httpx_transport(hubspot_sim, hubspot_installation):
    with httpx.Client(transport=hubspot_sim.httpx_transport()) as client:
        assert client.get(URL, headers=bearer(hubspot_installation)).status_code == 200

def test_sign_webhook(hubspot_sim):
    assert hubspot_sim.sign_webhook("https://app.example.com/hook", hubspot_sim.webhook_event())

def test_a_repr(hubspot_sim, hubspot_installation, hubspot_app, hubspot_portal):
    assert "not listening yet" in repr(hubspot_sim)
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_disable_socket(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(NEED_NONE)
    result = pytester.runpytest_subprocess("-p", "no:randomly", "--disable-socket")
    result.assert_outcomes(passed=5)


def test_a_failed_start_is_tried_again_by_the_next_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest, requests

        @pytest.mark.disable_socket
        def test_1_forbidden(hubspot_sim):
            hubspot_sim.url

        def test_2_allowed(hubspot_sim):
            assert requests.get(hubspot_sim.url + "/_simulator/health", timeout=10).status_code == 200

        @pytest.mark.disable_socket
        def test_3_forbidden_again(hubspot_sim, hubspot_responses):
            assert requests.get("https://api.hubapi.com/crm/v3/objects/contacts", timeout=10).status_code == 401

        def test_4_allowed_again(hubspot_server, hubspot_sim):
            assert requests.get(hubspot_server.url + "/_simulator/health", timeout=10).status_code == 200
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "the HubSpot simulator cannot start: *",
            "hubspot_responses and hubspot_sim.httpx_transport() do not need a server.",
        ]
    )


def test_a_port_that_is_free_again_is_bound(pytester: pytest.Pytester) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        pytester.makepyfile(
            f"""
            import socket

            def test_1_taken(hubspot_sim):
                raise AssertionError("not reached")

            def test_2_free(request):
                sock = socket.socket(fileno={taken.fileno()})
                sock.close()
                sim = request.getfixturevalue("hubspot_sim")
                socket.create_connection(("127.0.0.1", {port})).close()  # who set the port need not ask for the URL
            """
        )
        # in this process, which holds the port
        result = pytester.runpytest_inprocess("-p", "no:randomly", f"--hubspot-port={port}")
        taken.detach()
    result.assert_outcomes(errors=1, passed=1)


def test_no_server_starts_before_its_address_is_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import threading, pytest

        @pytest.fixture
        def servers():
            return lambda: sum(thread.name == "hubspot-server" for thread in threading.enumerate())
        """
    )
    pytester.makepyfile(
        """
        import pytest

        def test_nobody_asks(servers, hubspot_sim, hubspot_clock, hubspot_installation, hubspot_responses):
            assert hubspot_installation.access_token
            assert servers() == 0

        WAYS = {
            "url": lambda sim, server: sim.url,
            "client_kwargs": lambda sim, server: sim.client_kwargs,
            "intercept": lambda sim, server: sim.intercept().__enter__(),
            "the server's url": lambda sim, server: server.url,
            "the server's host": lambda sim, server: server.host,
            "the server's port": lambda sim, server: server.port,
            "the server's secure": lambda sim, server: server.secure(),
        }

        @pytest.mark.parametrize("way", WAYS)
        def test_somebody_asks(way, servers, hubspot_sim, hubspot_server):
            hubspot_server.stop()
            assert servers() == 0
            WAYS[way](hubspot_sim, hubspot_server)
            assert servers() >= 1
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(passed=8)


def test_a_mounted_mock_lets_the_server_through_that_starts_later(
    hubspot_responses: HubspotResponses, hubspot_sim: HubspotSim
) -> None:
    import requests
    import responses

    with responses.RequestsMock() as mock:
        hubspot_responses.mount(mock)
        assert requests.get(f"{hubspot_sim.url}/_simulator/health", timeout=10).status_code == 200


def test_a_server_knows_its_host_before_it_starts() -> None:
    server = SimulatorServer()
    assert (server.running, server.url_host) == (False, "127.0.0.1")
    with server:
        assert server.running
        assert server.url.startswith(f"http://{server.url_host}:")
    assert not server.running
