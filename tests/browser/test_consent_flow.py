"""A person at the consent page, in a real browser: from the link to the app's tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from hubspot_simulator import Simulator, SimulatorServer
from hubspot_simulator.core.model import App

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

WAIT_S = 30
REFUSED = "Couldn't complete the connection"
TYPES = "contacts companies deals tickets products line_items quotes custom owners users goals leads carts".split()
IS_AT = """
return document.readyState === "complete" && document.querySelector("h1")?.textContent === arguments[0]
"""
WIDER_THAN_THE_WINDOW = """
const width = document.documentElement.clientWidth
return [...document.querySelectorAll("body *")].filter(element =>
  element.getBoundingClientRect().right > width || element.scrollWidth > element.clientWidth + 1
    && getComputedStyle(element).display !== "inline").map(element => element.outerHTML)
"""
# Text whose contrast with what is behind it is below AA (WCAG 2.2, 1.4.3), and controls whose edge is (1.4.11).
CONTRAST = """
const channels = text => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return {rgb: [r, g, b], a} }
const light = rgb => { const [r, g, b] = rgb.map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
  return .2126 * r + .7152 * g + .0722 * b }
const ratio = (one, two) => { const [a, b] = [light(one), light(two)].sort((x, y) => y - x)
  return (a + .05) / (b + .05) }
const behind = element => { for (; element; element = element.parentElement) {
  const {rgb, a} = channels(getComputedStyle(element).backgroundColor); if (a === 1) return rgb }
  throw new Error("no background") }
