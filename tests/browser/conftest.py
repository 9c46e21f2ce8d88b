"""A simulator that shows the consent page, an app to connect to it, and a browser that looks at it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from hubspot_simulator import Settings, Simulator, SimulatorServer
from hubspot_simulator.core.model import App

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--host-resolver-rules=MAP *.example.test 127.0.0.1",  # other sites, on this machine
)
WAIT_S = 30


@pytest.fixture(scope="session")
def one_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Headless Chromium, one for the session; nothing is downloaded for it."""
    pytest.importorskip("selenium", reason="selenium drives the browser: pip install selenium")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    binary = os.environ.get("CHROME") or next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip(
            "no browser: put Chromium or Chrome and its chromedriver on PATH (Debian: chromium, chromium-driver), "
            "or name them in the environment variables CHROME and CHROMEDRIVER"
        )
    options = ChromeOptions()
    options.binary_location = binary
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("no_proxy", "localhost,127.0.0.1")  # chromedriver answers on loopback
        browser = Chrome(options=options, service=Service(driver))
    try:
        browser.set_page_load_timeout(WAIT_S)
        yield browser
    finally:
        browser.quit()


@pytest.fixture
def browser(one_browser: Chrome) -> Iterator[Chrome]:
    """The browser, 1200 pixels wide. Nothing may be blocked or fail on the pages that a test shows it."""
    resize(one_browser, 1200)
    yield one_browser
    one_browser.get("about:blank")
    assert [entry["message"] for entry in one_browser.get_log("browser")] == []


def resize(browser: Chrome, width: int, scheme: str = "light") -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


@pytest.fixture
def show(browser: Chrome) -> Callable[[int, str], None]:
    """Give the browser another width, and the colour scheme ``light`` or ``dark``."""
    return lambda width, scheme: resize(browser, width, scheme)


class Target:
    """The app's side: a loopback server where the browser is sent back to. ``came`` has what it was asked for."""

    def __init__(self) -> None:
        self.came: Queue[str] = Queue()
        came = self.came

        class Handler(BaseHTTPRequestHandler):
            timeout = WAIT_S

            def do_GET(self) -> None:
                if self.path != "/favicon.ico":
                    came.put(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html;charset=utf-8")
                self.end_headers()
                self.wfile.write(b"<!doctype html><link rel=icon href=data:,><title>back</title><h1>Connected</h1>")

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def wait(self) -> str:
        """Return the path that the browser asked for."""
        return self.came.get(timeout=WAIT_S)


@pytest.fixture
def target() -> Iterator[Target]:
    """The app's side of the redirect."""
    target = Target()
    thread = threading.Thread(target=target.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield target
    finally:
        target.server.shutdown()
        thread.join()
        target.server.server_close()


@pytest.fixture
def simulator() -> Simulator:
    """A simulator that shows the page, with a second account."""
    simulator = Simulator(Settings(consent="page"))
    simulator.add_portal(7654321, hub_domain="acme.example.com")
    return simulator


@pytest.fixture
def server(simulator: Simulator) -> Iterator[SimulatorServer]:
    """The simulator on a socket. Browsers may ask it for nothing that it does not serve."""
    with SimulatorServer(simulator) as server:
        yield server
    assert simulator.journal.unserved == []


@pytest.fixture
def register(simulator: Simulator) -> Callable[..., App]:
    """Register an app with two required and two optional scopes."""

    def register(**kwargs: Any) -> App:
        known = {"name": "Acme Sync", "scopes": ["oauth", "tickets"], "optional_scopes": ["files", "crm.lists.read"]}
        return simulator.add_app(**{**known, **kwargs})

    return register


@pytest.fixture
def query() -> Callable[..., str]:
    """Return the query of an authorization URL; a parameter of None is left out."""

    def query(app: App, **parameters: str | None) -> str:
        known = {
            "client_id": app.client_id,
            "redirect_uri": app.redirect_uri,
            "scope": " ".join(app.scopes),
            "optional_scope": " ".join(app.optional_scopes),
        }
        return urlencode({name: value for name, value in {**known, **parameters}.items() if value is not None})

    return query
