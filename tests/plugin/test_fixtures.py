"""The fixtures beside the clock, used as a test uses them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest
import requests
import responses
from hubspot.exceptions import InvalidSignatureTimestampError
from hubspot.utils.signature import Signature

from hubspot_simulator.core.webhooks import sign_events
from pytest_hubspot_auth import (
    App,
    ConnectedInstallation,
    HubspotClock,
    HubspotResponses,
    HubspotSim,
    Portal,
    Settings,
    SimulatorServer,
)

CONTACTS = "/crm/v3/objects/contacts"
API = "https://api.hubapi.com"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def get(url: str, token: str) -> requests.Response:
    return requests.get(url, headers=bearer(token), timeout=10)


def test_the_installation_has_what_a_code_exchange_gives(
    hubspot_installation: ConnectedInstallation, hubspot_app: App, hubspot_portal: Portal, hubspot_clock: HubspotClock
) -> None:
    installation = hubspot_installation
    assert installation.app is hubspot_app
    assert installation.portal is hubspot_portal
    assert installation.expires_in == 1800
    assert installation.issued_at == hubspot_clock.now
    assert installation.expires_at - installation.issued_at == timedelta(seconds=1800)
    assert installation.token_response == {
        "token_type": "bearer",
        "refresh_token": installation.refresh_token,
        "access_token": installation.access_token,
        "hub_id": hubspot_portal.hub_id,
        "scopes": list(hubspot_app.scopes),
        "expires_in": 1800,
        "token_use": "access_token",
    }


def test_no_secret_is_printed_whole(
    hubspot_installation: ConnectedInstallation, hubspot_sim: HubspotSim, hubspot_app: App
) -> None:
    token = hubspot_installation.access_token
    get(f"{hubspot_sim.url}/oauth/v1/access-tokens/{token}", token)
    query = f"client_secret={hubspot_app.client_secret}&code=abcdefghijklmnop"
    requests.post(f"{hubspot_sim.url}/oauth/v1/token?{query}", timeout=10)
    shown = repr([hubspot_installation, hubspot_sim, hubspot_app, hubspot_sim.journal.exchanges])
    for secret in (
        token,
        hubspot_installation.refresh_token,
        hubspot_app.client_secret,
        "abcdefghijklmnop",
    ):
        assert secret not in shown


def test_the_server_is_the_session_s(hubspot_sim: HubspotSim, hubspot_server: SimulatorServer) -> None:
    assert hubspot_sim.url == hubspot_server.url
    assert hubspot_server.host == "127.0.0.1"


@pytest.mark.hubspot(token_ttl=60, wire="short")
def test_the_mark_changes_settings(
    hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation, hubspot_clock: HubspotClock
) -> None:
    assert hubspot_installation.expires_in == 60
    token = hubspot_installation.access_token
    hubspot_clock.advance(minutes=2)
    assert list(get(hubspot_sim.url + CONTACTS, token).json()) == ["status", "message", "category"]


FIVE_MINUTES_PAST = (
    b'{"status": "error", "message": "The OAuth token used to make this call expired 5 minute(s) ago.", '
    b'"category": "EXPIRED_AUTHENTICATION"}'
)


@pytest.mark.hubspot(wire="short")
@pytest.mark.parametrize("through", ["socket", "responses"])
def test_the_short_form_to_the_byte(
    through: str,
    hubspot_sim: HubspotSim,
    hubspot_clock: HubspotClock,
    hubspot_installation: ConnectedInstallation,
    hubspot_responses: HubspotResponses,
) -> None:
    token = hubspot_installation.access_token
    hubspot_clock.advance(minutes=35)
    answer = get((hubspot_sim.url if through == "socket" else API) + CONTACTS, token)
    assert (answer.status_code, answer.reason.upper()) == (401, "UNAUTHORIZED")
    assert answer.content == FIVE_MINUTES_PAST
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_second_portal_and_app(hubspot_sim: HubspotSim, hubspot_app: App, hubspot_portal: Portal) -> None:
    other = hubspot_sim.install(hubspot_sim.add_app(name="Other"), hubspot_sim.add_portal(4711))
    first = hubspot_sim.install()
    created = requests.post(
        hubspot_sim.url + CONTACTS,
        json={"properties": {"email": "a@example.com"}},
        headers=bearer(first.access_token),
        timeout=10,
    )
    assert created.status_code == 201
    assert get(hubspot_sim.url + CONTACTS, other.access_token).json() == {"results": []}
    assert other.token_response["hub_id"] == 4711
    assert len(get(hubspot_sim.url + CONTACTS, first.access_token).json()["results"]) == 1


def test_uninstall_kills_the_refresh_token_only(
    hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation, hubspot_app: App
) -> None:
    token = hubspot_installation.access_token
    hubspot_sim.uninstall()
    answer = requests.post(
        f"{hubspot_sim.url}/oauth/v1/token",
        data={
            "grant_type": "refresh_token",
            "client_id": hubspot_app.client_id,
            "client_secret": hubspot_app.client_secret,
            "refresh_token": hubspot_installation.refresh_token,
        },
        timeout=10,
    )
    assert (answer.status_code, answer.json()["status"]) == (400, "BAD_REFRESH_TOKEN")
    assert hubspot_sim.journal.exchanges[-1].why == "BAD_REFRESH_TOKEN: the app was uninstalled"
    assert get(hubspot_sim.url + CONTACTS, token).status_code == 200


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda sim: sim.install(scopes=["crm.lists.read"]), r"scopes \['crm.lists.read'\] are not among"),
        (lambda sim: sim.add_portal(sim.portal.hub_id), "there is a portal with hub_id"),
        (lambda sim: sim.add_app(client_id=sim.app.client_id), "there is an app with client_id"),
        (lambda sim: sim.add_app(redirect_uris="http://localhost"), "expected a list of one or more redirect URIs"),
    ],
)
def test_mistakes_are_named(hubspot_sim: HubspotSim, mistake: Callable[[HubspotSim], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mistake(hubspot_sim)


class TestWebhooks:
    URL = "https://app.example.com/hubspot"

    def test_the_official_client_accepts_it_for_five_minutes(
        self, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_app: App
    ) -> None:
        signed = hubspot_sim.sign_webhook(self.URL, hubspot_sim.webhook_event(object_id=512))

        def accepted() -> bool:
            return Signature.is_valid(
                signature=signed.headers["X-HubSpot-Signature-v3"],
                client_secret=hubspot_app.client_secret,
                request_body=signed.body.decode(),
                http_uri=signed.url,
                signature_version="v3",
                timestamp=signed.headers["X-HubSpot-Request-Timestamp"],
            )

        assert accepted()
        hubspot_clock.advance(minutes=4)
        assert accepted()
        hubspot_clock.advance(minutes=2)
        with pytest.raises(InvalidSignatureTimestampError):
            accepted()

    def test_another_app_signs_with_its_own_secret(
        self, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_server: SimulatorServer
    ) -> None:
        other = hubspot_sim.add_app(name="Another app")
        event = hubspot_sim.webhook_event(appId=other.app_id)
        expected = sign_events(other.client_secret, self.URL, event, hubspot_clock.server.now_ms())
        assert hubspot_sim.sign_webhook(self.URL, event, app=other) == expected
        assert hubspot_sim.sign_webhook(self.URL, event) != expected

        url = f"{hubspot_server.url}/_simulator/nothing"
        delivery = hubspot_sim.deliver_webhook(url, event, app=other)
        hubspot_clock.advance(minutes=2)
        delivery.run_due()
        for attempt in delivery.attempts:
            sent = [{**event, "attemptNumber": attempt.number}]
            assert attempt.request == sign_events(other.client_secret, url, sent, attempt.at_ms)
        assert len(delivery.attempts) == 2

    def test_a_failed_delivery_is_made_again_as_time_passes(
        self, hubspot_sim: HubspotSim, hubspot_clock: HubspotClock, hubspot_server: SimulatorServer
    ) -> None:
        delivery = hubspot_sim.deliver_webhook(f"{hubspot_server.url}/_simulator/nothing", hubspot_sim.webhook_event())
        assert [attempt.status for attempt in delivery.attempts] == [404]
        assert delivery.run_due() == []
        hubspot_clock.advance(minutes=2)
        (again,) = delivery.run_due()
        assert (again.number, again.at_ms) == (1, hubspot_clock.server.now_ms())


class TestConsent:
    def test_authorize_returns_a_code(self, hubspot_sim: HubspotSim, hubspot_app: App) -> None:
        form = {
            "grant_type": "authorization_code",
            "code": hubspot_sim.authorize(portal=hubspot_sim.add_portal(4711)),
            "redirect_uri": hubspot_app.redirect_uri,
            "client_id": hubspot_app.client_id,
            "client_secret": hubspot_app.client_secret,
        }
        answer = requests.post(f"{hubspot_sim.url}/oauth/2026-09/token", data=form, timeout=10)
        assert answer.json()["hub_id"] == 4711

    def test_what_hubspot_would_refuse_is_named(self, hubspot_sim: HubspotSim) -> None:
        with pytest.raises(ValueError, match=r"redirect_uri doesn't match .* is not among the registered"):
            hubspot_sim.authorize(redirect_uri="https://elsewhere.example.com")
        with pytest.raises(ValueError, match=r"developer account"):
            hubspot_sim.authorize(portal=hubspot_sim.add_portal(developer=True))
        hubspot_sim.delete_portal()
        with pytest.raises(ValueError, match=r"was deleted: nobody can consent for it"):
            hubspot_sim.authorize()


class TestResponses:
    def test_hosts_of_hubspot_are_answered_in_process(
        self, hubspot_responses: HubspotResponses, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation
    ) -> None:
        for host in ("api.hubapi.com", "api.hubspot.com", "api-eu1.hubapi.com"):
            assert get(f"https://{host}{CONTACTS}", hubspot_installation.access_token).json() == {"results": []}
        hubspot_sim.assert_called("GET", CONTACTS, times=3)

    def test_paging_links_keep_the_host_that_was_called(
        self, hubspot_responses: HubspotResponses, hubspot_installation: ConnectedInstallation
    ) -> None:
        headers = bearer(hubspot_installation.access_token)
        for number in range(3):
            body = {"properties": {"email": f"{number}@example.com"}}
            assert requests.post(API + CONTACTS, json=body, headers=headers, timeout=10).status_code == 201
        page = requests.get(API + CONTACTS, params={"limit": 2, "properties": "email"}, headers=headers, timeout=10)
        link = page.json()["paging"]["next"]["link"]
        assert link.startswith(f"{API}{CONTACTS}?limit=2&properties=email&after=")
        assert [item["properties"]["email"] for item in get(link, headers["Authorization"][7:]).json()["results"]] == [
            "2@example.com"
        ]

    def test_every_kind_of_body(
        self, hubspot_responses: HubspotResponses, hubspot_sim: HubspotSim, hubspot_app: App
    ) -> None:
        form = f"grant_type=refresh_token&client_id={hubspot_app.client_id}&client_secret={hubspot_app.client_secret}"
        form += f"&refresh_token={hubspot_sim.install().refresh_token}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        for data in (form, form.encode(), iter([form[:10].encode(), form[10:].encode()])):
            answer = requests.post(f"{API}/oauth/v1/token", data=data, headers=headers, timeout=10)
            assert answer.json()["expires_in"] == 1800

    def test_a_head_has_no_body(
        self, hubspot_responses: HubspotResponses, hubspot_installation: ConnectedInstallation
    ) -> None:
        answer = requests.head(API + CONTACTS, headers=bearer(hubspot_installation.access_token), timeout=10)
        assert (answer.status_code, answer.content) == (200, b"")

    def test_streams_redirects_and_errors(
        self, hubspot_responses: HubspotResponses, hubspot_app: App, hubspot_installation: ConnectedInstallation
    ) -> None:
        headers = bearer(hubspot_installation.access_token)
        with requests.get(API + CONTACTS, headers=headers, stream=True, timeout=10) as answer:
            assert b"".join(answer.iter_content(4)) == b'{"results":[]}'
        asked = {
            "client_id": hubspot_app.client_id,
            "redirect_uri": hubspot_app.redirect_uri,
            "scope": " ".join(hubspot_app.scopes),
        }
        sent_back = requests.get(
            "https://app.hubspot.com/oauth/authorize", params=asked, allow_redirects=False, timeout=10
        )
        assert sent_back.headers["Location"].startswith(f"{hubspot_app.redirect_uri}?code=na1-")
        deleted = requests.delete(f"{API}{CONTACTS}/1", headers=headers, timeout=10)
        assert (deleted.status_code, deleted.content) == (204, b"")
        refused = requests.get(API + CONTACTS, timeout=10)
        assert refused.headers["X-HubSpot-Auth-Failure"] == "401 Unauthorized"

    def test_other_hosts_are_called_as_before(
        self, hubspot_responses: HubspotResponses, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation
    ) -> None:
        assert get(hubspot_sim.url + CONTACTS, hubspot_installation.access_token).status_code == 200

    def test_it_mounts_on_a_mock_of_the_suite(
        self, hubspot_responses: HubspotResponses, hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation
    ) -> None:
        token = hubspot_installation.access_token
        with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
            mock.get("https://example.com/", json={"from": "the suite"})
            hubspot_responses.mount(mock)
            assert get("https://example.com/", token).json() == {"from": "the suite"}
            for _ in range(2):
                assert get(API + CONTACTS, token).status_code == 200
                assert get(hubspot_sim.url + CONTACTS, token).status_code == 200

    def test_a_mount_that_is_never_called_is_no_failure(self, hubspot_responses: HubspotResponses) -> None:
        with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
            hubspot_responses.mount(mock)

    def test_responses_of_the_suite_win_and_the_simulator_stays(
        self, hubspot_responses: HubspotResponses, hubspot_installation: ConnectedInstallation
    ) -> None:
        token = hubspot_installation.access_token
        with responses.RequestsMock() as mock:
            hubspot_responses.mount(mock)
            mock.get(f"{API}/crm/v3/objects/deals", json={"from": "the suite"})
            for _ in range(3):
                assert get(f"{API}/crm/v3/objects/deals", token).json() == {"from": "the suite"}
                assert get(API + CONTACTS, token).json() == {"results": []}

    @responses.activate
    def test_the_activate_decorator(
        self, hubspot_responses: HubspotResponses, hubspot_installation: ConnectedInstallation
    ) -> None:
        hubspot_responses.mount(responses.mock)
        assert get(API + CONTACTS, hubspot_installation.access_token).status_code == 200


@pytest.mark.parametrize("host", ["api.hubapi.com.", "API.HubAPI.com"])
def test_responses_to_spellings_of_the_host(
    host: str, hubspot_responses: HubspotResponses, hubspot_installation: ConnectedInstallation
) -> None:
    assert get(f"https://{host}{CONTACTS}", hubspot_installation.access_token).status_code == 200


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
class TestHttpxTransport:
    def test_sync_and_async_clients(
        self,
        name: str,
        hubspot_sim: HubspotSim,
        hubspot_clock: HubspotClock,
        hubspot_installation: ConnectedInstallation,
    ) -> None:
        library = pytest.importorskip(name)
        headers = bearer(hubspot_installation.access_token)
        body = {"properties": {"email": "ada@example.com"}}
        transport = hubspot_sim.httpx_transport(library)
        with library.Client(transport=transport, base_url=API, headers=headers) as client:
            assert client.post(CONTACTS, json=body).status_code == 201
            hubspot_clock.advance(minutes=31)
            assert client.get(CONTACTS).json()["category"] == "EXPIRED_AUTHENTICATION"

        async def status() -> int:
            transport = hubspot_sim.httpx_transport(library)
            async with library.AsyncClient(transport=transport, base_url=hubspot_sim.url, headers=headers) as client:
                return (await client.get(CONTACTS)).status_code

        assert asyncio.run(status()) == 401

    @pytest.mark.parametrize("host", ["api.hubapi.com.", "API.HubAPI.com"])
    def test_spellings_of_the_host(self, name: str, host: str, hubspot_sim: HubspotSim) -> None:
        library = pytest.importorskip(name)
        with library.Client(transport=hubspot_sim.httpx_transport(library)) as client:
            assert client.get(f"https://{host}{CONTACTS}").status_code == 401

    def test_another_host_is_named(self, name: str, hubspot_sim: HubspotSim) -> None:
        library = pytest.importorskip(name)
        with (
            library.Client(transport=hubspot_sim.httpx_transport(library)) as client,
            pytest.raises(library.ConnectError, match=r"example\.com is not a HubSpot host"),
        ):
            client.get("https://example.com/")


def test_the_httpx_that_is_imported_is_the_default(hubspot_sim: HubspotSim) -> None:
    assert isinstance(hubspot_sim.httpx_transport(), httpx.BaseTransport)


@pytest.fixture
def outer_mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def test_an_outer_mock_goes_on_seeing_other_hosts(
    outer_mock: responses.RequestsMock,
    hubspot_responses: HubspotResponses,
    hubspot_installation: ConnectedInstallation,
) -> None:
    outer_mock.get("https://example.com/", json={"from": "outside"})
    assert requests.get("https://example.com/", timeout=10).json() == {"from": "outside"}
    assert get(API + CONTACTS, hubspot_installation.access_token).status_code == 200


def test_settings_come_from_the_fixture(hubspot_settings: Settings) -> None:
    assert hubspot_settings == Settings(guard=True)  # as the ini file of this repository says


def test_a_path_with_an_asterisk_stands_for_many(
    hubspot_sim: HubspotSim, hubspot_installation: ConnectedInstallation
) -> None:
    headers = {"Authorization": f"Bearer {hubspot_installation.access_token}"}
    for name in ("contacts", "deals"):
        requests.get(f"{hubspot_sim.url}/crm/v3/objects/{name}", headers=headers, timeout=10)
    hubspot_sim.assert_called("GET", "/crm/*", times=2)
    hubspot_sim.assert_called("GET", "*/deals", times=1)
    hubspot_sim.assert_called("POST", "/oauth/*/token", times=0)


def test_a_fault_that_was_never_hit_is_in_the_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "def test_one(hubspot_sim):\n"
        "    hubspot_sim.inject('answer_lost', path='/crm/v3/objects/companies')\n"
        "    assert 0\n"
    )
    pytester.runpytest_inprocess().stdout.fnmatch_lines(
        ["<fault answer_lost for any /crm/v3/objects/companies: hit 0 calls>"]
    )