const poor = []
for (const element of document.body.querySelectorAll("*")) {
  const style = getComputedStyle(element)
  const text = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())
  if (text && ratio(channels(style.color).rgb, behind(element)) < 4.5) poor.push(element.outerHTML)
  if (element.matches("button, select")) {
    if (ratio(channels(style.borderColor).rgb, behind(element.parentElement)) < 3) poor.push(element.outerHTML) }
}
return poor
"""


class Person:
    """Somebody at the browser."""

    def __init__(self, browser: Chrome, server: SimulatorServer) -> None:
        self.browser = browser
        self.server = server

    def opens(self, query: str, path: str = "/oauth/authorize") -> None:
        self.browser.get(f"{self.server.url}{path}?{query}")

    def clicks(self, selector: str) -> None:
        self.browser.find_element("css selector", selector).click()

    def presses(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser, duration=0).send_keys(*keys).perform()

    def comes_to(self, heading: str) -> None:
        """Wait for the page with a heading: a click or a key returns before the page that it leads to is there."""
        self.waits_until(lambda: self.browser.execute_script(IS_AT, heading))

    def waits_until(self, holds: Callable[[], object]) -> None:
        from selenium.common.exceptions import TimeoutException, WebDriverException
        from selenium.webdriver.support.wait import WebDriverWait

        # One page may give way to the next under any question.
        wait = WebDriverWait(self.browser, WAIT_S, poll_frequency=0.02, ignored_exceptions=[WebDriverException])
        try:
            wait.until(lambda _: holds())
        except TimeoutException:
            raise AssertionError(f"still at {self.browser.current_url}\n{self.browser.page_source}") from None

    def reads(self, selector: str) -> str:
        return self.browser.find_element("css selector", selector).text

    @property
    def at(self) -> Any:
        """The element that has the focus."""
        return self.browser.switch_to.active_element


@pytest.fixture
def person(browser: Chrome, server: SimulatorServer) -> Person:
    return Person(browser, server)


@pytest.fixture
def app(register: Callable[..., App], target: Any) -> App:
    return register(redirect_uris=[f"{target.url}/callback", f"{target.url}/callback?tenant=7&x=%20"])


@pytest.fixture
def exchange(server: SimulatorServer, app: App) -> Callable[..., Any]:
    """Exchange the code of a callback for tokens."""

    def exchange(came: str, redirect_uri: str = app.redirect_uri) -> Any:
        answer = requests.post(
            f"{server.url}/oauth/v3/token",
            data={
                "grant_type": "authorization_code",
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "redirect_uri": redirect_uri,
                "code": parse_qs(urlsplit(came).query)["code"][0],
            },
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    return exchange


def test_the_chosen_account_and_scopes_are_those_of_the_token(
    person: Person, app: App, query: Callable[..., str], target: Any, exchange: Callable[..., Any], simulator: Simulator
) -> None:
    state = "a b&c=d#e/é\"'<script>alert(1)</script>漢"
    person.opens(query(app, state=state))
    person.comes_to("Connect Acme Sync")
    assert person.reads("header") == "Simulator This is not HubSpot. Nothing here reaches a real account."
    assert person.browser.find_element("css selector", ":checked").get_attribute("value") == str(
        simulator.portal.hub_id
    )
    person.clicks("input[name=portal][value='7654321']")
    person.clicks("input[name=optional][value=files]")
    person.clicks("button[value=connect]")
    came = target.wait()
    assert urlsplit(came).path == "/callback"
    assert list(parse_qs(urlsplit(came).query)) == ["code", "state"]
    assert parse_qs(urlsplit(came).query)["state"] == [state]
    person.comes_to("Connected")
    tokens = exchange(came)
    assert tokens["hub_id"] == 7654321
    assert tokens["scopes"] == ["oauth", "tickets", "crm.lists.read"]


def test_what_nobody_touches_connects_the_default_account_with_every_scope(
    person: Person, app: App, query: Callable[..., str], target: Any, exchange: Callable[..., Any], simulator: Simulator
) -> None:
    person.opens(query(app))
    person.clicks("button[value=connect]")
    came = target.wait()
    assert "state" not in parse_qs(urlsplit(came).query)
    tokens = exchange(came)
    assert tokens["hub_id"] == simulator.portal.hub_id
    assert tokens["scopes"] == ["oauth", "tickets", "files", "crm.lists.read"]


def test_cancelling_shows_a_page_and_tells_the_app_nothing(
    person: Person, app: App, query: Callable[..., str], target: Any, simulator: Simulator
) -> None:
    person.opens(query(app, state="s"))
    person.clicks("button[value=cancel]")
    person.comes_to("Nothing was connected")
    assert person.browser.current_url == f"{person.server.url}/oauth/authorize?"
    assert target.came.empty()
    assert simulator.store.codes == {}


def test_after_cancelling_one_can_go_back_and_connect(
    person: Person, app: App, query: Callable[..., str], target: Any
) -> None:
    person.opens(query(app))
    person.clicks("button[value=cancel]")
    person.comes_to("Nothing was connected")
    person.browser.back()
    person.comes_to("Connect Acme Sync")
    person.clicks("button[value=connect]")
    assert target.wait().startswith("/callback?code=")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"redirect_uri": "https://evil.example.com/"},
            "The redirect_uri doesn't match the client registered redirect_uri. Please contact the app developer.",
        ),
        ({"scope": "oauth"}, "Insufficient scopes were provided. Please contact the app developer."),
        (
            {"client_id": "<b>nobody</b>"},
            "This install link is no longer valid. Please visit HubSpot's App Marketplace to install this app.",
        ),
    ],
)
def test_a_wrong_link_is_refused_on_a_page(
    person: Person,
    app: App,
    query: Callable[..., str],
    target: Any,
    simulator: Simulator,
    parameters: dict[str, str],
    message: str,
) -> None:
    person.opens(query(app, **parameters))
    person.comes_to(REFUSED)
    assert person.reads("h1 + p") == message
    assert person.browser.current_url.startswith(person.server.url)
    assert [exchange.status for exchange in simulator.journal.exchanges] == [200]
    assert target.came.empty()


@pytest.mark.parametrize(
    ("portal", "message"),
    [
        (
            {"scopes": ["oauth"]},
            "Authorization failed because this account doesn't have access to the scopes required by the app. "
            "Please contact HubSpot support.",
        ),
        (
            {"user_scopes": ["oauth"]},
            "Authorization failed because you don't have permission(s) to authorize the scopes required by the app. "
            "Please contact your super admin to get the necessary permission(s).",
        ),
        (
            {"developer": True},
            "The account you selected 99 is a developer account. This app can't be installed on a developer account.",
        ),
    ],
    ids=["account", "user", "developer"],
)
def test_an_account_that_cannot_is_refused_once_it_was_chosen(
    person: Person,
    app: App,
    query: Callable[..., str],
    target: Any,
    simulator: Simulator,
    portal: dict[str, Any],
    message: str,
) -> None:
    simulator.add_portal(99, **portal)
    person.opens(query(app))
    person.clicks("input[value='99']")
    person.clicks("button[value=connect]")
    person.comes_to(REFUSED)
    assert person.reads("h1 + p") == message
    assert target.came.empty()
    assert simulator.store.codes == {}


def test_the_keyboard_is_enough_and_the_focus_can_be_seen(
    person: Person, app: App, query: Callable[..., str], target: Any, exchange: Callable[..., Any]
) -> None:
    from selenium.webdriver.common.keys import Keys

    def tabs_to(selector: str) -> None:
        person.presses(Keys.TAB)
        assert person.browser.execute_script("return document.activeElement.matches(arguments[0])", selector)
        assert person.at.value_of_css_property("outline-style") == "solid"
        assert person.at.value_of_css_property("outline-width") == "3px"

    person.opens(query(app))
    tabs_to("[name=portal]:checked")
    person.presses(Keys.ARROW_DOWN)
    tabs_to("[name=optional][value=files]")
    tabs_to("[name=optional][value='crm.lists.read']")
    person.presses(Keys.SPACE)
    tabs_to("[value=connect]")
    person.presses(Keys.ENTER)
    tokens = exchange(target.wait())
    assert tokens["hub_id"] == 7654321
    assert tokens["scopes"] == ["oauth", "tickets", "files"]


def test_enter_in_a_field_connects(person: Person, app: App, query: Callable[..., str], target: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    person.opens(query(app))
    person.presses(Keys.TAB, Keys.ENTER)
    assert target.wait().startswith("/callback?code=")


def test_a_redirect_uri_keeps_its_query(
    person: Person, app: App, query: Callable[..., str], target: Any, exchange: Callable[..., Any]
) -> None:
    redirect_uri = app.redirect_uris[1]
    person.opens(query(app, redirect_uri=redirect_uri, state="s"))
    person.clicks("button[value=connect]")
    came = target.wait()
    assert came.startswith("/callback?tenant=7&x=%20&code=")
    assert came.endswith("&state=s")
    exchange(came, redirect_uri)


def test_the_account_of_the_path_is_chosen_already(
    person: Person, app: App, query: Callable[..., str], target: Any, exchange: Callable[..., Any]
) -> None:
    person.opens(query(app), "/oauth/7654321/authorize")
    person.clicks("button[value=connect]")
    assert exchange(target.wait())["hub_id"] == 7654321


def test_many_accounts_are_chosen_from_a_list(
    person: Person, app: App, query: Callable[..., str], target: Any, exchange: Callable[..., Any], simulator: Simulator
) -> None:
    for hub_id in range(1, 30):
        simulator.add_portal(hub_id)
    person.opens(query(app))
    person.clicks("label[for=portal]")
    person.presses("portal-29.")
    person.clicks("button[value=connect]")
    assert exchange(target.wait())["hub_id"] == 29


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1200])
def test_long_names_fit_and_everything_can_be_read(
    person: Person,
    show: Callable[[int, str], None],
    register: Callable[..., App],
    query: Callable[..., str],
    simulator: Simulator,
    width: int,
    scheme: str,
) -> None:
    long = "x" * 200
    simulator.add_portal(5, hub_domain=f"{long}.example.com")
    app = register(
        name=f"{long} & the Extraordinarily Comprehensive Relationship Synchronisation Suite",
        redirect_uris=[f"https://{long}.example.com/{long}"],
        scopes=["oauth", long, *(f"crm.objects.{name}.{verb}" for name in TYPES for verb in ("read", "write"))],
        optional_scopes=["files", f"optional-{long}", "conversations.visitor_identification.tokens.create"],
    )
    show(width, scheme)

    def look() -> None:
        assert person.browser.execute_script("return innerWidth") == width
        assert person.browser.execute_script(WIDER_THAN_THE_WINDOW) == []
        assert person.browser.execute_script(CONTRAST) == []

    person.opens(query(app))
    look()
    for number in range(10, 20):
        simulator.add_portal(number)
    person.opens(query(app))
    assert person.browser.find_elements("css selector", "select")
    look()
    person.clicks("[value=cancel]")
    person.comes_to("Nothing was connected")
    look()
    person.opens("client_id=none")
    look()
