"""C1 in a browser: an app on another host is installed as ever, and a hostile page cannot use the simulator."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from hubspot_simulator import Settings, Simulator, SimulatorServer

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

WAIT_S = 30
LIST = "/crm/v3/objects/contacts"


class Site:
    """A web server on loopback, under any name below example.test. ``pages`` answer by path."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[dict[str, list[str]]], str]] = {}
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            timeout = WAIT_S

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                page = pages.get(parts.path)
                text = page(parse_qs(parts.query)) if page else ""
                location = text.removeprefix("location: ") if text.startswith("location: ") else ""
                self.send_response(302 if location else 200 if page else 404)
                self.send_header("Content-Type", "text/html;charset=utf-8")
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                if not location:
                    self.wfile.write(f"<!doctype html><link rel=icon href=data:,>{text}".encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def url(self, name: str, path: str = "/") -> str:
        return f"http://{name}.example.test:{self.server.server_address[1]}{path}"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        thread.join()
        site.server.server_close()


@pytest.fixture(params=["auto", "page"])
def consent(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def simulator(site: Site, consent: str) -> Simulator:
    return Simulator(Settings(consent=consent, redirect_uri=site.url("app", "/callback"), random_seed="unknown"))


@pytest.fixture
def server(simulator: Simulator) -> Iterator[SimulatorServer]:
    with SimulatorServer(simulator) as server:
        yield server


@pytest.fixture
def query(simulator: Simulator) -> str:
    app = simulator.app
    return urlencode({"client_id": app.client_id, "redirect_uri": app.redirect_uri, "scope": " ".join(app.scopes)})


class Visitor:
    """Somebody at the browser, who is led to other sites."""

    def __init__(self, browser: Chrome, simulator: Simulator) -> None:
        self.browser = browser
        self.simulator = simulator

    def waits_until(self, holds: Callable[[], object]) -> None:
        from selenium.common.exceptions import TimeoutException, WebDriverException
        from selenium.webdriver.support.wait import WebDriverWait

        wait = WebDriverWait(self.browser, WAIT_S, poll_frequency=0.02, ignored_exceptions=[WebDriverException])
        try:
            wait.until(lambda _: holds())
        except TimeoutException:
            journal = "\n".join(map(str, self.simulator.journal.exchanges))
            raise AssertionError(f"at {self.browser.current_url}\n{self.browser.page_source}\n{journal}") from None

    def clicks(self, selector: str) -> None:
        self.waits_until(lambda: self.browser.find_elements("css selector", selector))
        self.browser.find_element("css selector", selector).click()

    def refusals(self, method: str, path: str) -> list[str]:
        """Wait for a call of the simulator, and return why each such call was refused."""

        def calls() -> list[Any]:
            found = [e for e in self.simulator.journal.exchanges if (e.method, e.path) == (method, path)]
            return found if found and all(e.status for e in found) else []

        self.waits_until(calls)
        assert {exchange.status for exchange in calls()} == {403}
        return [exchange.why for exchange in calls()]


@pytest.fixture
def visitor(one_browser: Chrome, simulator: Simulator) -> Iterator[Visitor]:
    """The console may fill with what was refused here."""
    yield Visitor(one_browser, simulator)
    one_browser.get("about:blank")
    one_browser.get_log("browser")


@pytest.mark.parametrize("by", ["link", "redirect", "script"])
def test_c1_an_app_on_another_host_is_installed(
    visitor: Visitor, server: SimulatorServer, site: Site, query: str, consent: str, by: str, simulator: Simulator
) -> None:
    authorize = f"{server.url}/oauth/authorize?{query}"
    tokens: list[Any] = []

    def callback(asked: dict[str, list[str]]) -> str:
        app = simulator.app
        form = {"grant_type": "authorization_code", "code": asked["code"][0], "redirect_uri": app.redirect_uri}
        credentials = {"client_id": app.client_id, "client_secret": app.client_secret}
        answer = requests.post(f"{server.url}/oauth/v3/token", data={**form, **credentials}, timeout=WAIT_S)
        tokens.append(answer.json())
        return "<h1 id=done>Connected</h1>"

    site.pages["/callback"] = callback
    site.pages["/install"] = {
        "link": lambda _: f'<a href="{escape(authorize)}">Install</a>',
        "redirect": lambda _: f"location: {authorize}",
        "script": lambda _: f"<button onclick='location = {json.dumps(authorize)}'>Install</button>",
    }[by]
    visitor.browser.get(site.url("app", "/install"))
    if by != "redirect":
        visitor.clicks("a, button")
    if consent == "page":
        visitor.clicks("button[value=connect]")
    visitor.waits_until(lambda: visitor.browser.find_elements("id", "done"))
    assert [token["hub_id"] for token in tokens] == [simulator.portal.hub_id]
    assert {exchange.status for exchange in simulator.journal.exchanges} <= {200, 302}


def form(url: str, fields: dict[str, str], target: str = "_self") -> str:
    inputs = "".join(f'<input type=hidden name="{name}" value="{escape(value)}">' for name, value in fields.items())
    return (
        f'<form method=post action="{url}" target="{target}">{inputs}</form><script>document.forms[0].submit()</script>'
    )


@pytest.mark.parametrize("target", ["_self", "frame"])
def test_c1_a_hostile_form_cannot_revoke_the_refresh_token(
    visitor: Visitor, server: SimulatorServer, site: Site, simulator: Simulator, target: str
) -> None:
    app, token = simulator.app, simulator.installation.refresh_token
    fields = {"client_id": app.client_id, "client_secret": app.client_secret, "token": token}
    frame = "<iframe name=frame></iframe>" if target == "frame" else ""
    site.pages["/"] = lambda _: frame + form(f"{server.url}/oauth/v3/token/revoke", fields, target)
    visitor.browser.get(site.url("evil"))
    (why,) = visitor.refusals("POST", "/oauth/v3/token/revoke")
    assert f"pages of '{site.url('evil', '')}'" in why
    refresh = {"grant_type": "refresh_token", "refresh_token": token, **fields}
    assert requests.post(f"{server.url}/oauth/v3/token", data=refresh, timeout=WAIT_S).status_code == 200


def test_c1_a_hostile_form_cannot_consent(
    visitor: Visitor, server: SimulatorServer, site: Site, simulator: Simulator, query: str
) -> None:
    fields = {name: values[0] for name, values in parse_qs(query).items()}
    fields |= {"portal": str(simulator.portal.hub_id), "decision": "connect"}
    site.pages["/"] = lambda _: form(f"{server.url}/oauth/authorize", fields)
    visitor.browser.get(site.url("evil"))
    visitor.refusals("POST", "/oauth/authorize")
    assert simulator.store.codes == {}


def test_c1_a_page_of_a_sandbox_has_the_origin_null(visitor: Visitor, server: SimulatorServer, site: Site) -> None:
    page = form(f"{server.url}/_simulator/reset", {})
    site.pages["/"] = lambda _: f'<iframe sandbox="allow-scripts allow-forms" srcdoc="{escape(page)}"></iframe>'
    visitor.browser.get(site.url("evil"))
    (why,) = visitor.refusals("POST", "/_simulator/reset")
    assert "pages of 'null'" in why


@pytest.mark.parametrize(
    ("script", "method", "path"),
    [
        ("fetch(url + path, {method: 'POST', mode: 'no-cors', body: '{}'})", "POST", "/_simulator/clock/advance"),
        ("fetch(url + path, {method: 'DELETE'})", "OPTIONS", f"{LIST}/1"),
        ("fetch(url + path)", "GET", LIST),
        ("fetch(url + path, {mode: 'no-cors'})", "GET", "/_simulator/audit"),
        ("fetch(url + path, {method: 'HEAD', mode: 'no-cors'})", "HEAD", "/oauth/authorize"),
        ("new Image().src = url + path", "GET", "/oauth/authorize"),
        ("navigator.sendBeacon(url + path, '{}')", "POST", "/_simulator/faults"),
        (
            "document.body.append(Object.assign(document.createElement('iframe'), {src: url + path}))",
            "GET",
            "/oauth/authorize",
        ),
        (
            "document.head.append(Object.assign(document.createElement('script'), {src: url + path}))",
            "GET",
            "/oauth/authorize",
        ),
    ],
)
def test_c1_a_hostile_script_is_refused(
    visitor: Visitor, server: SimulatorServer, site: Site, simulator: Simulator, script: str, method: str, path: str
) -> None:
    before = simulator.clock.offset_ms
    site.pages["/"] = lambda _: "<body>hostile"
    visitor.browser.get(site.url("evil"))
    visitor.browser.execute_script(f"const url = {json.dumps(server.url)}, path = {json.dumps(path)}; {script}")
    visitor.refusals(method, path)
    assert simulator.clock.offset_ms == before
    assert simulator.store.codes == {}


@pytest.mark.parametrize("kind", ["prefetch", "prerender"])
@pytest.mark.parametrize("consent", ["auto"], indirect=True)
def test_c1_a_link_that_nobody_followed_is_refused_and_works_once_followed(
    visitor: Visitor, server: SimulatorServer, site: Site, simulator: Simulator, query: str, kind: str
) -> None:
    authorize = f"{server.url}/oauth/authorize?{query}"
    rules = json.dumps({kind: [{"source": "list", "urls": [authorize], "eagerness": "immediate"}]})
    site.pages["/callback"] = lambda asked: f"<h1 id=done>{escape(asked['code'][0])}</h1>"
    site.pages["/"] = lambda _: (
        f"<script type=speculationrules>{rules}</script><a href='{escape(authorize)}'>Install</a>"
    )
    visitor.browser.get(site.url("app"))
    if not visitor.browser.execute_script("return HTMLScriptElement.supports('speculationrules')"):
        pytest.skip("this browser knows no speculation rules")
    visitor.refusals("GET", "/oauth/authorize")
    assert simulator.store.codes == {}
    visitor.clicks("a")
    visitor.waits_until(lambda: visitor.browser.find_elements("css selector", "#done"))
    assert [visitor.browser.find_element("css selector", "#done").text] == list(simulator.store.codes)


def test_c1_a_page_that_rebinds_its_name_gets_and_deletes_nothing(
    visitor: Visitor, server: SimulatorServer, simulator: Simulator
) -> None:
    visitor.browser.get(f"http://rebound.example.test:{server.port}/oauth/authorize")
    assert "does not answer to the host name" in visitor.browser.page_source
    token = simulator.installation.access_token
    statuses = visitor.browser.execute_async_script(
        "const [token, done] = arguments, headers = {Authorization: 'Bearer ' + token};"
        f"Promise.all([fetch('{LIST}', {{headers}}), fetch('{LIST}/1', {{headers, method: 'DELETE'}}),"
        "fetch('/oauth/v1/token', {method: 'POST', body: new URLSearchParams({grant_type: 'refresh_token'})})])"
        ".then(answers => done(answers.map(answer => answer.status)))",
        token,
    )
    assert statuses == [403, 403, 403]
