"""Who may consent to what: HubSpot's refusals are pages with status 200, never a redirect."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client, TestResponse

from hubspot_simulator import Simulator
from hubspot_simulator.core.model import App, Portal

if TYPE_CHECKING:
    from tests.wire.conftest import Ask


LINK_INVALID = "This install link is no longer valid. Please visit HubSpot's App Marketplace to install this app."
WRONG_REDIRECT = "The redirect_uri doesn't match the client registered redirect_uri. Please contact the app developer."
INSUFFICIENT = "Insufficient scopes were provided. Please contact the app developer."
ACCOUNT_LACKS = (
    "Authorization failed because this account doesn't have access to the scopes required by the app. "
    "Please contact HubSpot support."
)
USER_LACKS = (
    "Authorization failed because you don't have permission(s) to authorize the scopes required by the app. "
    "Please contact your super admin to get the necessary permission(s)."
)
NO_PERMISSION = "You don't have permission to connect this app."
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.fixture
def app(sim: Simulator) -> App:
    return sim.add_app(scopes=["oauth", "tickets"], optional_scopes=["files", "forms"])


@pytest.fixture
def authorize(client: Client, app: App) -> Callable[..., TestResponse]:
    """Open the authorization URL of an account; a parameter of None is left out."""

    def authorize(
        portal: Portal | None = None, /, *, path: str | None = None, method: str = "GET", **query: Any
    ) -> TestResponse:
        known = {"client_id": app.client_id, "redirect_uri": app.redirect_uri, "scope": "oauth tickets"}
        merged = {name: value for name, value in {**known, **query}.items() if value is not None}
        path = path or (f"/oauth/{portal.hub_id}/authorize" if portal else "/oauth/authorize")
        return client.open(path, method=method, **{"data" if method == "POST" else "query_string": merged})

    return authorize


@pytest.fixture
def redeem(ask: Ask, app: App, credentials: Callable[[App], dict[str, str]]) -> Callable[..., dict[str, Any]]:
    """Exchange the code of a redirect and return the token response."""

    def redeem(response: TestResponse) -> Any:
        assert response.status_code == 302, response.text
        code = parse_qs(urlsplit(response.headers["Location"]).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
        return ask(**credentials(app), **form).json

    return redeem


def assert_page(response: TestResponse, message: str) -> None:
    text = message.replace("'", "&#x27;")
    assert response.status_code == 200
    assert "Location" not in response.headers
    assert response.headers["Content-Type"] == "text/html;charset=utf-8"
    assert "Couldn't complete the connection" in response.text
    assert text in response.text


class TestAccount:
    def test_the_path_names_the_account(
        self,
        sim: Simulator,
        authorize: Callable[..., TestResponse],
        redeem: Callable[..., dict[str, Any]],
    ) -> None:
        there = sim.add_portal()
        assert redeem(authorize(there))["hub_id"] == there.hub_id
        assert redeem(authorize(sim.portal))["hub_id"] == sim.portal.hub_id

    def test_codes_and_tokens_begin_with_the_region(
        self,
        sim: Simulator,
        authorize: Callable[..., TestResponse],
        redeem: Callable[..., dict[str, Any]],
    ) -> None:
        location = authorize(sim.add_portal(hub_id=7, hublet="eu1")).headers["Location"]
        assert "?code=eu1-" in location
        assert redeem(authorize(path="/oauth/7/authorize"))["refresh_token"].startswith("eu1-")

    @pytest.mark.parametrize("hub_id", ["0", "1", "00", "999999999999999999"])
    def test_an_unknown_account_is_refused(self, authorize: Callable[..., TestResponse], hub_id: str) -> None:
        assert_page(authorize(path=f"/oauth/{hub_id}/authorize"), NO_PERMISSION)

    def test_a_deleted_account_is_refused(
        self,
        sim: Simulator,
        authorize: Callable[..., TestResponse],
        redeem: Callable[..., dict[str, Any]],
    ) -> None:
        there = sim.add_portal()
        sim.delete_portal()
        assert_page(authorize(), NO_PERMISSION)
        assert_page(authorize(sim.portal), NO_PERMISSION)
        assert redeem(authorize(there))["hub_id"] == there.hub_id

    def test_a_developer_account_is_refused(self, sim: Simulator, authorize: Callable[..., TestResponse]) -> None:
        portal = sim.add_portal(hub_id=123, developer=True)
        message = (
            "The account you selected 123 is a developer account. This app can't be installed on a developer account."
        )
        assert_page(authorize(portal), message)

    def test_an_account_without_a_required_scope_is_refused(
        self, sim: Simulator, authorize: Callable[..., TestResponse]
    ) -> None:
        assert_page(authorize(sim.add_portal(scopes=["oauth"])), ACCOUNT_LACKS)

    def test_a_user_who_may_not_grant_a_required_scope_is_refused(
        self, sim: Simulator, authorize: Callable[..., TestResponse]
    ) -> None:
        assert_page(authorize(sim.add_portal(user_scopes=["oauth", "files"])), USER_LACKS)

    def test_an_account_that_lacks_what_its_user_may_not_grant_either_is_named(
        self, sim: Simulator, authorize: Callable[..., TestResponse]
    ) -> None:
        assert_page(authorize(sim.add_portal(scopes=["oauth"], user_scopes=["oauth"])), ACCOUNT_LACKS)

    def test_what_the_url_lacks_is_said_before_what_the_account_lacks(
        self, sim: Simulator, authorize: Callable[..., TestResponse]
    ) -> None:
        portal = sim.add_portal(scopes=[], developer=True)
        assert_page(authorize(portal, scope="oauth"), INSUFFICIENT)
        assert_page(authorize(portal, client_id="x"), LINK_INVALID)
        assert_page(authorize(portal, redirect_uri="x"), WRONG_REDIRECT)

    @pytest.mark.parametrize(
        ("has", "granted"),
        [
            (["oauth", "tickets", "files", "forms"], ["oauth", "tickets", "files", "forms"]),
            (["oauth", "tickets", "forms"], ["oauth", "tickets", "forms"]),
            (["oauth", "tickets", "e-commerce"], ["oauth", "tickets"]),
        ],
    )
    def test_optional_scopes_that_the_account_lacks_are_dropped(
        self,
        sim: Simulator,
        authorize: Callable[..., TestResponse],
        redeem: Callable[..., dict[str, Any]],
        has: list[str],
        granted: list[str],
    ) -> None:
        portal = sim.add_portal(scopes=has)
        assert redeem(authorize(portal, optional_scope="files forms"))["scopes"] == granted

    def test_an_optional_scope_in_the_required_ones_is_not_dropped(
        self, sim: Simulator, authorize: Callable[..., TestResponse]
    ) -> None:
        portal = sim.add_portal(scopes=["oauth", "tickets"])
        assert_page(authorize(portal, scope="oauth tickets files"), ACCOUNT_LACKS)


class TestMcp:
    PATH = "/oauth/authorize/user"

    @pytest.mark.parametrize("scope", [None, "", "oauth", "tickets nonsense"])
    def test_the_scope_has_no_effect(
        self,
        authorize: Callable[..., TestResponse],
        redeem: Callable[..., dict[str, Any]],
        scope: str | None,
    ) -> None:
        assert redeem(authorize(path=self.PATH, scope=scope))["scopes"] == ["oauth", "tickets", "files", "forms"]

    def test_optional_scopes_that_the_account_lacks_are_dropped(
        self,
        sim: Simulator,
        authorize: Callable[..., TestResponse],
        redeem: Callable[..., dict[str, Any]],
    ) -> None:
        sim.portal = sim.add_portal(scopes=["oauth", "tickets", "forms"])
        assert redeem(authorize(path=self.PATH, scope=None))["scopes"] == ["oauth", "tickets", "forms"]

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ({"client_id": None}, LINK_INVALID),
            ({"client_id": "x"}, LINK_INVALID),
            ({"redirect_uri": "x"}, WRONG_REDIRECT),
        ],
    )
    def test_refusals_are_the_same(
        self, authorize: Callable[..., TestResponse], query: dict[str, Any], message: str
    ) -> None:
        assert_page(authorize(path=self.PATH, **query), message)


class TestPkce:
    @pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/authorize/user"])
    def test_a_challenge_is_kept_with_the_code(
        self, sim: Simulator, authorize: Callable[..., TestResponse], path: str
    ) -> None:
        location = authorize(path=path, code_challenge=CHALLENGE, code_challenge_method="S256").headers["Location"]
        code = sim.store.codes[parse_qs(urlsplit(location).query)["code"][0]]
        assert code.code_challenge == CHALLENGE

    @pytest.mark.parametrize("method", [None, "", "plain", "s256", "S512"])
    def test_another_method_than_s256_is_refused(
        self, authorize: Callable[..., TestResponse], method: str | None
    ) -> None:
        assert_page(authorize(code_challenge=CHALLENGE, code_challenge_method=method), LINK_INVALID)

    @pytest.mark.parametrize("challenge", [None, ""])
    def test_a_method_without_a_challenge_is_ignored(
        self,
        authorize: Callable[..., TestResponse],
        redeem: Callable[..., dict[str, Any]],
        challenge: str | None,
    ) -> None:
        assert redeem(authorize(code_challenge=challenge, code_challenge_method="S256"))["token_use"] == "access_token"


class TestDecision:
    """What the consent page sends."""

    PATHS = pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/1/authorize", "/oauth/authorize/user"])

    @pytest.fixture
    def decide(self, sim: Simulator, authorize: Callable[..., TestResponse]) -> Callable[..., TestResponse]:
        def decide(path: str = "/oauth/authorize", **form: Any) -> TestResponse:
            known = {"decision": "connect", "portal": str(sim.portal.hub_id)}
            return authorize(path=path, method="POST", **{**known, **form})

        return decide

    @pytest.mark.parametrize("sim", [{"consent": "page"}], indirect=True)
    @pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/authorize/user"])
    def test_the_page_is_shown_before_anything_is_granted(
        self, sim: Simulator, authorize: Callable[..., TestResponse], path: str
    ) -> None:
        response = authorize(path=path)
        assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html;charset=utf-8")
        assert "Location" not in response.headers
        assert not sim.store.codes

    @PATHS
    def test_connecting_sends_the_browser_back_with_a_code_and_the_state(
        self,
        sim: Simulator,
        decide: Callable[..., TestResponse],
        redeem: Callable[..., dict[str, Any]],
        path: str,
    ) -> None:
        there = sim.add_portal()
        response = decide(path, portal=str(there.hub_id), state="a b", code_challenge=None)
        assert parse_qs(urlsplit(response.headers["Location"]).query)["state"] == ["a b"]
        assert redeem(response)["hub_id"] == there.hub_id

    @pytest.mark.parametrize(
        ("ticked", "granted"),
        [
            (None, ["oauth", "tickets"]),
            (["files"], ["oauth", "tickets", "files"]),
            (["forms", "files", "nonsense", "e-commerce"], ["oauth", "tickets", "files", "forms"]),
        ],
    )
    def test_the_optional_scopes_that_are_ticked_are_granted(
        self,
        decide: Callable[..., TestResponse],
        redeem: Callable[..., dict[str, Any]],
        ticked: list[str] | None,
        granted: list[str],
    ) -> None:
        assert redeem(decide(optional_scope="files forms", optional=ticked))["scopes"] == granted

    @PATHS
    @pytest.mark.parametrize("decision", [None, "", "cancel", "nonsense"])
    def test_anything_but_connecting_grants_nothing(
        self, sim: Simulator, decide: Callable[..., TestResponse], path: str, decision: str | None
    ) -> None:
        response = decide(path, decision=decision)
        assert (response.status_code, "Location" in response.headers) == (200, False)
        assert not sim.store.codes

    @pytest.mark.parametrize(
        ("form", "message"),
        [
            ({"client_id": "x"}, LINK_INVALID),
            ({"redirect_uri": "https://evil.example.com"}, WRONG_REDIRECT),
            ({"scope": "oauth"}, INSUFFICIENT),
            ({"portal": None}, NO_PERMISSION),
            ({"portal": "1"}, NO_PERMISSION),
            ({"portal": "²"}, NO_PERMISSION),
            ({"portal": "9" * 100}, NO_PERMISSION),
        ],
    )
    def test_a_form_that_was_changed_is_refused(
        self, decide: Callable[..., TestResponse], form: dict[str, Any], message: str
    ) -> None:
        assert_page(decide(**form), message)

    def test_the_account_is_checked_again(self, sim: Simulator, decide: Callable[..., TestResponse]) -> None:
        assert_page(decide(portal=str(sim.add_portal(scopes=["oauth"]).hub_id)), ACCOUNT_LACKS)
        assert_page(decide(portal=str(sim.add_portal(user_scopes=[]).hub_id)), USER_LACKS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"redirect_uri": "x"}, WRONG_REDIRECT),
        ({"scopes": ["oauth"]}, INSUFFICIENT),
    ],
)
def test_authorize_in_python_raises_with_the_text_of_the_page(
    sim: Simulator, app: App, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        sim.authorize(app, **changes)
    assert str(raised.value).startswith(f"{message} (")
