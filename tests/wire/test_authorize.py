"""The authorization endpoint: back to the app with a code, or a page that says why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Simulator
from hubspot_simulator.core.model import App

if TYPE_CHECKING:
    from tests.wire.conftest import Ask


NO_REDIRECT = (
    "The redirect_uri doesn&#x27;t match the client registered redirect_uri. Please contact the app developer."
)
NO_SCOPES = "Insufficient scopes were provided. Please contact the app developer."
NO_APP = "This install link is no longer valid. Please visit HubSpot&#x27;s App Marketplace to install this app."


@pytest.fixture
def app(sim: Simulator) -> App:
    return sim.add_app(
        redirect_uris=[
            "https://app.example.com/callback",
            "https://app.example.com/callback?tenant=1&x=%20",
            "http://localhost:3000/cb#part",
            "https://app.example.com/é漢?ü=1",
        ],
        scopes=["oauth", "tickets"],
        optional_scopes=["files", "forms"],
    )


@pytest.fixture
def authorize(client: Client, app: App) -> Callable[..., TestResponse]:
    def authorize(**query: Any) -> TestResponse:
        known = {"client_id": app.client_id, "redirect_uri": app.redirect_uri, "scope": "oauth tickets"}
        merged = {name: value for name, value in {**known, **query}.items() if value is not None}
        return client.get("/oauth/authorize", query_string=merged)

    return authorize


@pytest.fixture
def redeem(ask: Ask, app: App) -> Callable[..., TestResponse]:
    def redeem(response: TestResponse, redirect_uri: str = app.redirect_uri) -> TestResponse:
        code = parse_qs(urlsplit(response.headers["Location"]).query)["code"][0]
        return ask(
            client_id=app.client_id,
            client_secret=app.client_secret,
            grant_type="authorization_code",
            redirect_uri=redirect_uri,
            code=code,
        )

    return redeem


def test_the_browser_is_sent_back_with_a_code_that_is_good_for_tokens(
    authorize: Callable[..., TestResponse], redeem: Callable[..., TestResponse], app: App
) -> None:
    response = authorize()
    assert response.status_code == 302
    address, _, query = response.headers["Location"].partition("?")
    assert address == "https://app.example.com/callback"
    assert list(parse_qs(query)) == ["code"]
    assert redeem(response).json["scopes"] == ["oauth", "tickets"]


@pytest.mark.parametrize(
    ("state", "encoded"),
    [
        ("abc", "abc"),
        ("", ""),
        ("a b&c=d#e/é", "a+b%26c%3Dd%23e%2F%C3%A9"),
        ("\r\nSet-Cookie: x", "%0D%0ASet-Cookie%3A+x"),
    ],
)
def test_the_state_comes_back(authorize: Callable[..., TestResponse], state: str, encoded: str) -> None:
    location = authorize(state=state).headers["Location"]
    assert location.partition("&")[2] == f"state={encoded}"
    assert parse_qs(urlsplit(location).query, keep_blank_values=True)["state"] == [state]


@pytest.mark.parametrize(
    ("redirect_uri", "beginning", "end"),
    [
        (
            "https://app.example.com/callback?tenant=1&x=%20",
            "https://app.example.com/callback?tenant=1&x=%20&code=",
            "",
        ),
        ("http://localhost:3000/cb#part", "http://localhost:3000/cb?code=", "#part"),
        (
            "https://app.example.com/é漢?ü=1",
            "https://app.example.com/%C3%A9%E6%BC%A2?%C3%BC=1&code=",
            "",
        ),
    ],
)
def test_a_redirect_uri_keeps_its_query_and_fragment(
    authorize: Callable[..., TestResponse],
    redeem: Callable[..., TestResponse],
    redirect_uri: str,
    beginning: str,
    end: str,
) -> None:
    response = authorize(redirect_uri=redirect_uri)
    location = response.headers["Location"]
    assert location.startswith(beginning)
    assert location.endswith(end)
    assert redeem(response, redirect_uri).status_code == 200


def test_unknown_parameters_are_ignored(authorize: Callable[..., TestResponse]) -> None:
    response = authorize(response_type="code", nonce="n", access_type="offline", response_mode="query", prompt="")
    assert response.status_code == 302


def test_each_visit_gives_another_code(authorize: Callable[..., TestResponse]) -> None:
    assert authorize().headers["Location"] != authorize().headers["Location"]


@pytest.mark.parametrize(
    ("query", "granted"),
    [
        ({"optional_scope": "files"}, ["oauth", "tickets", "files"]),
        ({"optional_scope": "files forms"}, ["oauth", "tickets", "files", "forms"]),
        ({"optional_scope": "files not.in.this.account"}, ["oauth", "tickets", "files"]),
        ({"optional_scope": ""}, ["oauth", "tickets"]),
        ({"scope": "tickets  oauth"}, ["oauth", "tickets"]),
        ({"scope": "oauth tickets forms"}, ["oauth", "tickets", "forms"]),
    ],
)
def test_optional_scopes_are_granted_when_asked_for_and_known(
    authorize: Callable[..., TestResponse],
    redeem: Callable[..., TestResponse],
    query: dict[str, str],
    granted: list[str],
) -> None:
    assert redeem(authorize(**query)).json["scopes"] == granted


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"client_id": None}, NO_APP),
        ({"client_id": "6f18f21e-a743-4509-b7fd-1a5e632fffa1"}, NO_APP),
        ({"redirect_uri": None}, NO_REDIRECT),
        ({"redirect_uri": "https://app.example.com/callback/"}, NO_REDIRECT),
        ({"redirect_uri": "https://evil.example.com"}, NO_REDIRECT),
        ({"scope": None}, NO_SCOPES),
        ({"scope": "oauth"}, NO_SCOPES),
        ({"scope": "oauth tickets crm.unknown"}, NO_SCOPES),
        ({"client_id": "x", "redirect_uri": "x", "scope": "x"}, NO_APP),
        ({"redirect_uri": "x", "scope": "x"}, NO_REDIRECT),
    ],
)
def test_what_is_wrong_is_shown_on_a_page_with_status_200_and_no_redirect(
    authorize: Callable[..., TestResponse], query: dict[str, Any], message: str
) -> None:
    response = authorize(**query)
    assert response.status_code == 200
    assert "Location" not in response.headers
    assert response.headers["Content-Type"] == "text/html;charset=utf-8"
    assert f"<h1>Couldn't complete the connection</h1><p>{message}</p>" in response.text


def test_the_app_counts_as_installed_only_after_the_first_exchange(
    sim: Simulator, authorize: Callable[..., TestResponse], redeem: Callable[..., TestResponse], app: App
) -> None:
    response = authorize()
    installation = sim.store.installations[app.app_id, sim.portal.hub_id]
    assert not [token for token in sim.store.refresh_tokens.values() if token.grant.installation.app is app]
    assert not installation.active
    redeem(response)
    assert installation.active


def test_the_installation_is_in_the_default_portal(
    sim: Simulator, authorize: Callable[..., TestResponse], redeem: Callable[..., TestResponse]
) -> None:
    assert redeem(authorize()).json["hub_id"] == sim.portal.hub_id


class TestRedirectUriQuery:
    """D1: some libraries add a ``redirect_state`` to the redirect URI."""

    ASKED = "http://localhost:3000/oauth-callback?redirect_state=x"

    def asked(self, sim: Simulator, client: Client, uri: str) -> TestResponse:
        form = {"client_id": sim.app.client_id, "redirect_uri": uri, "scope": " ".join(sim.app.scopes)}
        return client.get("/oauth/authorize", query_string=form)

    def test_d1_by_default_a_query_that_is_not_registered_is_refused_and_the_why_names_the_setting(
        self, sim: Simulator, client: Client
    ) -> None:
        response = self.asked(sim, client, self.ASKED)
        assert "Location" not in response.headers
        assert sim.journal.exchanges[-1].why.endswith(
            "; without its query it is: the setting redirect_uri_query = any accepts it"
        )

    @pytest.mark.parametrize("sim", [{"redirect_uri_query": "any"}], indirect=True)
    def test_d1_a_setting_has_any_query_match_one_that_is_registered_without(
        self, sim: Simulator, client: Client, ask: Ask
    ) -> None:
        response = self.asked(sim, client, self.ASKED)
        assert response.headers["Location"].startswith(f"{self.ASKED}&code=")
        code = response.headers["Location"].rpartition("code=")[2]
        form = {"grant_type": "authorization_code", "code": code}
        assert ask(**form, redirect_uri=sim.app.redirect_uri).json["status"] == "MISMATCH_REDIRECT_URI_AUTH_CODE"
        assert ask(**form, redirect_uri=self.ASKED).status_code == 200

    @pytest.mark.parametrize(
        "sim", [{"redirect_uri_query": "any", "redirect_uri": "https://a.example.com/cb?x=1"}], indirect=True
    )
    @pytest.mark.parametrize(
        "uri",
        [
            "https://a.example.com/cb",
            "https://a.example.com/cb?x=2",
            "https://a.example.com/cb?x=1&y=2",
            "https://a.example.com/?/cb",
            "https://evil.example.com/cb?x=1",
            "?",
            "",
        ],
    )
    def test_d1_one_that_is_registered_with_a_query_matches_exactly(
        self, sim: Simulator, client: Client, uri: str
    ) -> None:
        assert "Location" not in self.asked(sim, client, uri).headers
        assert "Location" in self.asked(sim, client, sim.app.redirect_uri).headers

    @pytest.mark.parametrize("sim", [{"redirect_uri_query": "any"}], indirect=True)
    @pytest.mark.parametrize(
        "uri",
        [
            "http://localhost:3000/oauth-callback/?x=1",
            "http://localhost:3000.evil.com/?x",
            "http://localhost:3000/oauth-callback?x#x",
        ],
    )
    def test_d1_nothing_but_the_query_may_differ(self, sim: Simulator, client: Client, uri: str) -> None:
        assert "Location" not in self.asked(sim, client, uri).headers
